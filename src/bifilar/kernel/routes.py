"""Edge module: the kernel's routes, fast.

A fabric of 320 devices has 100,000 routes with several next hops each, and most of them look alike: equal parts of
messages become the same objects.
"""

import errno
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from bifilar.kernel import requests
from bifilar.kernel.netlink import RefusedError, Rtnetlink, attribute, attributes, messages

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network

MAIN_TABLE = 254
PROTOCOL_KERNEL, PROTOCOL_BIRD = 2, 12
"""Who put a route there (``rtm_protocol``): the kernel itself, or BIRD."""
SCOPE_GLOBAL, SCOPE_LINK, SCOPE_HOST = 0, 253, 254
UNICAST, LOCAL, BLACKHOLE, UNREACHABLE, PROHIBIT = "unicast", "local", "blackhole", "unreachable", "prohibit"
"""What becomes of a packet (``rtm_type``)."""
_KINDS = (
    "unspec",
    UNICAST,
    LOCAL,
    "broadcast",
    "anycast",
    "multicast",
    BLACKHOLE,
    UNREACHABLE,
    PROHIBIT,
    "throw",
    "nat",
)
_WITH_NEXT_HOPS = frozenset({UNICAST, LOCAL, "broadcast", "anycast", "multicast"})

_RTM_NEWROUTE, _RTM_GETROUTE = 24, 26
_RTMSG = struct.Struct("=BBBBBBBBI")
_NEXT_HOP = struct.Struct("=HBBi")
_U32 = struct.Struct("=I")
_DST, _OIF, _GATEWAY, _PRIORITY, _PREFSRC, _MULTIPATH, _TABLE, _VIA = 1, 4, 5, 6, 7, 9, 15, 18
_ANY = {socket.AF_INET: bytes(4), socket.AF_INET6: bytes(16)}
_LARGEST_SHORT_TABLE = 255
_IPV6 = 6
_IPV4_BYTES = 4


@dataclass(frozen=True, slots=True)
class KernelNextHop:
    """Where a packet goes next.

    Attributes:
        gateway: ``None`` on a connected network; of a v4 route it may be a v6 address (RFC 8950).
        interface: its name.
        weight: share of the traffic, from 1.
        index: of the interface, which it keeps when it is renamed. Next hops that differ only in it are equal.
    """

    gateway: Address | None
    interface: str
    weight: int = 1
    index: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class KernelRoute:
    """A route.

    Attributes:
        prefix: where it leads.
        table: 254 is the main one.
        protocol: who put it there; 2 is the kernel itself, 12 BIRD.
        scope: 0 is global, 253 link, 254 host; IPv6 routes are all 0.
        kind: ``unicast``, ``unreachable``, ``blackhole``, and so on, as ``ip route`` says it.
        metric: the smallest one is used.
        next_hops: sorted, so that equal routes are equal; none where packets are not forwarded.
        source: what packets of this machine have as their source address, if that is set.
    """

    prefix: Prefix
    table: int
    protocol: int
    scope: int
    kind: str
    metric: int
    next_hops: tuple[KernelNextHop, ...]
    source: Address | None = None


def dump(table: int = MAIN_TABLE, protocol: int = 0, families: tuple[int, ...] = (4, 6)) -> list[KernelRoute]:
    """The routes of one table in the calling thread's namespace, IPv4 first.

    Args:
        table: 254 is the main table.
        protocol: only of this one; 0 is all.
        families: IP versions.
    """
    names = dict(socket.if_nameindex())
    with Rtnetlink() as netlink:
        return merged(
            route
            for family in families
            for datagram in netlink.dump(_RTM_GETROUTE, _request(family, table, protocol))
            for route in parse(datagram, names)
        )


def count(table: int = MAIN_TABLE, protocol: int = 0, families: tuple[int, ...] = (4, 6)) -> int:
    """How many messages :func:`dump` would read, without making routes of them; a look at whether all are there."""
    with Rtnetlink() as netlink:
        return sum(
            1
            for family in families
            for datagram in netlink.dump(_RTM_GETROUTE, _request(family, table, protocol))
            for _ in messages(datagram)
        )


def kind(netlink: Rtnetlink, address: Address, interface: int | None = None) -> str | None:
    """What becomes of a packet to an address in the socket's namespace: ``local``, ``unicast``, and so on.

    Args:
        netlink: a socket.
        address: where the packet is to go.
        interface: index of the only one it may leave by, which a link-local address needs.

    Returns:
        ``None`` if there is no way.
    """
    request = requests.get_route(address, interface)
    try:
        answer = netlink.ask(request.kind, request.body)
    except RefusedError as error:
        if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENODEV):
            return None
        raise
    (_, begin, _), *_ = messages(answer)
    return _KINDS[_RTMSG.unpack_from(answer, begin)[7]]


