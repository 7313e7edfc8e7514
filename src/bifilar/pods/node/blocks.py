"""Edge module: the blocks of a node, asked for, exported, handed out from, and given back.

A block is in one of these states::

    (the store's) --acquire--> open --idle--> withdrawing --settled--> (the store's)
                                 ^-------- wanted again --------'

Addresses come from open blocks only. A block is open when it has been exported. A withdrawing block is exported no
more, but guarded: packets for it are refused here instead of looping between this node and its router. It is given
back when the daemon has withdrawn it everywhere and the hold time has passed since.

One lock guards the state; nothing waits while holding it, neither for the store nor for the kernel.

Reserved addresses of pools are read before a block is asked for, and at each refresh: so none that was reserved
before is handed out of a new block, and one that is reserved later is withheld from the next refresh on.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Condition, Lock
from time import monotonic
from typing import Protocol

import structlog

from bifilar.errors import BifilarError
from bifilar.pods.allocation import Holdings
from bifilar.pods.failpoints import Step, reach
from bifilar.pods.model import Attachment, Block, BlockName, Key, PoolName, Prefix
from bifilar.pods.node.meter import Meter
from bifilar.pods.node.settings import Settings
from bifilar.pods.store import Store, StoreError, StoreUnavailableError

_log = structlog.get_logger(__name__)

_RETRY_AHEAD_S = 5.0
"""A block that is wanted ahead and refused isn't asked for again for so long."""
_SPARE = 8
"""The next block is asked for when an eighth of the addresses is left; blocks smaller than that aren't kept ahead."""
_ACQUIRING_AT_ONCE = 8
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
class _Flight:
    """A block on its way. Those who wait for it look here when it is over."""

    ahead: bool
    over: bool = False
    error: BifilarError | None = None


@dataclass(slots=True)
class _Withdrawal:
    """How far the giving back of a block is. ``settles_at``: from when on nobody can know of it any more."""

    block: Block
    settles_at: float | None = None
    unguarded: bool = False


@dataclass(slots=True)
class _State:
    """What the lock guards."""

    holdings: Holdings = field(default_factory=lambda: Holdings.of(()))
    flights: dict[PoolName, _Flight] = field(default_factory=dict)
    withdrawals: dict[BlockName, _Withdrawal] = field(default_factory=dict)
    returned: set[BlockName] = field(default_factory=set)
    lost: set[BlockName] = field(default_factory=set)
    suspects: set[BlockName] = field(default_factory=set)
    room: dict[PoolName, int] = field(default_factory=dict)
    """So many more addresses may be handed out before it is worth looking whether the next block is needed."""
    idle_since: dict[BlockName, float] = field(default_factory=dict)
    refusals: dict[PoolName, tuple[float, BifilarError]] = field(default_factory=dict)


