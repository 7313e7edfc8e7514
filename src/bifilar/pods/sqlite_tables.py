"""Edge module: the tables of the embedded store, read as values.

Every function works inside the caller's transaction.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from bifilar.pods.model import Address, Block, NodeName, Pool, PoolName, Prefix, Subnet
from bifilar.pods.pools import block_at
from bifilar.pods.store import NoPoolError

VERSION: Final = 2
"""Of the tables; another one for every change of :data:`SCHEMA`."""
SCHEMA: Final = """
CREATE TABLE pools (
    name TEXT PRIMARY KEY,
    block_size_bits INTEGER NOT NULL,
    retired INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE subnets (
    pool TEXT NOT NULL REFERENCES pools ON DELETE CASCADE,
    place INTEGER NOT NULL,
    ipv4 TEXT,
    ipv6 TEXT,
    PRIMARY KEY (pool, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE reserved_addresses (
    pool TEXT NOT NULL REFERENCES pools ON DELETE CASCADE,
    address TEXT NOT NULL,
    PRIMARY KEY (pool, address)
) STRICT, WITHOUT ROWID;
CREATE TABLE blocks (
    pool TEXT NOT NULL REFERENCES pools ON DELETE CASCADE,
    place INTEGER NOT NULL,
    node TEXT,
    reserved INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (pool, place),
    CHECK (node IS NOT NULL OR reserved)
) STRICT, WITHOUT ROWID;
CREATE INDEX blocks_of_nodes ON blocks (node);
CREATE TABLE annotations (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE ranges (
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    PRIMARY KEY (name, prefix)
) STRICT, WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A block that a node holds, or that is reserved; ``node`` is ``None`` if it is only reserved."""

    block: Block
    node: NodeName | None


def pools_in(connection: sqlite3.Connection) -> dict[PoolName, Pool]:
    """All pools, by name."""
    subnets: dict[str, list[Subnet]] = {}
    for pool, ipv4, ipv6 in connection.execute("SELECT pool, ipv4, ipv6 FROM subnets ORDER BY pool, place"):
        subnets.setdefault(pool, []).append(
            Subnet(
                None if ipv4 is None else IPv4Network(ipv4),
                None if ipv6 is None else IPv6Network(ipv6),
            )
        )
    reserved: dict[str, list[Address]] = {}
    for pool, address in connection.execute("SELECT pool, address FROM reserved_addresses"):
        reserved.setdefault(pool, []).append(ip_address(address))
    return {
        name: Pool(name, bits, tuple(subnets.get(name, ())), frozenset(reserved.get(name, ())))
        for name, bits in connection.execute("SELECT name, block_size_bits FROM pools ORDER BY name")
    }


def pool_in(connection: sqlite3.Connection, name: PoolName) -> Pool:
    """One pool.

    Raises:
        NoPoolError: there is none of this name.
    """
    pools = pools_in(connection)
    if name not in pools:
        hint = f"there are: {', '.join(pools)}" if pools else "make one first"
        raise NoPoolError(f"pool {name}", "there is no such pool", hint)
    return pools[name]


def is_retired(connection: sqlite3.Connection, pool: PoolName) -> bool:
    """Whether a pool gives no more blocks."""
    row = connection.execute("SELECT 1 FROM pools WHERE name = ? AND retired", (pool,)).fetchone()
    return row is not None


def places_taken(connection: sqlite3.Connection, pool: PoolName) -> set[int]:
    """The indexes of a pool's blocks that are held or reserved."""
    return {place for (place,) in connection.execute("SELECT place FROM blocks WHERE pool = ?", (pool,))}


def assignments_in(connection: sqlite3.Connection, node: NodeName | None = None) -> Iterator[Assignment]:
    """All blocks that are held or reserved, or those of one node; by pool and index."""
    pools = pools_in(connection)
    rows = connection.execute(
        "SELECT pool, place, node, reserved FROM blocks WHERE ?1 IS NULL OR node = ?1 ORDER BY pool, place",
        (node,),
    )
    for pool, place, holder, reserved in rows:
        yield Assignment(replace(block_at(pools[pool], place), reserved=bool(reserved)), holder)


def ranges_in(connection: sqlite3.Connection) -> dict[str, list[Prefix]]:
    """The addresses of nodes, links..., by name."""
    ranges: dict[str, list[Prefix]] = {}
    for name, prefix in connection.execute("SELECT name, prefix FROM ranges ORDER BY name, prefix"):
        ranges.setdefault(name, []).append(ip_network(prefix))
    return ranges
