"""Edge module: which link-layer address an address has, as far as a namespace knows."""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from bifilar.kernel.netlink import Rtnetlink, attributes, messages

_NEWNEIGH, _GETNEIGH = 28, 30
_NDMSG = struct.Struct("=BxxxiHBB")
_DST, _LLADDR = 1, 2
_PERMANENT = 0x80


@dataclass(frozen=True, slots=True)
class KernelNeighbour:
    """An entry of the neighbour table.

    Attributes:
        index: of the interface on which the neighbour is.
        link_address: its MAC address; empty while nobody has answered.
        is_permanent: somebody has put it there for good; all others were asked for and expire.
    """

    address: IPv4Address | IPv6Address
    index: int
    link_address: bytes
    is_permanent: bool


def dump() -> list[KernelNeighbour]:
    """All entries in the calling thread's namespace, IPv4 first."""
    with Rtnetlink() as netlink:
        return [
            neighbour
            for family in (socket.AF_INET, socket.AF_INET6)
            for datagram in netlink.dump(_GETNEIGH, _NDMSG.pack(family, 0, 0, 0, 0))
            for neighbour in parse(datagram)
        ]


def parse(datagram: bytes) -> Iterator[KernelNeighbour]:
    """The entries in a datagram of a dump."""
    for kind, begin, end in messages(datagram):
        if kind != _NEWNEIGH:
            continue
        _, index, state, _, _ = _NDMSG.unpack_from(datagram, begin)
        found = attributes(datagram, begin + _NDMSG.size, end)
        yield KernelNeighbour(
            ip_address(found[_DST]), index, found.get(_LLADDR, b""), is_permanent=bool(state & _PERMANENT)
        )
