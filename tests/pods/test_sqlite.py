import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path

import pytest

from bifilar.errors import InputError
from bifilar.pods.model import Block, BlockName, NodeName, Pool, PoolName
from bifilar.pods.pool_specs import parse
from bifilar.pods.pools import block_at, capacity
from bifilar.pods.sqlite import SqliteStore
from bifilar.pods.sqlite_tables import VERSION, Assignment
from bifilar.pods.store import NoPoolError, PoolExhaustedError, Store, StoreError, StoreUnavailableError

A, B = NodeName("a"), NodeName("b")
DEFAULT = parse(
    "default",
    {
        "blockSizeBits": 1,
        "subnets": [
            {"ipv4": "10.2.0.0/29", "ipv6": "fd02::/125"},
            {"ipv4": "10.3.0.0/31", "ipv6": "fd03::/127"},
        ],
    },
)
WEB = parse("web", {"blockSizeBits": 2, "subnets": [{"ipv4": "10.4.0.0/29"}]})
DEADLINE_S = 60
WORKER = Path(__file__).with_name("sqlite_worker.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a store."""
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """One with two pools, of five blocks and of two."""
    store = SqliteStore(path, timeout_s=0.1)
    store.make()
    store.put_pool(DEFAULT)
    store.put_pool(WEB)
    yield store
    store.close()


def _names(store: Store, node: NodeName) -> list[str]:
    return [block.name for block in store.held(node)]


def test_what_is_put_in_is_there_for_the_next_who_opens_it(store: SqliteStore, path: Path) -> None:
    store.annotate("apps", {"coil.cybozu.com/pool": "web"})
    store.acquire(A, WEB.name, 1)
    other = SqliteStore(path)
    assert other.pools() == {"default": DEFAULT, "web": WEB}
    assert other.annotations("apps") == {"coil.cybozu.com/pool": "web"}
    assert other.annotations("nowhere") == {}
    assert other.held(A) == (block_at(WEB, 0),)
    assert other.held(B) == ()
    other.close()


def test_the_lowest_free_block_is_given_to_one_node_only(store: SqliteStore) -> None:
    assert [store.acquire(node, DEFAULT.name, 1).index for node in (A, B, A)] == [0, 1, 2]
    assert store.held(A) == (block_at(DEFAULT, 0), block_at(DEFAULT, 2))
    store.release(A, BlockName("default-0"))
    assert store.acquire(B, DEFAULT.name, 1) == block_at(DEFAULT, 0)
    assert _names(store, B) == ["default-0", "default-1"]


def test_only_its_node_can_release_a_block(store: SqliteStore) -> None:
    store.acquire(A, DEFAULT.name, 1)
    for block in ("default-0", "default-1", "nowhere-3"):
        store.release(B, BlockName(block))
    assert _names(store, A) == ["default-0"]
    store.release(A, BlockName("default-0"))
    store.release(A, BlockName("default-0"))
    assert store.blocks() == ()


def test_a_pool_without_free_blocks_says_so(store: SqliteStore) -> None:
    store.reserve(BlockName("web-1"))
    store.acquire(A, WEB.name, 1)
    with pytest.raises(PoolExhaustedError, match="all of its 2 blocks are held by nodes or reserved"):
        store.acquire(B, WEB.name, 1)


def test_a_pool_that_is_not_there_is_named_with_those_that_are(store: SqliteStore) -> None:
    with pytest.raises(NoPoolError, match="there are: default, web"):
        store.acquire(A, PoolName("wbe"), 1)


def test_blocks_are_in_the_order_of_their_index(store: SqliteStore) -> None:
    small = parse("small", {"blockSizeBits": 0, "subnets": [{"ipv4": "10.9.0.0/28"}]})
    store.put_pool(small)
    acquired = [store.acquire(A, small.name, 1) for _ in range(12)]
    assert list(store.held(A)) == acquired
    assert [each.block for each in store.blocks()] == acquired


def test_a_reserved_block_is_given_to_nobody(store: SqliteStore) -> None:
    store.reserve(BlockName("default-0"))
    store.reserve(BlockName("default-0"))
    assert store.acquire(A, DEFAULT.name, 1).index == 1
    reserved = Block(DEFAULT.name, 0, block_at(DEFAULT, 0).ipv4, block_at(DEFAULT, 0).ipv6, reserved=True)
    assert store.blocks() == (Assignment(reserved, None), Assignment(block_at(DEFAULT, 1), A))
    store.unreserve(BlockName("default-0"))
    assert store.acquire(B, DEFAULT.name, 1).index == 0


def test_a_held_block_can_be_reserved_and_stays_so_when_it_is_released(store: SqliteStore) -> None:
    store.acquire(A, DEFAULT.name, 1)
    store.reserve(BlockName("default-0"))
    assert [block.reserved for block in store.held(A)] == [True]
    store.unreserve(BlockName("default-0"))
    assert [block.reserved for block in store.held(A)] == [False]
    store.reserve(BlockName("default-0"))
    store.release(A, BlockName("default-0"))
    assert store.acquire(A, DEFAULT.name, 1).index == 1


@pytest.mark.parametrize(
    "block", ["default", "default-", "-1", "default-x", "default-5", "default-" + "9" * 30]
)
def test_only_a_block_of_a_pool_can_be_reserved(store: SqliteStore, block: str) -> None:
    with pytest.raises(InputError, match=f"block {block}"):
        store.reserve(BlockName(block))
    assert store.blocks() == ()


def test_a_pool_grows_at_its_end_only(store: SqliteStore) -> None:
    grown = Pool(
        WEB.name,
        2,
        (*WEB.subnets, *parse("x", {"blockSizeBits": 2, "subnets": [{"ipv4": "10.5.0.0/30"}]}).subnets),
    )
    store.put_pool(grown)
    assert store.pools()[WEB.name] == grown
    assert [store.acquire(A, WEB.name, 1).index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match="has to stay, as number 2"):
        store.put_pool(WEB)
    assert store.pools()[WEB.name] == grown


def test_reserved_addresses_of_a_pool_come_and_go(store: SqliteStore, path: Path) -> None:
    reserved = replace(DEFAULT, reserved=frozenset({IPv4Address("10.2.0.1"), IPv6Address("fd03::1")}))
    store.put_pool(reserved)
    other = SqliteStore(path)
    assert other.pools() == {"default": reserved, "web": WEB}
    changed = replace(DEFAULT, reserved=frozenset({IPv6Address("fd03::1"), IPv4Address("10.2.0.7")}))
    store.put_pool(changed)
    assert other.pools() == {"default": changed, "web": WEB}
    with pytest.raises(InputError, match=r"10\.4\.0\.0 is reserved, but in none of its subnets"):
        store.put_pool(replace(DEFAULT, reserved=frozenset({IPv4Address("10.4.0.0")})))
    assert other.pools()["default"] == changed
    store.delete_pool(DEFAULT.name)
    store.put_pool(DEFAULT)
    assert other.pools()["default"] == DEFAULT
    other.close()


def test_a_block_of_reserved_addresses_is_given_to_nobody(store: SqliteStore) -> None:
    assert WEB.subnets[0].ipv4 is not None
    store.put_pool(replace(WEB, reserved=frozenset(list(WEB.subnets[0].ipv4)[:4])))
    assert store.acquire(A, WEB.name, 1).index == 1
    with pytest.raises(PoolExhaustedError, match="held by nodes or reserved"):
        store.acquire(A, WEB.name, 1)


def test_a_pool_with_addresses_of_another_is_refused(store: SqliteStore) -> None:
    with pytest.raises(InputError, match=r"10\.4\.0\.0/16 overlaps 10\.4\.0\.0/29 of pool web"):
        store.put_pool(parse("more", {"subnets": [{"ipv4": "10.4.0.0/16"}]}))
    assert "more" not in store.pools()


def test_addresses_of_nodes_and_pools_are_kept_apart_both_ways(store: SqliteStore) -> None:
    store.set_ranges({"servers": [IPv4Network("10.69.0.0/20")], "links": [IPv4Network("10.72.0.0/24")]})
    with pytest.raises(InputError, match="of servers"):
        store.put_pool(parse("more", {"subnets": [{"ipv4": "10.64.0.0/13"}]}))
    with pytest.raises(InputError, match=r"pool web: 10\.4\.0\.0/29 overlaps 10\.4\.0\.0/16 of links"):
        store.set_ranges({"links": [IPv4Network("10.4.0.0/16")]})
    with pytest.raises(InputError, match="of links"):
        store.put_pool(parse("more", {"subnets": [{"ipv4": "10.72.0.0/24"}]}))
    store.set_ranges({})
    store.put_pool(parse("more", {"subnets": [{"ipv4": "10.72.0.0/24"}]}))


def test_a_retired_pool_gives_nothing_until_it_is_put_again(store: SqliteStore) -> None:
    store.acquire(A, WEB.name, 1)
    store.retire_pool(WEB.name)
    with pytest.raises(NoPoolError, match="is retired"):
        store.acquire(A, WEB.name, 1)
    assert _names(store, A) == ["web-0"]
    store.put_pool(WEB)
    assert store.acquire(A, WEB.name, 1).index == 1


def test_a_pool_is_deleted_only_when_no_node_has_a_block_of_it(store: SqliteStore) -> None:
    store.acquire(A, WEB.name, 1)
    store.reserve(BlockName("web-1"))
    with pytest.raises(StoreError, match="held by a"):
        store.delete_pool(WEB.name)
    store.release(A, BlockName("web-0"))
    store.delete_pool(WEB.name)
    assert list(store.pools()) == ["default"]
    assert store.blocks() == ()
    for act in (store.delete_pool, store.retire_pool):
        with pytest.raises(NoPoolError):
            act(WEB.name)
    store.put_pool(parse("web", {"blockSizeBits": 0, "subnets": [{"ipv4": "10.2.1.0/24"}]}))


def test_annotations_are_replaced_as_a_whole(store: SqliteStore) -> None:
    store.annotate("apps", {"a": "1", "b": "2"})
    store.annotate("apps", {"b": "3"})
    assert store.annotations("apps") == {"b": "3"}


def test_while_somebody_writes_others_read_and_writers_give_up_in_time(
    store: SqliteStore, path: Path
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert list(store.pools()) == ["default", "web"]
        with pytest.raises(StoreUnavailableError, match="locked") as refused:
            store.acquire(A, WEB.name, 0.05)
        assert "which one has the file open?" in refused.value.hint
    assert store.acquire(A, WEB.name, 0.05).index == 0


def test_a_store_that_is_not_there_may_come_later(path: Path) -> None:
    store = SqliteStore(path)
    with pytest.raises(StoreUnavailableError, match="no such file"):
        store.pools()
    assert not path.exists()
    path.touch()
    with pytest.raises(StoreUnavailableError, match="is being made"):
        store.pools()
    store.make()
    assert store.pools() == {}
    store.close()


def test_a_store_that_was_removed_is_missed_and_a_new_one_is_seen(store: SqliteStore, path: Path) -> None:
    store.pools()
    for each in path.parent.iterdir():
        each.unlink()
    with pytest.raises(StoreUnavailableError, match="no store"):
        store.acquire(A, WEB.name, 1)
    SqliteStore(path).make()
    assert store.pools() == {}


def _text(path: Path) -> None:
    path.write_text("name: article\n" * 1000)


def _others_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (name TEXT)")


def _newer(path: Path) -> None:
    SqliteStore(path).make()
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")


def _damaged(path: Path) -> None:
    SqliteStore(path).make()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (_text, "file is not a database"),
        (_others_tables, "is an SQLite file of another program"),
        (_newer, f"has version 99 of the tables, not {VERSION}"),
        (_damaged, "malformed"),
    ],
)
def test_what_is_no_store_of_ours_is_told_and_left_alone(
    path: Path, spoil: Callable[[Path], None], what: str
) -> None:
    spoil(path)
    before = path.read_bytes()
    store = SqliteStore(path)
    with pytest.raises(StoreError, match=what) as refused:
        store.pools()
    assert type(refused.value) is StoreError
    assert refused.value.where == str(path)
    if spoil is not _damaged:
        with pytest.raises(StoreError, match=what):
            store.make()
    assert path.read_bytes() == before


