"""Edge module: the addresses of the interfaces of a namespace."""

import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface

from bifilar.kernel.netlink import Rtnetlink, attributes, messages

_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_IFADDRMSG = struct.Struct("=BBBBI")
_U32 = struct.Struct("=I")
_ADDRESS, _LOCAL, _FLAGS = 1, 2, 8
_DEPRECATED, _TENTATIVE, _PERMANENT = 0x20, 0x40, 0x80
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host"}


@dataclass(frozen=True, slots=True)
class InterfaceAddressState:
    """An address of an interface.

    Attributes:
        scope: ``global``, ``site``, ``link`` or ``host``.
        deprecated: not used as source of new connections.
        tentative: IPv6 only: whether another host has it is still being asked.
        permanent: not learnt from router advertisements or DHCP.
    """

    interface: str
    address: IPv4Interface | IPv6Interface
    scope: str
    deprecated: bool
    tentative: bool
    permanent: bool


def dump() -> tuple[InterfaceAddressState, ...]:
    """All addresses in the calling thread's namespace, IPv4 first."""
    names = dict(socket.if_nameindex())
    with Rtnetlink() as netlink:
        return tuple(
            _state(datagram, begin, end, names)
            for family in (socket.AF_INET, socket.AF_INET6)
            for datagram in netlink.dump(_RTM_GETADDR, _IFADDRMSG.pack(family, 0, 0, 0, 0))
            for kind, begin, end in messages(datagram)
            if kind == _RTM_NEWADDR
        )


def _state(datagram: bytes, begin: int, end: int, names: dict[int, str]) -> InterfaceAddressState:
    family, length, short_flags, scope, index = _IFADDRMSG.unpack_from(datagram, begin)
    found = attributes(datagram, begin + _IFADDRMSG.size, end)
    flags = _U32.unpack(found[_FLAGS])[0] if _FLAGS in found else short_flags
    # IFA_ADDRESS is the peer's on a point-to-point link; IPv6 has IFA_LOCAL only there.
    packed = found[_LOCAL] if _LOCAL in found else found[_ADDRESS]
    interface = IPv4Interface if family == socket.AF_INET else IPv6Interface
    return InterfaceAddressState(
        names.get(index, f"#{index}"),
        interface((packed, length)),
        _SCOPES.get(scope, str(scope)),
        bool(flags & _DEPRECATED),
        bool(flags & _TENTATIVE),
        bool(flags & _PERMANENT),
    )
