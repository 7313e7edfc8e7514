"""Nodes that do what the cases of Coil's node-side allocation say: the store, and what each node holds, and no more."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from bifilar.pods.allocation import Holdings
from bifilar.pods.model import Attachment, BlockName, Key, NodeName, Pool, PoolName
from bifilar.pods.pools import block_at, capacity
from bifilar.pods.sqlite import SqliteStore
from bifilar.pods.store import StoreError

NOW = 0.0
"""No time passes, and nothing cools down, as in Coil."""
GIVEN = {PoolName("default"): 2, PoolName("v4"): 1}
"""How many blocks the stand-in for Coil's controller gives of each pool before it fails."""


def store_like_the_stand_in(path: Path, pools: Iterable[Pool]) -> SqliteStore:
    """A store that gives as many blocks of each pool as the stand-in did."""
    store = SqliteStore(path, timeout_s=1)
    store.make()
    for pool in pools:
        store.put_pool(pool)
        for index in range(GIVEN[pool.name], capacity(pool)):
            store.reserve(block_at(pool, index).name)
    return store


def give_reserved(store: SqliteStore, node: NodeName, block: BlockName) -> None:
    """Have a node hold a block that is reserved."""
    pool = PoolName(block.rpartition("-")[0])
    store.unreserve(block)
    acquired = []
    while block not in acquired:
        acquired.append(store.acquire(node, pool, 1).name)
    for name in acquired:
        if name != block:
            store.release(node, name)
    store.reserve(block)


@dataclass
class Node:
    """What a node's agent has in its memory: at its start, the blocks that the store has for it."""

    name: NodeName
    store: SqliteStore
    holdings: Holdings = field(init=False)

    def __post_init__(self) -> None:
        self.holdings = Holdings.of(self.store.held(self.name))

    def allocate(self, key: Key, pool: PoolName) -> Attachment:
        """An address, from a new block if there is no other way.

        Raises:
            StoreError: there is none to be had.
        """
        found = self.holdings.allocate(key, pool, NOW)
        if found is None:
            self.holdings = self.holdings.with_block(self.store.acquire(self.name, pool, timeout_s=0.1))
            found = self.holdings.allocate(key, pool, NOW)
            assert found is not None
        self.holdings, attachment = found
        return attachment

    def give_back(self) -> None:
        """Give back every block that isn't used."""
        for pool in {block.pool for block in self.holdings.blocks()}:
            for name in self.holdings.empty_blocks(pool, NOW):
                self.holdings = self.holdings.without_block(name)
                self.store.release(self.name, name)

    def exports(self) -> list[str]:
        """What the routing daemon is to announce."""
        return sorted(str(prefix) for block in self.holdings.blocks() for prefix in block.prefixes())


def blocks_of_nodes(store: SqliteStore) -> list[str]:
    """``block=node`` for each block that a node holds."""
    return sorted(f"{each.block.name}={each.node}" for each in store.blocks() if each.node is not None)


def allocate_while_locked(node: Node, path: Path, key: Key, pool: PoolName) -> StoreError | None:
    """What comes of it while nobody answers: somebody else goes on writing."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            node.allocate(key, pool)
        except StoreError as error:
            return error
    return None
