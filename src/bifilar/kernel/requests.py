"""Requests to rtnetlink, packed by hand. Pure.

A request that a general library builds costs it half a millisecond; packed like this it is some ten microseconds.
Whoever adds a pod, or builds a thousand devices, sends many.

Numbers and layouts are those of ``linux/rtnetlink.h``, ``if_link.h``, ``if_addr.h`` and ``fib_rules.h``.
"""

import struct
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from socket import AF_INET, AF_INET6, AF_UNSPEC
from typing import NamedTuple

from bifilar.kernel.netlink import attribute

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network

CREATE, EXCLUSIVE, REPLACE, APPEND = 0x400, 0x200, 0x100, 0x800
"""Flags of requests that make something. ``EXCLUSIVE``: it must not be there yet."""
SCOPE_LINK = 253
MAIN_TABLE = 254
UNICAST, BLACKHOLE, UNREACHABLE = 1, 6, 7
"""What becomes of a packet (``rtm_type``)."""
ALIAS_BYTES = 255
"""An alias of a link may have so many; more are refused."""

_NEWLINK, _DELLINK, _GETLINK = 16, 17, 18
_NEWADDR = 20
_NEWROUTE, _DELROUTE, _GETROUTE = 24, 25, 26
_NEWRULE, _DELRULE = 32, 33
_NEWNEIGH = 28

_IFINFOMSG = struct.Struct("=BxHiII")
_IFADDRMSG = struct.Struct("=BBBBI")
_RTMSG = struct.Struct("=BBBBBBBBI")
_NDMSG = struct.Struct("=BxxxiHBB")
_U8, _U32 = struct.Struct("=B"), struct.Struct("=I")
_UP = 1
_ADDRESS, _IFNAME, _MTU, _MASTER, _LINKINFO = 1, 3, 4, 10, 18
_IFALIAS, _AF_SPEC, _GROUP, _NET_NS_FD, _EXT_MASK = 20, 26, 27, 28, 29
_TX_QUEUES, _RX_QUEUES = 31, 32
_SKIP_STATISTICS = 8
_INET6_ADDRESS_GENERATION, _GENERATE_EUI64, _GENERATE_NONE = 8, 0, 1
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_BRIDGE_FORWARD_DELAY, _BRIDGE_STP_STATE, _BRIDGE_MCAST_SNOOPING = 1, 5, 23
_IFA_ADDRESS, _IFA_LOCAL, _IFA_CACHEINFO, _IFA_FLAGS = 1, 2, 6, 8
_FLAG_NODAD = 0x02
_FOREVER = 0xFFFFFFFF
_CACHEINFO = struct.Struct("=IIII")
_DST, _OIF, _GATEWAY, _PRIORITY, _PREFSRC, _TABLE = 1, 4, 5, 6, 7, 15
_RTNH_ONLINK = 4
_FRA_PRIORITY, _FRA_TABLE, _FRA_PROTOCOL = 6, 15, 21
_NDA_DST, _NDA_LLADDR = 1, 2
_PERMANENT = 0x80
_TO_TABLE = 1
_LARGEST_SHORT_TABLE = 255
_IPV4_BITS = 32


class Request(NamedTuple):
    """One message without its header: its type, the flags it needs besides the usual ones, and its body."""

    kind: int
    flags: int
    body: bytes


def add_veth(
    name: str,
    peer: str,
    peer_namespace: int,
    *,
    namespace: int | None = None,
    mtu: int | None = None,
    queues: int | None = None,
    group: int | None = None,
    indexes: tuple[int, int] = (0, 0),
    link_address: bytes | None = None,
    peer_link_address: bytes | None = None,
) -> Request:
    """Make a pair of interfaces, each right in its namespace (given by an open descriptor).

    One message makes both, so that neither is ever seen elsewhere, nor clashes with a name there. Both are down: a
    peer that is to be up is refused, and an alias would silently be ignored.

    Args:
        name: of the one end.
        peer: of the other.
        peer_namespace: where the peer goes.
        namespace: where the one end goes; the socket's unless told.
        mtu: of both.
        queues: of both, each way; the kernel makes one for each processor unless told.
        group: of ``name``; its peer is in the usual one.
        indexes: of both; the kernel chooses where 0 is given. One that is taken is refused with ``EBUSY``.
        link_address: of ``name``; the kernel chooses if none is given.
        peer_link_address: of ``peer``, likewise.
    """
    size = b"" if mtu is None else _number(_MTU, mtu)
    if queues is not None:
        size += _number(_TX_QUEUES, queues) + _number(_RX_QUEUES, queues)
    other = _link_header(indexes[1]) + _name(peer) + _number(_NET_NS_FD, peer_namespace) + size
    if peer_link_address is not None:
        other += attribute(_ADDRESS, peer_link_address)
    info = _kind("veth") + attribute(_INFO_DATA, attribute(_VETH_PEER, other))
    own = b"" if namespace is None else _number(_NET_NS_FD, namespace)
    if group is not None:
        own += _number(_GROUP, group)
    if link_address is not None:
        own += attribute(_ADDRESS, link_address)
    body = _link_header(indexes[0]) + _name(name) + own + size + attribute(_LINKINFO, info)
    return Request(_NEWLINK, CREATE | EXCLUSIVE, body)


