"""Edge module: the store in a file: pools, who holds which block, annotations of namespaces. For labs.

Nodes use what :class:`~bifilar.pods.store.Store` says; operators use the rest. Nothing is written for a pod.
A block belongs to one node, as its pool and its index are the key of its row.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bifilar.errors import InputError
from bifilar.pods.model import Block, BlockName, NodeName, Pool, PoolName, Prefix
from bifilar.pods.pool_specs import checked
from bifilar.pods.pools import capacity, carve, change, check_apart
from bifilar.pods.sqlite_file import SqliteFile
from bifilar.pods.sqlite_tables import (
    SCHEMA,
    VERSION,
    Assignment,
    assignments_in,
    is_retired,
    places_taken,
    pool_in,
    pools_in,
    ranges_in,
)
from bifilar.pods.store import NoPoolError, PoolExhaustedError, StoreError

_INDEX_DIGITS = 18
"""Of a block's index, at most: SQLite's numbers have 63 bits."""


class SqliteStore:
    """The store in a file. Usable from any thread, and by many processes at once.

    Nothing is opened before the first call, so an agent can start before its store is there.

    Args:
        path: of the file, which :meth:`make` makes.
        timeout_s: how long a call waits for others that write.
    """

    def __init__(self, path: Path, timeout_s: float = 5.0) -> None:
        self._timeout_s = timeout_s
        self._file = SqliteFile(path, VERSION, SCHEMA)

    def make(self) -> None:
        """Make the file, unless it is there.

        Raises:
            StoreError: something else is there, or no file can be made.
        """
        self._file.make(self._timeout_s)

    def close(self) -> None:
        """Close what isn't in use; the next call opens it again."""
        self._file.close()

    def pools(self) -> Mapping[PoolName, Pool]:
        """All pools, also those that give no more blocks."""
        with self._file.reading(self._timeout_s) as connection:
            return pools_in(connection)

    def held(self, node: NodeName) -> tuple[Block, ...]:
        """The blocks that a node holds, reserved ones too, by pool and index."""
        with self._file.reading(self._timeout_s) as connection:
            return tuple(assignment.block for assignment in assignments_in(connection, node))

    def acquire(self, node: NodeName, pool: PoolName, timeout_s: float) -> Block:
        """Get the lowest free block of a pool for a node; it is the node's until released.

        Raises:
            NoPoolError: there is no such pool, or it is retired.
            PoolExhaustedError: there is no free block.
            StoreUnavailableError: others kept writing for ``timeout_s`` seconds.
        """
        with self._file.writing(timeout_s) as connection:
            known = pool_in(connection, pool)
            if is_retired(connection, pool):
                raise NoPoolError(f"pool {pool}", "is retired", "have the namespace ask for another pool")
            block = carve(known, places_taken(connection, pool))
            if block is None:
                what = f"all of its {capacity(known)} blocks are held by nodes or reserved"
                raise PoolExhaustedError(f"pool {pool}", what, "append a subnet to the pool")
            row = (pool, block.index, node)
            connection.execute("INSERT INTO blocks (pool, place, node) VALUES (?, ?, ?)", row)
        return block

    def claim(self, node: NodeName, block: BlockName) -> None:
        """Have a node hold a certain block, as its pods have addresses of it; it may hold it already.

        Raises:
            StoreError: another node holds it, or there is no such pool.
        """
        pool, place = _pool_and_place(block)
        with self._file.writing(self._timeout_s) as connection:
            pool_in(connection, pool)
            connection.execute(
                "INSERT INTO blocks (pool, place, node) VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET node = excluded.node WHERE node IS NULL",
                (pool, place, node),
            )
            query = "SELECT node FROM blocks WHERE pool = ? AND place = ?"
            (holder,) = connection.execute(query, (pool, place)).fetchone()
            if holder != node:
                raise StoreError(
                    f"block {block}", f"is held by {holder}", f"move the pods of {node} that use it"
                )

    def release(self, node: NodeName, block: BlockName) -> None:
        """Give a block back, after which another node may have it at once. Not the node's (any more): nothing."""
        row = (*_pool_and_place(block), node)
        with self._file.writing(self._timeout_s) as connection:
            connection.execute(
                "UPDATE blocks SET node = NULL WHERE pool = ? AND place = ? AND node = ? AND reserved", row
            )
            connection.execute("DELETE FROM blocks WHERE pool = ? AND place = ? AND node = ?", row)

    def annotations(self, namespace: str) -> Mapping[str, str]:
        """The annotations of a namespace; none if there is no such namespace."""
        query = "SELECT name, value FROM annotations WHERE namespace = ?"
        return dict(self._file.glance(query, (namespace,), self._timeout_s))

    def put_pool(self, pool: Pool) -> None:
        """Make a pool, or change it; a retired one gives blocks again.

        Raises:
            InputError: there can't be such a pool, or it can't become so, or its addresses are another's.
        """
        with self._file.writing(self._timeout_s) as connection:
            pools = pools_in(connection)
            old = pools.get(pool.name)
            new = checked(pool) if old is None else change(old, pool)
            check_apart(new, pools.values(), ranges_in(connection))
            connection.execute(
                "INSERT INTO pools (name, block_size_bits) VALUES (?, ?) ON CONFLICT DO UPDATE SET retired = 0",
                (new.name, new.block_size_bits),
            )
            connection.executemany(
                "INSERT INTO subnets (pool, place, ipv4, ipv6) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [
                    (new.name, place, subnet.ipv4 and str(subnet.ipv4), subnet.ipv6 and str(subnet.ipv6))
                    for place, subnet in enumerate(new.subnets)
                ],
            )
            connection.execute("DELETE FROM reserved_addresses WHERE pool = ?", (new.name,))
            connection.executemany(
                "INSERT INTO reserved_addresses (pool, address) VALUES (?, ?)",
                [(new.name, str(address)) for address in new.reserved],
            )

    def retire_pool(self, name: PoolName) -> None:
        """Have a pool give no more blocks; those that nodes hold stay theirs.

        Raises:
            NoPoolError: there is no such pool.
        """
        with self._file.writing(self._timeout_s) as connection:
            pool_in(connection, name)
            connection.execute("UPDATE pools SET retired = 1 WHERE name = ?", (name,))

    def delete_pool(self, name: PoolName) -> None:
        """Delete a pool of which no node holds a block; what was reserved of it is forgotten.

        Raises:
            NoPoolError: there is no such pool.
            StoreError: nodes hold blocks of it.
        """
        with self._file.writing(self._timeout_s) as connection:
            pool_in(connection, name)
            query = "SELECT DISTINCT node FROM blocks WHERE pool = ? AND node IS NOT NULL ORDER BY node"
            if nodes := [node for (node,) in connection.execute(query, (name,))]:
                what = f"blocks of it are held by {', '.join(nodes[:3])}" + (", ..." if nodes[3:] else "")
                raise StoreError(f"pool {name}", what, "retire it, and delete it when its pods have gone")
            connection.execute("DELETE FROM pools WHERE name = ?", (name,))

    def reserve(self, block: BlockName) -> None:
        """Have none of a block's addresses handed out; it stays with its node, if it has one.

        Raises:
            NoPoolError: there is no such pool.
            InputError: the pool has no such block.
        """
        pool, place = _pool_and_place(block)
        with self._file.writing(self._timeout_s) as connection:
            count = capacity(pool_in(connection, pool))
            if not 0 <= place < count:
                raise InputError(
                    f"block {block}", f"pool {pool} has {count} blocks, numbered from 0", "see its subnets"
                )
            connection.execute(
                "INSERT INTO blocks (pool, place, reserved) VALUES (?, ?, 1) "
                "ON CONFLICT DO UPDATE SET reserved = 1",
                (pool, place),
            )

    def unreserve(self, block: BlockName) -> None:
        """Take a reservation back; without one, nothing."""
        row = _pool_and_place(block)
        with self._file.writing(self._timeout_s) as connection:
            connection.execute("DELETE FROM blocks WHERE pool = ? AND place = ? AND node IS NULL", row)
            connection.execute("UPDATE blocks SET reserved = 0 WHERE pool = ? AND place = ?", row)

    def blocks(self) -> tuple[Assignment, ...]:
        """Every block that a node holds or that is reserved, by pool and index."""
        with self._file.reading(self._timeout_s) as connection:
            return tuple(assignments_in(connection))

    def ranges(self) -> Mapping[str, Iterable[Prefix]]:
        """Which addresses aren't for pods, by what they are for."""
        with self._file.reading(self._timeout_s) as connection:
            return ranges_in(connection)

    def annotate(self, namespace: str, annotations: Mapping[str, str]) -> None:
        """Give a namespace these annotations, and no others."""
        rows = [(namespace, name, value) for name, value in annotations.items()]
        with self._file.writing(self._timeout_s) as connection:
            connection.execute("DELETE FROM annotations WHERE namespace = ?", (namespace,))
            connection.executemany("INSERT INTO annotations (namespace, name, value) VALUES (?, ?, ?)", rows)

    def set_ranges(self, ranges: Mapping[str, Iterable[Prefix]]) -> None:
        """Say which addresses aren't for pods: of nodes, links, load balancers..., instead of those said before.

        Raises:
            InputError: a pool has some of them.
        """
        said = {name: sorted({str(prefix) for prefix in prefixes}) for name, prefixes in ranges.items()}
        rows = [(name, prefix) for name, prefixes in said.items() for prefix in prefixes]
        with self._file.writing(self._timeout_s) as connection:
            connection.execute("DELETE FROM ranges")
            connection.executemany("INSERT INTO ranges (name, prefix) VALUES (?, ?)", rows)
            for pool in pools_in(connection).values():
                check_apart(pool, (), ranges_in(connection))


def _pool_and_place(block: BlockName) -> tuple[PoolName, int]:
    """The parts of a block's name.

    Raises:
        InputError: it isn't one.
    """
    pool, _, index = block.rpartition("-")
    if not (pool and index.isascii() and index.isdecimal() and len(index) <= _INDEX_DIGITS):
        raise InputError(
            f"block {block}", "isn't the name of a block", "write the pool's name, - and the index: default-0"
        )
    return PoolName(pool), int(index)