def test_no_store_can_be_made_in_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        SqliteStore(tmp_path / "nowhere" / "store").make()


def test_many_can_make_the_same_store_at_once(path: Path) -> None:
    stores = [SqliteStore(path) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(SqliteStore.make, stores))
        list(threads.map(lambda store: store.put_pool(DEFAULT), stores))
    assert stores[0].pools() == {"default": DEFAULT}
    for store in stores:
        store.close()


def test_threads_share_a_store(store: SqliteStore) -> None:
    small = parse("small", {"blockSizeBits": 0, "subnets": [{"ipv4": "10.9.0.0/26"}]})
    store.put_pool(small)
    with ThreadPoolExecutor(8) as threads:
        acquired = list(threads.map(lambda _: store.acquire(A, small.name, DEADLINE_S).index, range(64)))
    assert sorted(acquired) == list(range(64))
    with pytest.raises(PoolExhaustedError):
        store.acquire(A, small.name, 1)


class _Workers:
    """Processes of nodes, and the blocks that they told of."""

    def __init__(self, store: Path, pool: PoolName, claims: Path) -> None:
        self._arguments = (str(store), pool, str(claims))
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._started = 0

    def start(self, node: str) -> None:
        store, pool, claims = self._arguments
        self._started += 1
        command = [sys.executable, str(WORKER), store, node, pool, claims, str(self._started)]
        self._running[node] = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait_for_acquisitions(self, node: str, count: int) -> None:
        """Read so many of them; a worker that ends has found a block that another one has too."""
        worker = self._running[node]
        assert worker.stdout is not None
        for _ in range(count):
            if not worker.stdout.readline():
                pytest.fail(worker.communicate()[1])

    def kill(self, node: str) -> None:
        worker = self._running.pop(node)
        worker.kill()
        _, errors = worker.communicate()
        assert worker.returncode == -9, errors

    def kill_all(self) -> None:
        for node in list(self._running):
            self.kill(node)


