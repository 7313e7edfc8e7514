"""Pure module: blocks cut from pools, and what a pool may become.

Block ``i`` of a pool is the same for good: indexes count over all subnets in their order, and subnets are only
ever appended.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import TypeVar

from bifilar.errors import InputError
from bifilar.pods.model import Address, Block, Pool, Prefix, Subnet
from bifilar.pods.pool_specs import checked, overlap, words_of

_Network = TypeVar("_Network", IPv4Network, IPv6Network)


def change(old: Pool, new: Pool) -> Pool:
    """The pool that ``old`` becomes when somebody writes ``new``: subnets come, reserved addresses come and go.

    Raises:
        InputError: blocks that nodes hold would get other addresses by it.
    """
    where = f"pool {old.name}"
    if new.name != old.name:
        raise InputError(
            where, f"can't be renamed to {new.name}", "make a new pool, and delete this one when it is unused"
        )
    if new.block_size_bits != old.block_size_bits:
        raise InputError(
            where,
            f"blockSizeBits is {old.block_size_bits} for good, and can't become {new.block_size_bits}",
            "make a new pool with blocks of the other size, and have namespaces ask for it",
        )
    for place, subnet in enumerate(old.subnets):
        if new.subnets[place : place + 1] != (subnet,):
            raise InputError(
                where,
                f"its subnet {words_of(subnet)} has to stay, as number {place + 1}",
                "subnets are only ever added, at the end: they number the blocks that nodes hold",
            )
    return checked(new)


def check_apart(pool: Pool, others: Iterable[Pool], ranges: Mapping[str, Iterable[Prefix]]) -> None:
    """See that a pool has no address in common with another pool or with what else has addresses.

    Args:
        pool: the one to be made or changed; ``others`` may hold its older self.
        others: all pools.
        ranges: the addresses of nodes, links, load balancers..., by the name that the operator has for them.

    Raises:
        InputError: it has; the message names both.
    """
    taken = [
        (f"pool {other.name}", prefix)
        for other in others
        if other.name != pool.name
        for prefix in _prefixes(other)
    ]
    taken += [(name, prefix) for name, prefixes in ranges.items() for prefix in prefixes]
    for mine in _prefixes(pool):
        for owner, theirs in taken:
            if overlap(mine, theirs):
                outer = max(mine, theirs, key=lambda prefix: prefix.num_addresses)
                raise InputError(
                    f"pool {pool.name}",
                    f"{mine} overlaps {theirs} of {owner}",
                    f"{outer} is all from {outer[0]} to {outer[-1]}; choose subnets that are apart",
                )


def capacity(pool: Pool) -> int:
    """How many blocks a pool has."""
    return sum(_blocks_of(subnet, pool) for subnet in pool.subnets)


def block_at(pool: Pool, index: int) -> Block:
    """The block with an index.

    Raises:
        IndexError: the pool has no such block.
    """
    place = index
    for subnet in pool.subnets if index >= 0 else ():
        count = _blocks_of(subnet, pool)
        if place < count:
            bits = pool.block_size_bits
            return Block(pool.name, index, _part(subnet.ipv4, place, bits), _part(subnet.ipv6, place, bits))
        place -= count
    raise IndexError(f"pool {pool.name} has {capacity(pool)} blocks, none with index {index}")


def block_of(pool: Pool, address: Address) -> Block | None:
    """The block that has an address; ``None`` if the pool doesn't have it."""
    before = 0
    for subnet in pool.subnets:
        for network in subnet.prefixes():
            if address in network:
                return block_at(pool, before + ((int(address) - int(network[0])) >> pool.block_size_bits))
        before += _blocks_of(subnet, pool)
    return None


def carve(pool: Pool, taken: Container[int]) -> Block | None:
    """The block with the lowest index that isn't taken: held by a node, or reserved. ``None`` if all are.

    A block whose addresses are all reserved isn't cut either.
    """
    useless = _wholly_reserved(pool)
    indexes = range(capacity(pool))
    index = next((index for index in indexes if index not in taken and index not in useless), None)
    return None if index is None else block_at(pool, index)


def _wholly_reserved(pool: Pool) -> frozenset[int]:
    """The indexes of blocks that have no address for a pod, as each place is reserved in one family or both."""
    size = 1 << pool.block_size_bits
    places = {
        (block.index, int(address) % size)
        for address in pool.reserved
        if (block := block_of(pool, address)) is not None
    }
    counts = Counter(index for index, _ in places)
    return frozenset(index for index, count in counts.items() if count == size)


def _part(network: _Network | None, place: int, bits: int) -> _Network | None:
    if network is None:
        return None
    first = int(network.network_address) + (place << bits)
    return type(network)((first, network.max_prefixlen - bits))


def _prefixes(pool: Pool) -> Iterator[Prefix]:
    return (prefix for subnet in pool.subnets for prefix in subnet.prefixes())


def _blocks_of(subnet: Subnet, pool: Pool) -> int:
    return 1 << (subnet.host_bits - pool.block_size_bits)
