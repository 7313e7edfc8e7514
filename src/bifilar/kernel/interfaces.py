"""Edge module: the interfaces of a namespace, read."""

import errno
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from socket import AF_INET6

from bifilar.kernel import requests
from bifilar.kernel.netlink import RefusedError, Rtnetlink, attributes, first_attribute, messages

_NEWLINK = 16
_IFINFOMSG = struct.Struct("=BxHiII")
_U32 = struct.Struct("=I")
_UP = 1
_ADDRESS, _IFNAME, _MTU, _LINK, _OPERSTATE, _IFALIAS, _AF_SPEC, _GROUP = 1, 3, 4, 5, 16, 20, 26, 27
_LINK_NAMESPACE = 37
_OPERATIONAL = (0, 6)
"""Up, or not known (loopback): RFC 2863."""
_INET6_SETTINGS = 2
_DISABLE_IPV6 = 26
"""Place of the setting among an interface's, which are numbers of four bytes."""
_MESSAGE_HEADER_BYTES = 16
_ABSENT = (errno.ENODEV, errno.ENOENT)


@dataclass(frozen=True, slots=True)
class KernelInterface:
    """An interface.

    Attributes:
        name: in its namespace.
        index: in its namespace; never given to another interface.
        is_up: whether somebody has brought it up, with a carrier or not.
        is_operational: whether it takes packets. After a carrier has come, the kernel may need some milliseconds for it;
            since Linux 6.8 the question for this one interface makes it so.
        mtu: size of the largest packet, in bytes.
        group: 0 unless somebody has put it into another.
        link_address: its MAC address.
        alias: what somebody has noted on it, or nothing.
        peer: of one end of a veth pair, the index that the other end has in its namespace; of a VLAN and the like,
            that of what it stands on; ``None`` of all others.
        has_ipv6: it may have IPv6 addresses; some runtimes switch that off.
        peer_namespace: the number by which this namespace knows that of the other end, see
            :mod:`bifilar.kernel.peers`; ``None`` if it is the same.
    """

    name: str
    index: int
    is_up: bool
    is_operational: bool
    mtu: int
    group: int
    link_address: bytes
    alias: str
    peer: int | None
    has_ipv6: bool = True
    peer_namespace: int | None = None


def dump() -> list[KernelInterface]:
    """All interfaces in the calling thread's namespace, by index."""
    with Rtnetlink() as netlink:
        request = requests.get_links()
        found = [
            interface
            for datagram in netlink.dump(request.kind, request.body)
            for interface in parse(datagram)
        ]
    return sorted(found, key=lambda interface: interface.index)


def read(netlink: Rtnetlink, *, name: str | None = None, index: int = 0) -> KernelInterface | None:
    """One interface of the socket's namespace, by name or index; ``None`` if there is no such."""
    request = requests.get_link(name=name, index=index)
    try:
        answer = netlink.ask(request.kind, request.body)
    except RefusedError as error:
        if error.errno in _ABSENT:
            return None
        raise
    return next(parse(answer))


def is_operational(netlink: Rtnetlink, index: int) -> bool:
    """Whether an interface of the socket's namespace sends what it is given; also if there is no such (any more).

    The question makes the kernel look whether the interface has a carrier, since Linux 6.8.
    """
    request = requests.get_link(index=index)
    try:
        answer = netlink.ask(request.kind, request.body)
    except RefusedError as error:
        if error.errno in _ABSENT:
            return True
        raise
    state = first_attribute(answer, _MESSAGE_HEADER_BYTES + _IFINFOMSG.size, _OPERSTATE)
    return state is not None and state[0] in _OPERATIONAL


def parse(datagram: bytes) -> Iterator[KernelInterface]:
    """The interfaces in a datagram."""
    for kind, begin, end in messages(datagram):
        if kind != _NEWLINK:
            continue
        _, _, index, flags, _ = _IFINFOMSG.unpack_from(datagram, begin)
        found = attributes(datagram, begin + _IFINFOMSG.size, end)
        link = found.get(_LINK)
        yield KernelInterface(
            name=_text(found[_IFNAME]),
            index=index,
            is_up=bool(flags & _UP),
            is_operational=found[_OPERSTATE][0] in _OPERATIONAL if _OPERSTATE in found else False,
            mtu=_U32.unpack(found[_MTU])[0],
            group=_U32.unpack(found[_GROUP])[0] if _GROUP in found else 0,
            link_address=found.get(_ADDRESS, b""),
            alias=_text(found.get(_IFALIAS, b"")),
            peer=_U32.unpack(link)[0] if link else None,
            has_ipv6=_has_ipv6(found.get(_AF_SPEC, b"")),
            peer_namespace=_U32.unpack(found[_LINK_NAMESPACE])[0] if _LINK_NAMESPACE in found else None,
        )


def _has_ipv6(families: bytes) -> bool:
    own = attributes(families, 0, len(families)).get(AF_INET6)
    if own is None:
        return False
    settings = attributes(own, 0, len(own)).get(_INET6_SETTINGS, b"")
    return not _U32.unpack_from(settings, _U32.size * _DISABLE_IPV6)[0] if settings else True


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")
