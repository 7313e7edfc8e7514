"""The blocks of a node, against a store and a kernel that exist in memory only, with a clock that is set by hand."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address, ip_network
from time import monotonic, sleep

import pytest

from bifilar.errors import MachineError
from bifilar.pods.model import (
    Addresses,
    Attachment,
    Block,
    BlockName,
    Key,
    NodeName,
    Pool,
    PoolName,
    Prefix,
    Subnet,
)
from bifilar.pods.node.blocks import Blocks
from bifilar.pods.node.meter import Meter
from bifilar.pods.node.settings import Settings
from bifilar.pods.pools import carve
from bifilar.pods.store import PoolExhaustedError, StoreUnavailableError

DEFAULT = PoolName("default")
NODE = NodeName("rack0-server1")
DEADLINE_S = 20.0


class MemoryStore:
    """One pool. ``gate`` is passed by every acquisition; closed, the store doesn't answer."""

    def __init__(self, bits: int = 2, network: str = "10.64.0.0/27") -> None:
        self.pool = Pool(DEFAULT, bits, (Subnet(ip_network(network)),))  # type: ignore[arg-type] # IPv4 only
        self.holders: dict[BlockName, tuple[NodeName, Block]] = {}
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None
        self._lock = threading.Lock()

    def reserve(self, *addresses: str) -> None:
        """Have no pod get these, and only these."""
        self.pool = replace(self.pool, reserved=frozenset(map(ip_address, addresses)))

    def pools(self) -> Mapping[PoolName, Pool]:
        """All of them."""
        if self.error is not None:
            raise self.error
        return {DEFAULT: self.pool}

    def held(self, node: NodeName) -> tuple[Block, ...]:
        """What a node has."""
        return tuple(block for holder, block in self.holders.values() if holder == node)

    def acquire(self, node: NodeName, pool: PoolName, timeout_s: float) -> Block:
        """Get the lowest free block, as soon as the gate is open."""
        self.asked += 1
        if not self.gate.wait(timeout_s):
            raise StoreUnavailableError("store", "no answer")
        if self.error is not None:
            raise self.error
        with self._lock:
            block = carve(self.pool, {block.index for _, block in self.holders.values()})
            if block is None:
                raise PoolExhaustedError(f"pool {pool}", "nothing left")
            self.holders[block.name] = (node, block)
        return block

    def release(self, node: NodeName, block: BlockName) -> None:
        """Give a block back; it must be the node's."""
        if self.error is not None:
            raise self.error
        assert self.holders.pop(block)[0] == node

    def annotations(self, _namespace: str) -> Mapping[str, str]:
        """None, of any namespace."""
        return {}


class MemoryTables:
    """The kernel's tables, with everything that was ever in them, and a daemon that says when it has withdrawn."""

    def __init__(self) -> None:
        self.exported: set[Prefix] = set()
        self.guarded: set[Prefix] = set()
        self.has_withdrawn = True
        self.error: Exception | None = None

    def sync(self, exported: Iterable[Prefix], guarded: Iterable[Prefix]) -> None:
        """Note what there is."""
        if self.error is not None:
            raise self.error
        self.exported, self.guarded = set(exported), set(guarded)
        assert self.exported <= self.guarded

    def withdrawn(self, prefixes: Iterable[Prefix]) -> bool:
        """As it is told."""
        return self.has_withdrawn and not self.exported & set(prefixes)

    def announced(self, prefixes: Iterable[Prefix]) -> bool:
        """At once."""
        return self.exported >= set(prefixes)


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now


class World:
    """Everything around the blocks of one node."""

    def __init__(self, store: MemoryStore, *, clock: Callable[[], float], **settings: float) -> None:
        self.store, self.tables = store, MemoryTables()
        told = Settings(
            NODE, Addresses(), **{"cool_down_s": 0.0, "idle_s": 60.0, "settle_s": 90.0} | settings
        )  # type: ignore[arg-type] # all of them are numbers
        self.blocks = Blocks(store, self.tables, told, Meter(), clock)
        self.blocks.restore((), ())

    def take(self, count: int = 1, first: int = 0) -> list[Attachment]:
        """Attach so many containers."""
        return [self.blocks.take(Key(f"c{n}", "eth0"), DEFAULT) for n in range(first, first + count)]