class Blocks:
    """See the module. Usable from any thread."""

    def __init__(
        self,
        store: Store,
        exporter: Exporter,
        settings: Settings,
        meter: Meter,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._exporter = exporter
        self._settings = settings
        self._meter = meter
        self._clock = clock
        self._state = _State()
        self._changed = Condition(Lock())
        self._exporting = Lock()
        self._heeding = Lock()
        self._exported_at = -_CORRECT_EVERY_S
        self._workers = ThreadPoolExecutor(_ACQUIRING_AT_ONCE, "blocks")

    def close(self) -> None:
        """Wait until what is under way has ended."""
        self._workers.shutdown(cancel_futures=True)

    # What requests need.

    def take(self, key: Key, pool: PoolName) -> Attachment:
        """Addresses for a key: those that it has, or new ones, from a new block if there is no other.

        Raises:
            StoreError: there are none to be had in time.
        """
        deadline = self._clock() + self._settings.add_timeout_s
        with self._changed:
            while True:
                now = self._clock()
                found = self._state.holdings.allocate(key, pool, now)
                if found is not None:
                    self._state.holdings, attachment = found
                    self._state.room[pool] = self._state.room.get(pool, 0) - 1
                    return attachment
                flight = self._state.flights.get(pool) or self._launch(pool, ahead=False)
                # Refused or not: an address that has cooled down meanwhile is as good.
                ready_at = self._state.holdings.ready_at(pool)
                awake_at = deadline if ready_at is None else min(deadline, ready_at)
                self._changed.wait(max(0.0, awake_at - now))
                self._give_up(pool, flight, deadline)

    def _give_up(self, pool: PoolName, flight: _Flight, deadline: float) -> None:
        """Raise what keeps a request from its address, if there is no hope any more."""
        now = self._clock()
        ready_at = self._state.holdings.ready_at(pool)
        if ready_at is not None and ready_at <= deadline:
            if flight.over and flight.error is not None and now < ready_at:
                self._changed.wait(ready_at - now)
            return
        if flight.over and flight.error is not None:
            raise flight.error
        if now >= deadline:
            raise StoreUnavailableError(
                f"pool {pool}",
                f"no block within {self._settings.add_timeout_s:g} s",
                "is the store reachable, and its controller running?",
            )

    def free(self, key: Key) -> None:
        """Take the addresses of a key back; an unknown key has none."""
        with self._changed:
            until = self._clock() + self._settings.cool_down_s
            self._state.holdings = self._state.holdings.free(key, until)
            self._changed.notify_all()

    def attachment_of(self, key: Key) -> Attachment | None:
        """What a key has."""
        return self._state.holdings.attachment_of(key)

    def keys(self) -> frozenset[Key]:
        """Everybody who has addresses."""
        return frozenset(self._state.holdings.keys())

    def block_of(self, attachment: Attachment) -> Block | None:
        """The held block that addresses are of."""
        return next(
            (
                block
                for block in self._state.holdings.blocks()
                if block.pool == attachment.pool and block.offset(attachment.addresses) is not None
            ),
            None,
        )

    def refusal(self, pool: PoolName) -> BifilarError | None:
        """Why an ADD of this pool would fail now; ``None`` if it has an address, or may get one."""
        with self._changed:
            if self._state.holdings.counts(pool, self._clock()).free:
                return None
            refused = self._state.refusals.get(pool)
            return None if refused is None else refused[1]

    # Blocks on their way.

    def look_ahead(self) -> None:
        """Ask for the next block of pools from which addresses were taken, before the last address is gone."""
        with self._changed:
            now = self._clock()
            for pool in [pool for pool, room in self._state.room.items() if room <= 0]:
                refused_at, _ = self._state.refusals.get(pool, (-_RETRY_AHEAD_S, None))
                if pool not in self._state.flights and now >= refused_at + _RETRY_AHEAD_S:
                    self._look_ahead(pool, now)

    def _look_ahead(self, pool: PoolName, now: float) -> None:
        size = max((block.size for block in self._state.holdings.blocks() if block.pool == pool), default=0)
        room = self._state.holdings.counts(pool, now).free - size // _SPARE
        self._state.room[pool] = room
        if size >= _SPARE and room <= 0:
            self._launch(pool, ahead=True)

    def _launch(self, pool: PoolName, *, ahead: bool) -> _Flight:
        flight = self._state.flights[pool] = _Flight(ahead)
        self._workers.submit(self._fetch, pool, flight)
        return flight

    def _fetch(self, pool: PoolName, flight: _Flight) -> None:
        """Get one more block and open it; runs in a thread of its own."""
        began = self._clock()
        error: BifilarError | None = None
        try:
            self._open_one(pool)
        except BifilarError as refused:
            error = refused
            if isinstance(refused, StoreUnavailableError):
                self._meter.store_failed("acquire")
            log = _log.info if flight.ahead else _log.warning
            log("no block", pool=pool, ahead=flight.ahead, reason=refused.what)
        except BaseException as bug:
            error = StoreError(f"pool {pool}", f"getting a block failed: {bug!r}", "see the agent's log")
            _log.exception("getting a block failed", pool=pool)
            raise
        finally:
            outcome = "success" if error is None else type(error).__name__.removesuffix("Error")
            self._meter.acquired(pool, outcome, self._clock() - began)
            with self._changed:
                flight.over, flight.error = True, error
                del self._state.flights[pool]
                if error is None:
                    self._state.refusals.pop(pool, None)
                else:
                    self._state.refusals[pool] = (self._clock(), error)
                self._changed.notify_all()

    def _open_one(self, pool: PoolName) -> None:
        name = self._recall(pool)
        if name is None:
            self.heed_reserved()
            block = self._store.acquire(self._settings.node, pool, self._settings.add_timeout_s)
            reach(Step.BLOCK_ACQUIRED)
            name = block.name
            with self._changed:
                self._state.holdings = self._state.holdings.with_block(block).closed(name)
            _log.info("block acquired", block=name, prefixes=[str(prefix) for prefix in block.prefixes()])
        try:
            self.export()
        except BifilarError:
            # It is ours and would be of use, but nobody would find its addresses. Upkeep tries again.
            with self._changed:
                self._state.withdrawals.pop(name, None)
            raise
        reach(Step.BLOCK_EXPORTED)
        with self._changed:
            self._state.holdings = self._state.holdings.reopened(name)
            self._state.idle_since.pop(name, None)

    def _recall(self, pool: PoolName) -> BlockName | None:
        """A block of the pool that is being given back and still can be kept."""
        with self._changed:
            for name, withdrawal in self._state.withdrawals.items():
                is_useful = self._state.holdings.states[name].unreserved > 0
                if withdrawal.block.pool == pool and is_useful and not withdrawal.unguarded:
                    del self._state.withdrawals[name]
                    return name
        return None

    # What is done beside requests.

    def heed_reserved(self) -> None:
        """Withhold the addresses that are reserved in the store now, and no others. Call it now and then.

        Raises:
            StoreUnavailableError: the store can't be reached; what was reserved before still is.
        """
        # One reading after the other, or an older one might have the last word.
        with self._heeding:
            reserved = {address for pool in self._store.pools().values() for address in pool.reserved}
            with self._changed:
                self._state.holdings = self._state.holdings.with_reserved(reserved)
                self._changed.notify_all()

    def restore(self, blocks: Iterable[Block], attachments: Iterable[Attachment]) -> list[Attachment]:
        """Begin with the blocks that the store has for this node and what the kernel has attached.

        Call :meth:`heed_reserved` before.

        Returns:
            The attachments whose addresses belong to none of the blocks; they are left alone.
        """
        with self._changed:
            holdings = Holdings.of(blocks, reserved=self._state.holdings.reserved)
            unplaced = []
            for attachment in attachments:
                try:
                    holdings = holdings.register(attachment)
                except ValueError:
                    unplaced.append(attachment)
            self._state = _State(holdings)
            self._changed.notify_all()
        return unplaced

    def export(self) -> None:
        """Make the kernel's tables hold what is held: exported but for what is withdrawing, guarded all of it."""
        with self._exporting, self._meter.reconciling():
            with self._changed:
                withdrawals = dict(self._state.withdrawals)
                blocks = [
                    block
                    for block in self._state.holdings.blocks()
                    if block.name not in withdrawals or not withdrawals[block.name].unguarded
                ]
            exported = [
                prefix for block in blocks if block.name not in withdrawals for prefix in block.prefixes()
            ]
            self._exporter.sync(exported, [prefix for block in blocks for prefix in block.prefixes()])
            self._meter.exported(len(exported))
            self._exported_at = self._clock()

    def upkeep(self) -> None:
        """Do what is due: withdraw idle blocks, give back settled ones, correct the tables. Call it every second.

        Raises:
            BifilarError: something couldn't be done; the next call tries again.
        """
        self._withdraw_idle()
        if self._is_export_due():
            self.export()
            self._open_exported()
        for withdrawal in list(self._state.withdrawals.values()):
            self._go_on(withdrawal)
        for name in tuple(self._state.returned):
            self._release(name)
        self._measure()

    def _is_export_due(self) -> bool:
        """Whether a block has to appear or disappear, or nobody has looked at the tables for some time."""
        with self._changed:
            closed = set(self._state.holdings.closed_blocks()) - self._state.lost
            return bool(closed) or self._clock() >= self._exported_at + _CORRECT_EVERY_S

    def _withdraw_idle(self) -> None:
        with self._changed:
            now = self._clock()
            self._state.room.clear()
            for pool in {block.pool for block in self._state.holdings.blocks()}:
                idle = set(self._state.holdings.empty_blocks(pool, now)) - self._state.withdrawals.keys()
                for block in list(self._state.holdings.blocks()):
                    if block.pool == pool and block.name not in idle:
                        self._state.idle_since.pop(block.name, None)
                for name in sorted(idle):
                    since = self._state.idle_since.setdefault(name, now)
                    if now - since >= self._settings.idle_s and self._is_surplus(pool, name):
                        self._start_withdrawal(name)
                        break  # one at a time

    def _is_surplus(self, pool: PoolName, name: BlockName) -> bool:
        """Whether the next block would not be asked for at once without this one."""
        if pool in self._state.flights:
            return False
        state = self._state.holdings.states[name]
        counts = self._state.holdings.counts(pool, self._clock())
        if not counts.used and not counts.cooling:
            return True
        return not state.unreserved or counts.free - state.unreserved > state.size // _SPARE

    def _block(self, name: BlockName) -> Block:
        return next(block for block in self._state.holdings.blocks() if block.name == name)

    def _start_withdrawal(self, name: BlockName) -> None:
        self._state.withdrawals[name] = _Withdrawal(self._block(name))
        self._state.holdings = self._state.holdings.closed(name)
        self._state.idle_since.pop(name, None)
        _log.info("withdrawing block", block=name)

    def _open_exported(self) -> None:
        """Open blocks that could not be exported when they were acquired."""
        with self._changed:
            if self._state.flights:
                return
            for name in self._state.holdings.closed_blocks():
                if name not in self._state.withdrawals and name not in self._state.lost:
                    self._state.holdings = self._state.holdings.reopened(name)
            self._changed.notify_all()

    def _go_on(self, withdrawal: _Withdrawal) -> None:
        """Take the next step of giving a block back, if it is time."""
        block = withdrawal.block
        reach(Step.BLOCK_WITHDRAWN)
        if not self._exporter.withdrawn(block.prefixes()):
            withdrawal.settles_at = None
            return
        with self._changed:
            if self._state.withdrawals.get(block.name) is not withdrawal:
                return  # wanted again
            now = self._clock()
            if withdrawal.settles_at is None:
                withdrawal.settles_at = now + self._settings.settle_s
            if now < withdrawal.settles_at:
                return
            withdrawal.unguarded = True
        self.export()
        reach(Step.BLOCK_UNGUARDED)
        with self._changed:
            del self._state.withdrawals[block.name]
            self._state.holdings = self._state.holdings.without_block(block.name)
            self._state.returned.add(block.name)

    def _release(self, name: BlockName) -> None:
        self._store.release(self._settings.node, name)
        reach(Step.BLOCK_RELEASED)
        with self._changed:
            self._state.returned.discard(name)
        _log.info("block released", block=name)

    def refresh(self, blocks: Iterable[Block]) -> None:
        """Take over what the store says, where it is something new. Call it now and then.

        What it said may be older than what was acquired or given back meanwhile; so only what is seen twice counts.
        """
        said = {block.name: block for block in blocks}
        with self._changed:
            known = {block.name for block in self._state.holdings.blocks()}
            suspects = (known ^ said.keys()) - self._state.returned
            for name in sorted(suspects & self._state.suspects):
                if name in said:
                    self._state.holdings = self._state.holdings.with_block(said[name]).closed(name)
                    _log.warning("the store has a block for us that we didn't know of", block=name)
                elif name not in self._state.lost:
                    # Its pods run on; nobody gets an address of it any more.
                    self._state.lost.add(name)
                    self._state.holdings = self._state.holdings.closed(name)
                    _log.error("a block that we use isn't ours in the store", block=name)
            self._state.suspects = suspects

    def _measure(self) -> None:
        holdings = self._state.holdings
        blocks = holdings.blocks()
        for pool in {block.pool for block in blocks}:
            held = sum(block.pool == pool for block in blocks)
            self._meter.pool(pool, holdings.counts(pool, self._clock()), held)