def add_bridge(name: str, *, mtu: int | None = None) -> Request:
    """Make a bridge that forwards from the first packet on: no spanning tree, no delay, no multicast snooping."""
    options = (
        _number(_BRIDGE_FORWARD_DELAY, 0)
        + _number(_BRIDGE_STP_STATE, 0)
        + attribute(_BRIDGE_MCAST_SNOOPING, _U8.pack(0))
    )
    size = b"" if mtu is None else _number(_MTU, mtu)
    info = _kind("bridge") + attribute(_INFO_DATA, options)
    return Request(
        _NEWLINK, CREATE | EXCLUSIVE, _link_header() + _name(name) + size + attribute(_LINKINFO, info)
    )


def add_link(name: str, kind: str) -> Request:
    """Make an interface of any kind that needs nothing else said, such as ``dummy``."""
    info = attribute(_LINKINFO, _kind(kind))
    return Request(_NEWLINK, CREATE | EXCLUSIVE, _link_header() + _name(name) + info)


def change_link(
    index: int,
    *,
    name: str | None = None,
    up: bool | None = None,
    mtu: int | None = None,
    master: int | None = None,
    alias: str | None = None,
    group: int | None = None,
    link_address: bytes | None = None,
    makes_own_addresses: bool | None = None,
) -> Request:
    """Change what is given of an interface.

    Args:
        index: of the interface.
        name: a new one; kernels before 6.3 refuse it while the interface is up.
        up: or down.
        mtu: size of the largest packet, in bytes.
        master: index of the bridge that it is a port of.
        alias: at most :data:`ALIAS_BYTES`.
        group: the number of the group that it is to be in.
        link_address: a new MAC address.
        makes_own_addresses: whether the kernel gives it an IPv6 link-local address as soon as it is usable.
            Refused where the interface has no IPv6.
    """
    body = _link_header(index, up)
    if name is not None:
        body += _name(name)
    if mtu is not None:
        body += _number(_MTU, mtu)
    if master is not None:
        body += _number(_MASTER, master)
    if alias is not None:
        body += attribute(_IFALIAS, alias.encode())
    if group is not None:
        body += _number(_GROUP, group)
    if link_address is not None:
        body += attribute(_ADDRESS, link_address)
    if makes_own_addresses is not None:
        mode = _GENERATE_EUI64 if makes_own_addresses else _GENERATE_NONE
        generation = attribute(_INET6_ADDRESS_GENERATION, _U8.pack(mode))
        body += attribute(_AF_SPEC, attribute(AF_INET6, generation))
    return Request(_NEWLINK, 0, body)


def delete_link(index: int) -> Request:
    """Remove an interface; with one end of a veth pair goes the other."""
    return Request(_DELLINK, 0, _link_header(index))


def get_link(*, name: str | None = None, index: int = 0) -> Request:
    """Ask for one interface, by name or index; for :meth:`~bifilar.kernel.netlink.Rtnetlink.ask`."""
    body = _link_header(index) + _number(_EXT_MASK, _SKIP_STATISTICS)
    return Request(_GETLINK, 0, body if name is None else body + _name(name))


def get_links() -> Request:
    """Ask for all interfaces; for :meth:`~bifilar.kernel.netlink.Rtnetlink.dump`."""
    return Request(_GETLINK, 0, _link_header() + _number(_EXT_MASK, _SKIP_STATISTICS))


def add_address(
    index: int,
    address: IPv4Interface | IPv6Interface,
    *,
    link_scope: bool = False,
    deprecated: bool = False,
) -> Request:
    """Give an interface an address.

    Args:
        index: of the interface.
        address: IPv6 ones are usable at once, without asking whether somebody else has them.
        link_scope: never chosen as source towards other networks; IPv6 has no such setting and ignores it.
        deprecated: preferred for zero seconds, valid for ever: a source only where there is no other.
    """
    scope = SCOPE_LINK if link_scope and isinstance(address, IPv4Interface) else 0
    body = _IFADDRMSG.pack(_family(address), address.network.prefixlen, 0, scope, index)
    body += attribute(_IFA_LOCAL, address.packed) + attribute(_IFA_ADDRESS, address.packed)
    if isinstance(address, IPv6Interface):
        body += _number(_IFA_FLAGS, _FLAG_NODAD)
    if deprecated:
        body += attribute(_IFA_CACHEINFO, _CACHEINFO.pack(0, _FOREVER, 0, 0))
    return Request(_NEWADDR, CREATE | EXCLUSIVE, body)