@contextmanager
def world(store: MemoryStore, clock: Callable[[], float] = monotonic, **settings: float) -> Iterator[World]:
    made = World(store, clock=clock, **settings)
    yield made
    store.gate.set()
    made.blocks.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + DEADLINE_S
    while not condition():
        assert monotonic() < deadline
        sleep(0.002)


def test_a_block_is_exported_before_its_addresses_are_used() -> None:
    with world(MemoryStore()) as node:
        (attachment,) = node.take()
        assert str(attachment.addresses.ipv4) == "10.64.0.0"
        assert node.tables.exported == node.tables.guarded == {ip_network("10.64.0.0/30")}


def test_many_wait_for_one_block_and_none_gets_anothers_address() -> None:
    store = MemoryStore(bits=2)
    store.gate.clear()
    with world(store) as node, ThreadPoolExecutor(20) as threads:
        taken = [threads.submit(node.blocks.take, Key(f"c{n}", "eth0"), DEFAULT) for n in range(20)]
        until(lambda: store.asked == 1)
        store.gate.set()
        addresses = {future.result().addresses for future in taken}
        assert len(addresses) == 20
        assert len(store.holders) == 5


def test_addresses_that_are_there_are_had_while_a_block_is_awaited() -> None:
    store = MemoryStore(bits=2)
    with world(store) as node, ThreadPoolExecutor(1) as threads:
        node.take(4)
        store.gate.clear()
        waiting = threads.submit(node.take, 1, 4)
        until(lambda: store.asked == 2)
        node.blocks.free(Key("c0", "eth0"))
        # The one that waits gets it, without the block that it waits for.
        assert str(waiting.result(DEADLINE_S)[0].addresses.ipv4) == "10.64.0.0"


def test_the_next_block_is_asked_for_before_the_last_address_is_gone() -> None:
    store = MemoryStore(bits=3)
    with world(store) as node:
        node.take(6)
        node.blocks.look_ahead()
        assert store.asked == 1
        node.take(1, 6)
        node.blocks.look_ahead()
        until(lambda: len(store.holders) == 2)
        node.take(1, 7)
        assert store.asked == 2


def test_small_blocks_are_not_hoarded() -> None:
    store = MemoryStore(bits=0)
    with world(store) as node:
        node.take(3)
        assert store.asked == len(store.holders) == 3


def test_an_exhausted_pool_is_an_error_at_once() -> None:
    with world(MemoryStore(bits=2, network="10.64.0.0/30")) as node:
        node.take(4)
        with pytest.raises(PoolExhaustedError):
            node.take(1, 4)
        refusal = node.blocks.refusal(DEFAULT)
        assert isinstance(refusal, PoolExhaustedError)
        node.blocks.free(Key("c0", "eth0"))
        assert node.blocks.refusal(DEFAULT) is None
        node.take(1, 4)


def test_a_cooling_address_is_waited_for_when_the_pool_is_exhausted() -> None:
    with world(MemoryStore(bits=2, network="10.64.0.0/30"), cool_down_s=0.3) as node:
        node.take(4)
        freed = node.blocks.attachment_of(Key("c2", "eth0"))
        assert freed is not None
        node.blocks.free(freed.key)
        began = monotonic()
        (again,) = node.take(1, 4)
        assert again.addresses == freed.addresses
        assert monotonic() - began >= 0.29


def test_a_store_that_does_not_answer_is_given_up() -> None:
    store = MemoryStore()
    store.gate.clear()
    with world(store, add_timeout_s=0.1) as node:
        with pytest.raises(StoreUnavailableError):
            node.take()
        store.gate.set()
    with world(store) as node:
        node.take()


def test_a_block_that_cannot_be_exported_is_not_used_until_it_can() -> None:
    with world(MemoryStore()) as node:
        node.tables.error = MachineError("table 119", "refused")
        with pytest.raises(MachineError):
            node.take()
        assert len(node.store.holders) == 1
        node.tables.error = None
        node.blocks.upkeep()
        node.take()
        assert len(node.store.holders) == 1


def idle_world(clock: Clock) -> World:
    """Two blocks, of which only the first is in use."""
    node = World(MemoryStore(bits=2), clock=clock)
    node.take(5)
    node.blocks.free(Key("c4", "eth0"))
    node.blocks.free(Key("c3", "eth0"))
    node.blocks.upkeep()
    return node


SECOND = ip_network("10.64.0.4/30")