def test_processes_killed_at_any_point_neither_share_nor_lose_a_block(
    store: SqliteStore, path: Path, tmp_path: Path
) -> None:
    claims = tmp_path / "claims"
    claims.mkdir()
    pool = parse("small", {"blockSizeBits": 0, "subnets": [{"ipv4": "10.9.0.0/28"}]})
    store.put_pool(pool)
    workers = _Workers(path, pool.name, claims)
    nodes = ["n1", "n2", "n3", "n4"]
    try:
        for node in nodes:
            workers.start(node)
        for turn in range(12):
            victim = nodes[turn % len(nodes)]
            # Somewhere after an acquisition: never at the same point, as the others are in its way.
            workers.wait_for_acquisitions(victim, 3 + turn)
            workers.kill(victim)
            workers.start(victim)
        for node in nodes:
            workers.wait_for_acquisitions(node, 5)
    finally:
        workers.kill_all()
    held = {NodeName(node): _names(store, NodeName(node)) for node in nodes}
    assert {path.name for path in claims.iterdir()} <= {block for blocks in held.values() for block in blocks}
    everything = [each.block.index for each in store.blocks() if each.block.pool == pool.name]
    assert len(everything) == len(set(everything)) == sum(map(len, held.values()))
    for holder, blocks in held.items():
        for block in blocks:
            store.release(holder, BlockName(block))
    assert {store.acquire(A, pool.name, 1).index for _ in range(capacity(pool))} == set(range(capacity(pool)))
