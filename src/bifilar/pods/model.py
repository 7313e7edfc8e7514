"""Value module: pools, blocks and attachments.

============  =================================================================================
pool          subnets, cut into blocks of 2^bits addresses
block         the addresses that one node holds; exported as one route a family
attachment    one interface of a container with its addresses
============  =================================================================================

What Coil calls by these names is the same here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple, NewType

PoolName = NewType("PoolName", str)
BlockName = NewType("BlockName", str)
"""``<pool>-<index>``."""
NodeName = NewType("NodeName", str)

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network

ALIAS_MARK = "COIL"
"""First word of the alias of our interfaces, as Coil writes it."""


class Addresses(NamedTuple):
    """One address of each family that a pool has; never none at all."""

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None

    def each(self) -> Iterator[Address]:
        """Those that there are, IPv4 first."""
        return (address for address in self if address is not None)


@dataclass(frozen=True, slots=True)
class Subnet:
    """A part of a pool: a network of each family it has, with as many addresses in each."""

    ipv4: IPv4Network | None = None
    ipv6: IPv6Network | None = None

    @property
    def host_bits(self) -> int:
        """It has 2^n addresses."""
        network = self.ipv4 or self.ipv6
        assert network is not None  # noqa: S101 - checked where subnets are made
        return network.max_prefixlen - network.prefixlen

    def prefixes(self) -> Iterator[Prefix]:
        """Its networks, IPv4 first."""
        return (network for network in (self.ipv4, self.ipv6) if network is not None)


@dataclass(frozen=True, slots=True)
class Pool:
    """Addresses for pods.

    Attributes:
        name: a namespace asks for it by this name; ``default`` is for those that don't ask.
        block_size_bits: each block has 2^n addresses; for good, once there are blocks.
        subnets: cut into blocks in this order; new ones only at the end, or blocks would change their index.
        reserved: addresses of it that no pod gets, such as that of a gateway or an appliance; some may come, and
            others go. With one address of a place its twin in the other family is reserved too.
    """

    name: PoolName
    block_size_bits: int
    subnets: tuple[Subnet, ...]
    reserved: frozenset[Address] = frozenset()


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a pool that one node holds.

    Attributes:
        pool: where it was cut from.
        index: its place in the pool, from 0, over all subnets.
        ipv4: its IPv4 addresses, if the pool has such; network and broadcast address are addresses like any.
        ipv6: the same for IPv6; both have as many.
        reserved: none of its addresses is handed out.
    """

    pool: PoolName
    index: int
    ipv4: IPv4Network | None = None
    ipv6: IPv6Network | None = None
    reserved: bool = False

    @property
    def name(self) -> BlockName:
        """As Coil names it."""
        return BlockName(f"{self.pool}-{self.index}")

    @property
    def size(self) -> int:
        """How many addresses it has, of each family."""
        network = self.ipv4 or self.ipv6
        assert network is not None  # noqa: S101 - checked where subnets are made
        return network.num_addresses

    def prefixes(self) -> Iterator[Prefix]:
        """What is exported of it, IPv4 first."""
        return (network for network in (self.ipv4, self.ipv6) if network is not None)

    def addresses(self, offset: int) -> Addresses:
        """The addresses at a place in the block, from 0."""
        return Addresses(
            None if self.ipv4 is None else self.ipv4.network_address + offset,
            None if self.ipv6 is None else self.ipv6.network_address + offset,
        )

    def offset(self, addresses: Addresses) -> int | None:
        """The place of addresses in the block; ``None`` if they aren't of it, or not of one place, or incomplete."""
        places = set()
        for network, address in zip((self.ipv4, self.ipv6), addresses, strict=True):
            if (network is None) != (address is None):
                return None
            if network is not None and address is not None:
                if address not in network:
                    return None
                places.add(int(address) - int(network.network_address))
        return places.pop() if len(places) == 1 else None


class Key(NamedTuple):
    """What CNI knows an attachment by."""

    container: str
    interface: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """One interface of a container."""

    key: Key
    pool: PoolName
    addresses: Addresses

    @property
    def alias(self) -> str:
        """The alias of its interface on the host, from which it is known again after a restart."""
        return f"{ALIAS_MARK}:{self.pool}:{self.key.container}:{self.key.interface}"


def parse_alias(alias: str) -> tuple[PoolName, Key] | None:
    """The pool and the key in an alias; ``None`` if it isn't one of ours."""
    mark, *rest = alias.split(":")
    if mark != ALIAS_MARK or len(rest) != 3 or not all(rest):  # noqa: PLR2004 - pool, container, interface
        return None
    return PoolName(rest[0]), Key(rest[1], rest[2])