def merged(routes: Iterable[KernelRoute]) -> list[KernelRoute]:
    """Make one of neighbouring IPv6 routes that differ only in their next hops.

    So old kernels write down equal paths, and every kernel the networks that several interfaces are in (fe80::/64).
    """
    found: list[KernelRoute] = []
    for route in routes:
        if found and found[-1].prefix == route.prefix and _are_parts(found[-1], route):
            hops = {*found[-1].next_hops, *route.next_hops}
            found[-1] = replace(route, next_hops=tuple(sorted(hops, key=_order)))
        else:
            found.append(route)
    return found


def _are_parts(one: KernelRoute, other: KernelRoute) -> bool:
    return one.prefix.version == _IPV6 and replace(one, next_hops=()) == replace(other, next_hops=())


def _request(version: int, table: int, protocol: int) -> bytes:
    family = socket.AF_INET6 if version == _IPV6 else socket.AF_INET
    short = table if table <= _LARGEST_SHORT_TABLE else 0
    return _RTMSG.pack(family, 0, 0, 0, short, protocol, 0, 0, 0) + attribute(_TABLE, _U32.pack(table))


def parse(datagram: bytes, names: dict[int, str]) -> Iterator[KernelRoute]:
    """The routes in a datagram of a dump; ``names`` are those of the interfaces, by index."""
    hops = _NextHops(names)
    for kind, begin, end in messages(datagram):
        if kind != _RTM_NEWROUTE:
            continue
        family, length, _, _, table, protocol, scope, route_kind, _ = _RTMSG.unpack_from(datagram, begin)
        found = attributes(datagram, begin + _RTMSG.size, end)
        kind_name = _KINDS[route_kind] if route_kind < len(_KINDS) else str(route_kind)
        metric, source, long_table = found.get(_PRIORITY), found.get(_PREFSRC), found.get(_TABLE)
        yield KernelRoute(
            _prefix(found.get(_DST) or _ANY[family], length),
            _U32.unpack(long_table)[0] if long_table else table,
            protocol,
            scope,
            kind_name,
            _U32.unpack(metric)[0] if metric else 0,
            # The kernel gives even an unreachable IPv6 route a device; it means nothing.
            hops.of(found) if kind_name in _WITH_NEXT_HOPS else (),
            _address(source) if source else None,
        )


class _NextHops:
    """Makes the next hops of the routes of one namespace; equal ones are made once."""

    def __init__(self, names: dict[int, str]) -> None:
        self._names = names
        self._known: dict[tuple[bytes | None, ...], tuple[KernelNextHop, ...]] = {}

    def of(self, found: dict[int, bytes]) -> tuple[KernelNextHop, ...]:
        key = (found.get(_MULTIPATH), found.get(_GATEWAY), found.get(_OIF), found.get(_VIA))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._make(found)
        return known

    def _make(self, found: dict[int, bytes]) -> tuple[KernelNextHop, ...]:
        paths = found.get(_MULTIPATH)
        if paths is not None:
            return tuple(sorted(self._multipath(paths), key=_order))
        interface = found.get(_OIF)
        return (self._one(found, _U32.unpack(interface)[0], 1),) if interface else ()

    def _multipath(self, paths: bytes) -> Iterator[KernelNextHop]:
        position = 0
        while position < len(paths):
            length, _, more, interface = _NEXT_HOP.unpack_from(paths, position)
            own = attributes(paths, position + _NEXT_HOP.size, position + length)
            yield self._one(own, interface, more + 1)
            position += length

    def _one(self, found: dict[int, bytes], interface: int, weight: int) -> KernelNextHop:
        via, gateway = found.get(_VIA), found.get(_GATEWAY)
        # RTA_VIA begins with the family of the address.
        address = via[2:] if via else gateway
        name = self._names.get(interface, f"#{interface}")
        return KernelNextHop(_address(address) if address else None, name, weight, interface)


def _order(hop: KernelNextHop) -> tuple[str, int, int]:
    gateway = hop.gateway
    return (hop.interface, *((0, 0) if gateway is None else (gateway.version, int(gateway))))


@lru_cache(maxsize=1 << 16)
def _prefix(network: bytes, length: int) -> Prefix:
    return IPv4Network((network, length)) if len(network) == _IPV4_BYTES else IPv6Network((network, length))


@lru_cache(maxsize=1 << 16)
def _address(packed: bytes) -> Address:
    return IPv4Address(packed) if len(packed) == _IPV4_BYTES else IPv6Address(packed)