def test_an_idle_block_is_withdrawn_settles_and_is_given_back() -> None:
    clock = Clock()
    node = idle_world(clock)
    clock.now += 59
    node.blocks.upkeep()
    assert SECOND in node.tables.exported
    node.tables.has_withdrawn = False
    clock.now += 1
    node.blocks.upkeep()
    assert SECOND not in node.tables.exported
    assert SECOND in node.tables.guarded
    # However long it takes: without the daemon's word nothing goes on.
    clock.now += 1000
    node.blocks.upkeep()
    assert len(node.store.holders) == 2
    node.tables.has_withdrawn = True
    node.blocks.upkeep()
    clock.now += 89
    node.blocks.upkeep()
    assert SECOND in node.tables.guarded
    assert len(node.store.holders) == 2
    clock.now += 1
    node.blocks.upkeep()
    assert SECOND not in node.tables.guarded
    assert [block.index for block in node.store.held(NODE)] == [0]
    node.blocks.close()


def test_a_route_that_comes_back_while_settling_starts_the_wait_anew() -> None:
    clock = Clock()
    node = idle_world(clock)
    clock.now += 60
    node.blocks.upkeep()
    clock.now += 89
    node.tables.has_withdrawn = False
    node.blocks.upkeep()
    node.tables.has_withdrawn = True
    clock.now += 5
    node.blocks.upkeep()
    assert len(node.store.holders) == 2
    clock.now += 90
    node.blocks.upkeep()
    assert len(node.store.holders) == 1
    node.blocks.close()


def test_a_withdrawing_block_is_taken_back_when_it_is_wanted() -> None:
    clock = Clock()
    node = idle_world(clock)
    clock.now += 60
    node.blocks.upkeep()
    assert SECOND not in node.tables.exported
    asked = node.store.asked
    node.take(2, 3)
    assert SECOND in node.tables.exported
    assert node.store.asked == asked
    clock.now += 1000
    node.blocks.upkeep()
    assert len(node.store.holders) == 2
    node.blocks.close()


def test_a_release_that_fails_is_tried_again() -> None:
    clock = Clock()
    node = idle_world(clock)
    clock.now += 60
    node.blocks.upkeep()
    node.store.error = StoreUnavailableError("store", "away")
    clock.now += 90
    with pytest.raises(StoreUnavailableError):
        node.blocks.upkeep()
    # It is given up already: nobody here may use it, whoever has it next.
    assert SECOND not in node.tables.guarded
    node.store.error = None
    node.blocks.upkeep()
    assert len(node.store.holders) == 1
    node.blocks.close()


def test_what_the_store_says_counts_when_it_says_it_twice() -> None:
    clock = Clock()
    with world(MemoryStore(), clock) as node:
        node.take(1)
        strange = Block(DEFAULT, 7, ip_network("10.64.0.28/30"))  # type: ignore[arg-type] # IPv4
        known = node.store.held(NODE)
        node.blocks.refresh((*known, strange))
        node.blocks.refresh(known)
        node.blocks.upkeep()
        assert node.tables.exported == {ip_network("10.64.0.0/30")}
        node.blocks.refresh((*known, strange))
        node.blocks.refresh((*known, strange))
        node.blocks.upkeep()
        assert node.tables.exported == {ip_network("10.64.0.0/30"), ip_network("10.64.0.28/30")}


def test_nothing_is_handed_out_of_a_block_that_is_anothers_now() -> None:
    clock = Clock()
    with world(MemoryStore(), clock) as node:
        node.take(1)
        node.blocks.refresh(())
        node.blocks.refresh(())
        node.blocks.upkeep()
        (attachment,) = node.take(1, 1)
        assert str(attachment.addresses.ipv4) == "10.64.0.4"
        assert node.blocks.attachment_of(Key("c0", "eth0")) is not None


def test_attachments_of_no_block_are_told_and_left_alone() -> None:
    with world(MemoryStore()) as node:
        block = node.store.acquire(NODE, DEFAULT, 1)
        fits = Attachment(Key("a", "eth0"), DEFAULT, block.addresses(1))
        foreign = Attachment(
            Key("b", "eth0"), DEFAULT, Block(DEFAULT, 9, ip_network("10.9.9.0/30")).addresses(0)
        )  # type: ignore[arg-type] # IPv4
        assert node.blocks.restore([block], [fits, foreign]) == [foreign]
        assert node.blocks.attachment_of(fits.key) == fits
        taken = {attachment.addresses for attachment in node.take(3)}
        assert fits.addresses not in taken


def last_bytes(attachments: Iterable[Attachment]) -> list[int]:
    return [ipv4.packed[-1] for attachment in attachments if (ipv4 := attachment.addresses.ipv4)]


