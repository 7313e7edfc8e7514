"""Value module: routes as BIRD shows them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple

from bifilar.bird.answers import Address, Moment

Prefix = IPv4Network | IPv6Network
AsPath = tuple[int | frozenset[int], ...]
"""AS numbers, nearest first; an AS set is a frozenset. Members of a confederation sequence stand like others."""

_PREFERENCE = re.compile(r"[0-9]{1,5}")


class RouteKind(StrEnum):
    """What happens to packets."""

    UNICAST = "unicast"
    BLACKHOLE = "blackhole"
    UNREACHABLE = "unreachable"
    """Refused with ICMP; also a BGP route whose next hop can't be resolved."""
    PROHIBITED = "prohibited"
    NONE = ""
    """No destination: such a route only carries attributes."""


@dataclass(frozen=True, slots=True)
class NextHop:
    """One way that packets may take.

    Attributes:
        address: ``None`` for a network that is directly on the interface.
        weight: its share among the next hops of the route, 1 to 256.
        onlink: taken as a neighbour on the interface whatever its addresses.
        labels: MPLS labels, outermost first.
    """

    address: Address | None
    interface: str
    weight: int = 1
    onlink: bool = False
    labels: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BgpAttributes:
    """Path attributes, RFC 4271, 1997, 4456, 8092. ``None`` or empty: the route doesn't have it.

    Attributes:
        origin: ``IGP``, ``EGP`` or ``Incomplete``.
        next_hop: global; ``link_local_next_hop`` stands beside it in IPv6.
        extended_communities: kind, key, value, as printed: ``("rt", "64601", "5")``.
    """

    origin: str = ""
    as_path: AsPath = ()
    next_hop: Address | None = None
    link_local_next_hop: IPv6Address | None = None
    med: int | None = None
    local_pref: int | None = None
    communities: tuple[tuple[int, int], ...] = ()
    extended_communities: tuple[tuple[str, ...], ...] = ()
    large_communities: tuple[tuple[int, int, int], ...] = ()
    originator_id: IPv4Address | None = None
    cluster_list: tuple[IPv4Address, ...] = ()


class Route(NamedTuple):
    """One route to a network; a network has as many as there are protocols and peers that know it.

    A named tuple, because a fabric has hundreds of thousands and a frozen dataclass takes five times as long to build.

    Attributes:
        table: BIRD's routing table.
        network: the destination.
        next_hops: more than one with ECMP; empty unless the route is unicast.
        kind: what happens to packets.
        protocol: name of the protocol that knows it.
        from_: who told it, where that isn't the next hop.
        best: whether it is the network's selected route.
        refused_by_kernel: selected, but the kernel wouldn't take it (BIRD prints ``!``).
        metric: BIRD's words, such as ``(100/10) [AS65010i]``.
        source: how the protocol came to know it: ``BGP``, ``device``, ``inherit``, ``static``; only with ``all``.
        bgp: only with ``all``, and only if it has BGP attributes.
        attributes: all others by BIRD's name, such as ``krt_source`` (``Kernel.source`` in 2.x); only with ``all``.
    """

    table: str
    network: Prefix
    next_hops: tuple[NextHop, ...]
    kind: RouteKind
    protocol: str
    since: Moment
    from_: Address | None
    best: bool
    refused_by_kernel: bool
    metric: str
    source: str = ""
    bgp: BgpAttributes | None = None
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def preference(self) -> int | None:
        """BIRD's preference of the protocol: the highest wins."""
        digits = self.metric.removeprefix("(").partition(")")[0].partition("/")[0]
        return int(digits) if _PREFERENCE.fullmatch(digits) else None

    def attribute(self, *names: str) -> str | None:
        """The first attribute that has one of these names; for names that differ between versions."""
        return next((value for name, value in self.attributes if name in names), None)


def networks(routes: Iterable[Route]) -> dict[Prefix, list[Route]]:
    """Routes by network, in the order of the daemon: its selected route first."""
    found: dict[Prefix, list[Route]] = {}
    for route in routes:
        found.setdefault(route.network, []).append(route)
    return found