def add_route(
    prefix: Prefix,
    interface: int | None,
    *,
    gateway: Address | None = None,
    onlink: bool = False,
    source: Address | None = None,
    table: int = MAIN_TABLE,
    protocol: int,
    scope: int = 0,
    kind: int = UNICAST,
    metric: int = 0,
    flags: int = CREATE | REPLACE,
) -> Request:
    """Make a route, or put it in place of one with the same prefix and metric.

    Args:
        prefix: where it leads.
        interface: index of the interface; ``None`` where ``kind`` forwards nothing.
        gateway: ``None`` for what is on the link itself.
        onlink: the gateway is on the link although no address says so.
        source: what packets of this machine have as their source address.
        table: number of the table.
        protocol: who puts it there.
        scope: as ``ip route`` has it; IPv6 ignores it.
        kind: what becomes of a packet.
        metric: of routes with the same prefix the smallest is used; 0 is 1024 for IPv6.
        flags: ``CREATE | EXCLUSIVE`` refuses to replace.
    """
    parts = [_route(prefix, table, protocol, scope, kind, _RTNH_ONLINK if onlink else 0)]
    if interface is not None:
        parts.append(_number(_OIF, interface))
    if gateway is not None:
        parts.append(attribute(_GATEWAY, gateway.packed))
    if source is not None:
        parts.append(attribute(_PREFSRC, source.packed))
    if metric:
        parts.append(_number(_PRIORITY, metric))
    return Request(_NEWROUTE, flags, b"".join(parts))


def delete_route(
    prefix: Prefix,
    *,
    table: int = MAIN_TABLE,
    protocol: int,
    kind: int = 0,
    interface: int | None = None,
    metric: int = 0,
) -> Request:
    """Remove the route of this prefix, table and protocol.

    ``kind`` 0, ``interface`` ``None`` and ``metric`` 0 are any; IPv6 doesn't look at ``kind``.
    """
    # RT_SCOPE_NOWHERE: any.
    body = _route(prefix, table, protocol, 255, kind, 0)
    if interface is not None:
        body += _number(_OIF, interface)
    return Request(_DELROUTE, 0, body + _number(_PRIORITY, metric) if metric else body)


def get_route(address: Address, interface: int | None = None) -> Request:
    """Ask which route a packet takes; for :meth:`~bifilar.kernel.netlink.Rtnetlink.ask`.

    Args:
        address: where it is to go.
        interface: index of the only one it may leave by, which a link-local address needs.
    """
    body = _RTMSG.pack(_family(address), address.max_prefixlen, 0, 0, 0, 0, 0, 0, 0)
    body += attribute(_DST, address.packed)
    return Request(_GETROUTE, 0, body if interface is None else body + _number(_OIF, interface))


def add_rule(family: int, priority: int, table: int, protocol: int) -> Request:
    """Have packets of a family look into a table; rules of smaller priority come first."""
    return Request(_NEWRULE, CREATE | EXCLUSIVE, _rule(family, priority, table, protocol))


def delete_rule(family: int, priority: int, table: int, protocol: int) -> Request:
    """Undo :func:`add_rule`."""
    return Request(_DELRULE, 0, _rule(family, priority, table, protocol))


def add_neighbour(index: int, address: Address, link_address: bytes) -> Request:
    """Say for good which link-layer address has an address, so that nobody needs to ask."""
    body = _NDMSG.pack(_family(address), index, _PERMANENT, 0, 0)
    body += attribute(_NDA_DST, address.packed) + attribute(_NDA_LLADDR, link_address)
    return Request(_NEWNEIGH, CREATE | REPLACE, body)


def _route(prefix: Prefix, table: int, protocol: int, scope: int, kind: int, flags: int) -> bytes:
    family = AF_INET if prefix.max_prefixlen == _IPV4_BITS else AF_INET6
    short = table if table <= _LARGEST_SHORT_TABLE else 0
    header = _RTMSG.pack(family, prefix.prefixlen, 0, 0, short, protocol, scope, kind, flags)
    return header + attribute(_DST, prefix.network_address.packed) + _number(_TABLE, table)


def _rule(family: int, priority: int, table: int, protocol: int) -> bytes:
    short = table if table <= _LARGEST_SHORT_TABLE else 0
    header = _RTMSG.pack(family, 0, 0, 0, short, 0, 0, _TO_TABLE, 0)
    options = _number(_FRA_PRIORITY, priority) + _number(_FRA_TABLE, table)
    return header + options + attribute(_FRA_PROTOCOL, _U8.pack(protocol))


def _link_header(index: int = 0, up: bool | None = None) -> bytes:
    return _IFINFOMSG.pack(AF_UNSPEC, 0, index, _UP if up else 0, 0 if up is None else _UP)


def _family(address: Address) -> int:
    return AF_INET if address.max_prefixlen == _IPV4_BITS else AF_INET6


def _kind(name: str) -> bytes:
    return attribute(_INFO_KIND, name.encode())


def _name(name: str) -> bytes:
    return attribute(_IFNAME, name.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, _U32.pack(value))
