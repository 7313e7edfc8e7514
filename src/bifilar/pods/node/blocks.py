"""Edge module: the blocks of a node, asked for, exported, handed out from, and given back.

A block is in one of these states::

    (the store's) --acquire--> open --idle--> withdrawing --settled--> (the store's)
                                 ^-------- wanted again --------'

Addresses come from open blocks only. A block is open when it has been exported. What is held is on the
:mod:`~bifilar.pods.node.shelf`; how a block is given back is in :mod:`~bifilar.pods.node.returns`.

Reserved addresses of pools are read before a block is asked for, and at each refresh: so none that was reserved
before is handed out of a new block, and one that is reserved later is withheld from the next refresh on.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from time import monotonic

import structlog

from bifilar.errors import BifilarError
from bifilar.pods.allocation import Holdings
from bifilar.pods.failpoints import Step, reach
from bifilar.pods.model import Attachment, Block, Key, PoolName
from bifilar.pods.node.meter import Meter
from bifilar.pods.node.returns import Returns
from bifilar.pods.node.settings import Settings
from bifilar.pods.node.shelf import SPARE, Exporter, Flight, Shelf, State
from bifilar.pods.store import Store, StoreError, StoreUnavailableError

_log = structlog.get_logger(__name__)

_RETRY_AHEAD_S = 5.0
"""A block that is wanted ahead and refused isn't asked for again for so long."""
_ACQUIRING_AT_ONCE = 8


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
        self._settings = settings
        self._meter = meter
        self._clock = clock
        self._shelf = Shelf(exporter, meter, clock)
        self._returns = Returns(store, exporter, settings, self._shelf, clock)
        self._heeding = Lock()
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
        with self._shelf.changed:
            while True:
                now = self._clock()
                found = self._shelf.state.holdings.allocate(key, pool, now)
                if found is not None:
                    self._shelf.state.holdings, attachment = found
                    self._shelf.state.room[pool] = self._shelf.state.room.get(pool, 0) - 1
                    return attachment
                flight = self._shelf.state.flights.get(pool) or self._launch(pool, ahead=False)
                # Refused or not: an address that has cooled down meanwhile is as good.
                ready_at = self._shelf.state.holdings.ready_at(pool)
                awake_at = deadline if ready_at is None else min(deadline, ready_at)
                self._shelf.changed.wait(max(0.0, awake_at - now))
                self._give_up(pool, flight, deadline)

    def _give_up(self, pool: PoolName, flight: Flight, deadline: float) -> None:
        """Raise what keeps a request from its address, if there is no hope any more."""
        now = self._clock()
        ready_at = self._shelf.state.holdings.ready_at(pool)
        if ready_at is not None and ready_at <= deadline:
            if flight.over and flight.error is not None and now < ready_at:
                self._shelf.changed.wait(ready_at - now)
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
        with self._shelf.changed:
            until = self._clock() + self._settings.cool_down_s
            self._shelf.state.holdings = self._shelf.state.holdings.free(key, until)
            self._shelf.changed.notify_all()

    def attachment_of(self, key: Key) -> Attachment | None:
        """What a key has."""
        return self._shelf.state.holdings.attachment_of(key)

    def keys(self) -> frozenset[Key]:
        """Everybody who has addresses."""
        return frozenset(self._shelf.state.holdings.keys())

    def block_of(self, attachment: Attachment) -> Block | None:
        """The held block that addresses are of."""
        return next(
            (
                block
                for block in self._shelf.state.holdings.blocks()
                if block.pool == attachment.pool and block.offset(attachment.addresses) is not None
            ),
            None,
        )

    def refusal(self, pool: PoolName) -> BifilarError | None:
        """Why an ADD of this pool would fail now; ``None`` if it has an address, or may get one."""
        with self._shelf.changed:
            if self._shelf.state.holdings.counts(pool, self._clock()).free:
                return None
            refused = self._shelf.state.refusals.get(pool)
            return None if refused is None else refused[1]

    # Blocks on their way.

    def look_ahead(self) -> None:
        """Ask for the next block of pools from which addresses were taken, before the last address is gone."""
        with self._shelf.changed:
            now = self._clock()
            for pool in [pool for pool, room in self._shelf.state.room.items() if room <= 0]:
                refused_at, _ = self._shelf.state.refusals.get(pool, (-_RETRY_AHEAD_S, None))
                if pool not in self._shelf.state.flights and now >= refused_at + _RETRY_AHEAD_S:
                    self._look_ahead(pool, now)

    def _look_ahead(self, pool: PoolName, now: float) -> None:
        size = max(
            (block.size for block in self._shelf.state.holdings.blocks() if block.pool == pool), default=0
        )
        room = self._shelf.state.holdings.counts(pool, now).free - size // SPARE
        self._shelf.state.room[pool] = room
        if size >= SPARE and room <= 0:
            self._launch(pool, ahead=True)

    def _launch(self, pool: PoolName, *, ahead: bool) -> Flight:
        flight = self._shelf.state.flights[pool] = Flight(ahead)
        self._workers.submit(self._fetch, pool, flight)
        return flight

    def _fetch(self, pool: PoolName, flight: Flight) -> None:
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
            with self._shelf.changed:
                flight.over, flight.error = True, error
                del self._shelf.state.flights[pool]
                if error is None:
                    self._shelf.state.refusals.pop(pool, None)
                else:
                    self._shelf.state.refusals[pool] = (self._clock(), error)
                self._shelf.changed.notify_all()

    def _open_one(self, pool: PoolName) -> None:
        name = self._returns.recall(pool)
        if name is None:
            self.heed_reserved()
            block = self._store.acquire(self._settings.node, pool, self._settings.add_timeout_s)
            reach(Step.BLOCK_ACQUIRED)
            name = block.name
            with self._shelf.changed:
                self._shelf.state.holdings = self._shelf.state.holdings.with_block(block).closed(name)
            _log.info("block acquired", block=name, prefixes=[str(prefix) for prefix in block.prefixes()])
        try:
            self.export()
        except BifilarError:
            # It is ours and would be of use, but nobody would find its addresses. Upkeep tries again.
            with self._shelf.changed:
                self._shelf.state.withdrawals.pop(name, None)
            raise
        reach(Step.BLOCK_EXPORTED)
        with self._shelf.changed:
            self._shelf.state.holdings = self._shelf.state.holdings.reopened(name)
            self._shelf.state.idle_since.pop(name, None)

    # What is done beside requests.

    def heed_reserved(self) -> None:
        """Withhold the addresses that are reserved in the store now, and no others. Call it now and then.

        Raises:
            StoreUnavailableError: the store can't be reached; what was reserved before still is.
        """
        # One reading after the other, or an older one might have the last word.
        with self._heeding:
            reserved = {address for pool in self._store.pools().values() for address in pool.reserved}
            with self._shelf.changed:
                self._shelf.state.holdings = self._shelf.state.holdings.with_reserved(reserved)
                self._shelf.changed.notify_all()

    def restore(self, blocks: Iterable[Block], attachments: Iterable[Attachment]) -> list[Attachment]:
        """Begin with the blocks that the store has for this node and what the kernel has attached.

        Call :meth:`heed_reserved` before.

        Returns:
            The attachments whose addresses belong to none of the blocks; they are left alone.
        """
        with self._shelf.changed:
            holdings = Holdings.of(blocks, reserved=self._shelf.state.holdings.reserved)
            unplaced = []
            for attachment in attachments:
                try:
                    holdings = holdings.register(attachment)
                except ValueError:
                    unplaced.append(attachment)
            self._shelf.state = State(holdings)
            self._shelf.changed.notify_all()
        return unplaced

    def export(self) -> None:
        """Make the kernel's tables hold what is held; see :meth:`bifilar.pods.node.shelf.Shelf.export`."""
        self._shelf.export()

    def upkeep(self) -> None:
        """Do what is due: withdraw idle blocks, give back settled ones, correct the tables. Call it every second.

        Raises:
            BifilarError: something couldn't be done; the next call tries again.
        """
        self._returns.withdraw_idle()
        if self._shelf.is_export_due():
            self.export()
            self._open_exported()
        self._returns.go_on()
        self._measure()

    def _open_exported(self) -> None:
        """Open blocks that could not be exported when they were acquired."""
        with self._shelf.changed:
            if self._shelf.state.flights:
                return
            for name in self._shelf.state.holdings.closed_blocks():
                if name not in self._shelf.state.withdrawals and name not in self._shelf.state.lost:
                    self._shelf.state.holdings = self._shelf.state.holdings.reopened(name)
            self._shelf.changed.notify_all()

    def refresh(self, blocks: Iterable[Block]) -> None:
        """Take over what the store says, where it is something new. Call it now and then.

        What it said may be older than what was acquired or given back meanwhile; so only what is seen twice counts.
        """
        said = {block.name: block for block in blocks}
        with self._shelf.changed:
            known = {block.name for block in self._shelf.state.holdings.blocks()}
            suspects = (known ^ said.keys()) - self._shelf.state.returned
            for name in sorted(suspects & self._shelf.state.suspects):
                if name in said:
                    self._shelf.state.holdings = self._shelf.state.holdings.with_block(said[name]).closed(
                        name
                    )
                    _log.warning("the store has a block for us that we didn't know of", block=name)
                elif name not in self._shelf.state.lost:
                    # Its pods run on; nobody gets an address of it any more.
                    self._shelf.state.lost.add(name)
                    self._shelf.state.holdings = self._shelf.state.holdings.closed(name)
                    _log.error("a block that we use isn't ours in the store", block=name)
            self._shelf.state.suspects = suspects

    def _measure(self) -> None:
        holdings = self._shelf.state.holdings
        blocks = holdings.blocks()
        for pool in {block.pool for block in blocks}:
            held = sum(block.pool == pool for block in blocks)
            self._meter.pool(pool, holdings.counts(pool, self._clock()), held)
