"""Edge module: the addresses of the interfaces of a namespace."""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Interface, IPv6Interface

from bifilar.kernel.netlink import Rtnetlink, attributes, messages

_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_IFADDRMSG = struct.Struct("=BBBBI")
_U32 = struct.Struct("=I")
_ADDRESS, _LOCAL, _FLAGS = 1, 2, 8
_DEPRECATED = 0x20
_IPV4_BYTES = 4
_SCOPES = {0: "global", 253: "link", 254: "host"}


@dataclass(frozen=True, slots=True)
class KernelAddress:
    """An address of an interface.

    Attributes:
        interface: its name.
        address: with the length of its prefix.
        scope: ``global``, ``link`` or ``host``; another is its number.
        deprecated: not used as source of new connections.
    """

    interface: str
    address: IPv4Interface | IPv6Interface
    scope: str
    deprecated: bool


def dump() -> list[KernelAddress]:
    """All addresses in the calling thread's namespace, IPv4 first."""
    names = dict(socket.if_nameindex())
    with Rtnetlink() as netlink:
        return [
            address
            for family in (socket.AF_INET, socket.AF_INET6)
            for datagram in netlink.dump(_RTM_GETADDR, _IFADDRMSG.pack(family, 0, 0, 0, 0))
            for address in parse(datagram, names)
        ]


def parse(datagram: bytes, names: dict[int, str]) -> Iterator[KernelAddress]:
    """The addresses in a datagram of a dump; ``names`` are those of the interfaces, by index."""
    for kind, begin, end in messages(datagram):
        if kind == _RTM_NEWADDR:
            yield _address(datagram, begin, end, names)


def _address(datagram: bytes, begin: int, end: int, names: dict[int, str]) -> KernelAddress:
    _, length, short_flags, scope, index = _IFADDRMSG.unpack_from(datagram, begin)
    found = attributes(datagram, begin + _IFADDRMSG.size, end)
    flags = _U32.unpack(found[_FLAGS])[0] if _FLAGS in found else short_flags
    # IFA_ADDRESS is the peer's on a point-to-point link; IPv6 has IFA_LOCAL only there.
    packed = found[_LOCAL] if _LOCAL in found else found[_ADDRESS]
    return KernelAddress(
        names.get(index, f"#{index}"),
        _interface(packed, length),
        _SCOPES.get(scope, str(scope)),
        bool(flags & _DEPRECATED),
    )


@lru_cache(maxsize=1 << 14)
def _interface(packed: bytes, length: int) -> IPv4Interface | IPv6Interface:
    return IPv4Interface((packed, length)) if len(packed) == _IPV4_BYTES else IPv6Interface((packed, length))
