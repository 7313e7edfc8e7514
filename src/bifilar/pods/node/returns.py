"""Edge module: the blocks of a node that it doesn't need, given back.

A block that was idle for long is withdrawn: exported no more, but guarded, so that packets for it are refused here
instead of looping between this node and its router. When the daemon has withdrawn it everywhere, and the hold time has
passed since, nobody can know of it any more; then its guard goes, and the store may give it to another node. Until
then it can be taken back.
"""

from collections.abc import Callable

import structlog

from bifilar.pods.failpoints import Step, reach
from bifilar.pods.model import BlockName, PoolName
from bifilar.pods.node.settings import Settings
from bifilar.pods.node.shelf import SPARE, Exporter, Shelf, Withdrawal
from bifilar.pods.store import Store

_log = structlog.get_logger(__name__)


class Returns:
    """See the module. One thread does the upkeep; any may recall."""

    def __init__(
        self,
        store: Store,
        exporter: Exporter,
        settings: Settings,
        shelf: Shelf,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._exporter = exporter
        self._settings = settings
        self._shelf = shelf
        self._clock = clock

    def recall(self, pool: PoolName) -> BlockName | None:
        """A block of the pool that is being given back and still can be kept."""
        with self._shelf.changed:
            for name, withdrawal in self._shelf.state.withdrawals.items():
                is_useful = self._shelf.state.holdings.states[name].unreserved > 0
                if withdrawal.block.pool == pool and is_useful and not withdrawal.unguarded:
                    del self._shelf.state.withdrawals[name]
                    return name
        return None

    def go_on(self) -> None:
        """Take the next step of giving each block back, if it is time.

        Raises:
            BifilarError: something couldn't be done; the next call tries again.
        """
        for withdrawal in list(self._shelf.state.withdrawals.values()):
            self._go_on(withdrawal)
        for name in tuple(self._shelf.state.returned):
            self._release(name)

    def withdraw_idle(self) -> None:
        """Begin to give back what was idle for long, one block of a pool at a time."""
        with self._shelf.changed:
            now = self._clock()
            self._shelf.state.room.clear()
            for pool in {block.pool for block in self._shelf.state.holdings.blocks()}:
                idle = (
                    set(self._shelf.state.holdings.empty_blocks(pool, now))
                    - self._shelf.state.withdrawals.keys()
                )
                for block in list(self._shelf.state.holdings.blocks()):
                    if block.pool == pool and block.name not in idle:
                        self._shelf.state.idle_since.pop(block.name, None)
                for name in sorted(idle):
                    since = self._shelf.state.idle_since.setdefault(name, now)
                    if now - since >= self._settings.idle_s and self._is_surplus(pool, name):
                        self._start_withdrawal(name)
                        break  # one at a time

    def _is_surplus(self, pool: PoolName, name: BlockName) -> bool:
        """Whether the next block would not be asked for at once without this one."""
        if pool in self._shelf.state.flights:
            return False
        state = self._shelf.state.holdings.states[name]
        counts = self._shelf.state.holdings.counts(pool, self._clock())
        if not counts.used and not counts.cooling:
            return True
        return not state.unreserved or counts.free - state.unreserved > state.size // SPARE

    def _start_withdrawal(self, name: BlockName) -> None:
        self._shelf.state.withdrawals[name] = Withdrawal(self._shelf.state.holdings.states[name].block)
        self._shelf.state.holdings = self._shelf.state.holdings.closed(name)
        self._shelf.state.idle_since.pop(name, None)
        _log.info("withdrawing block", block=name)

    def _go_on(self, withdrawal: Withdrawal) -> None:
        """Take the next step of giving a block back, if it is time."""
        block = withdrawal.block
        reach(Step.BLOCK_WITHDRAWN)
        if not self._exporter.withdrawn(block.prefixes()):
            withdrawal.settles_at = None
            return
        with self._shelf.changed:
            if self._shelf.state.withdrawals.get(block.name) is not withdrawal:
                return  # wanted again
            now = self._clock()
            if withdrawal.settles_at is None:
                withdrawal.settles_at = now + self._settings.settle_s
            if now < withdrawal.settles_at:
                return
            withdrawal.unguarded = True
        self._shelf.export()
        reach(Step.BLOCK_UNGUARDED)
        with self._shelf.changed:
            del self._shelf.state.withdrawals[block.name]
            self._shelf.state.holdings = self._shelf.state.holdings.without_block(block.name)
            self._shelf.state.returned.add(block.name)

    def _release(self, name: BlockName) -> None:
        self._store.release(self._settings.node, name)
        reach(Step.BLOCK_RELEASED)
        with self._shelf.changed:
            self._shelf.state.returned.discard(name)
        _log.info("block released", block=name)