def test_what_is_reserved_when_a_block_is_acquired_is_never_handed_out() -> None:
    store = MemoryStore()
    with world(store) as node:
        node.take(4)
        store.reserve("10.64.0.5")
        assert last_bytes(node.take(4, 4)) == [4, 6, 7, 8]


def test_without_word_of_what_is_reserved_no_block_is_acquired() -> None:
    store = MemoryStore()
    with world(store) as node:
        store.error = StoreUnavailableError("store", "away")
        with pytest.raises(StoreUnavailableError, match="away"):
            node.take()
        assert store.asked == 0


def test_what_is_reserved_counts_from_the_start() -> None:
    store = MemoryStore()
    store.reserve("10.64.0.0", "10.64.0.1")
    with world(store) as node:
        block = store.acquire(NODE, DEFAULT, 1)
        runs_on = Attachment(Key("a", "eth0"), DEFAULT, block.addresses(1))
        node.blocks.heed_reserved()
        assert node.blocks.restore([block], [runs_on]) == []
        assert last_bytes(node.take(2)) == [2, 3]
        assert node.blocks.attachment_of(runs_on.key) == runs_on
        node.blocks.free(runs_on.key)
        assert last_bytes(node.take(1, 2)) == [4]


def test_an_address_that_becomes_reserved_stays_with_its_pod_and_is_withheld_afterwards() -> None:
    store = MemoryStore(network="10.64.0.0/30")
    with world(store) as node:
        node.take(4)
        store.reserve("10.64.0.2")
        node.blocks.heed_reserved()
        assert node.blocks.attachment_of(Key("c2", "eth0")) is not None
        node.blocks.free(Key("c2", "eth0"))
        with pytest.raises(PoolExhaustedError):
            node.take(1, 4)
        store.reserve()
        node.blocks.heed_reserved()
        assert last_bytes(node.take(1, 4)) == [2]


def test_who_waits_for_an_address_gets_one_that_is_reserved_no_more() -> None:
    store = MemoryStore(bits=2)
    store.reserve("10.64.0.3")
    # It is told at once: it doesn't find out when it has waited long enough for the store.
    with world(store, add_timeout_s=2 * DEADLINE_S) as node, ThreadPoolExecutor(1) as threads:
        node.take(3)
        store.gate.clear()
        waiting = threads.submit(node.take, 1, 3)
        until(lambda: store.asked == 2)
        store.reserve()
        node.blocks.heed_reserved()
        assert last_bytes(waiting.result(DEADLINE_S)) == [3]


def test_an_older_reading_does_not_undo_a_newer_one() -> None:
    store = MemoryStore()
    with world(store) as node, ThreadPoolExecutor(2) as threads:
        node.take(1)
        has_read, goes_on = threading.Event(), threading.Event()
        pools = store.pools

        def slow_pools() -> Mapping[PoolName, Pool]:
            read = pools()
            store.pools = pools  # type: ignore[method-assign] # the first reading only is slow
            has_read.set()
            assert goes_on.wait(DEADLINE_S)
            return read

        store.pools = slow_pools  # type: ignore[method-assign] # as above
        older = threads.submit(node.blocks.heed_reserved)
        assert has_read.wait(DEADLINE_S)
        store.reserve("10.64.0.1")
        newer = threads.submit(node.blocks.heed_reserved)
        # It has to wait for the older one; if it doesn't, it is over in this time, and is undone.
        wait([newer], timeout=0.2)
        goes_on.set()
        older.result(DEADLINE_S)
        newer.result(DEADLINE_S)
        assert last_bytes(node.take(2, 1)) == [2, 3]


def test_a_block_that_becomes_wholly_reserved_is_given_back_when_nobody_uses_it() -> None:
    clock = Clock()
    node = World(MemoryStore(bits=2), clock=clock)
    node.take(5)
    node.blocks.free(Key("c4", "eth0"))
    node.store.reserve(*map(str, SECOND))
    node.blocks.heed_reserved()
    node.blocks.upkeep()
    clock.now += 60
    node.blocks.upkeep()
    assert SECOND not in node.tables.exported
    # Another one is needed now, but this one is not taken back for it.
    assert last_bytes(node.take(1, 4)) == [8]
    clock.now += 90
    node.blocks.upkeep()
    assert [block.index for block in node.store.held(NODE)] == [0, 2]
    node.blocks.close()
