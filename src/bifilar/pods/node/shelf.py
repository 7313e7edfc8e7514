"""Edge module: the blocks that a node holds, and the kernel's tables that say so.

One lock guards the state; nothing waits while holding it, neither for the store nor for the kernel. Those who bring
blocks and those who give them back share it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Condition, Lock
from typing import Protocol

from bifilar.errors import BifilarError
from bifilar.pods.allocation import Holdings
from bifilar.pods.model import Block, BlockName, PoolName, Prefix
from bifilar.pods.node.meter import Meter

SPARE = 8
"""The next block is asked for when an eighth of the addresses is left; blocks smaller than that aren't kept ahead."""
_CORRECT_EVERY_S = 5.0
"""So often the tables are read, and corrected if somebody else has changed them."""


class Exporter(Protocol):
    """The kernel's tables and the routing daemon, as far as blocks are concerned."""

    def sync(self, exported: Iterable[Prefix], guarded: Iterable[Prefix]) -> None:
        """Make the tables hold exactly these; guards come before exports, and go after them."""
        ...

    def withdrawn(self, prefixes: Iterable[Prefix]) -> bool:
        """Whether the daemon has told all its peers that none of these is here."""
        ...

    def announced(self, prefixes: Iterable[Prefix]) -> bool:
        """Whether the daemon has told all its peers that each of these is here."""
        ...


@dataclass(slots=True)
class Flight:
    """A block on its way. Those who wait for it look here when it is over."""

    ahead: bool
    over: bool = False
    error: BifilarError | None = None


@dataclass(slots=True)
class Withdrawal:
    """How far the giving back of a block is. ``settles_at``: from when on nobody can know of it any more."""

    block: Block
    settles_at: float | None = None
    unguarded: bool = False


@dataclass(slots=True)
class State:
    """What the lock guards."""

    holdings: Holdings = field(default_factory=lambda: Holdings.of(()))
    flights: dict[PoolName, Flight] = field(default_factory=dict)
    withdrawals: dict[BlockName, Withdrawal] = field(default_factory=dict)
    returned: set[BlockName] = field(default_factory=set)
    lost: set[BlockName] = field(default_factory=set)
    suspects: set[BlockName] = field(default_factory=set)
    room: dict[PoolName, int] = field(default_factory=dict)
    """So many more addresses may be handed out before it is worth looking whether the next block is needed."""
    idle_since: dict[BlockName, float] = field(default_factory=dict)
    refusals: dict[PoolName, tuple[float, BifilarError]] = field(default_factory=dict)


class Shelf:
    """See the module. ``state`` is for whoever holds ``changed``, which is notified when somebody may go on."""

    def __init__(self, exporter: Exporter, meter: Meter, clock: Callable[[], float]) -> None:
        self.state = State()
        self.changed = Condition(Lock())
        self._exporter = exporter
        self._meter = meter
        self._clock = clock
        self._exporting = Lock()
        self._exported_at = -_CORRECT_EVERY_S

    def export(self) -> None:
        """Make the kernel's tables hold what is held: exported but for what is withdrawing, guarded all of it."""
        with self._exporting, self._meter.reconciling():
            with self.changed:
                withdrawals = dict(self.state.withdrawals)
                blocks = [
                    block
                    for block in self.state.holdings.blocks()
                    if block.name not in withdrawals or not withdrawals[block.name].unguarded
                ]
            exported = [
                prefix for block in blocks if block.name not in withdrawals for prefix in block.prefixes()
            ]
            self._exporter.sync(exported, [prefix for block in blocks for prefix in block.prefixes()])
            self._meter.exported(len(exported))
            self._exported_at = self._clock()

    def is_export_due(self) -> bool:
        """Whether a block has to appear or disappear, or nobody has looked at the tables for some time."""
        with self.changed:
            closed = set(self.state.holdings.closed_blocks()) - self.state.lost
            return bool(closed) or self._clock() >= self._exported_at + _CORRECT_EVERY_S
