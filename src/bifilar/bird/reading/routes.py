"""Pure module: ``show route`` (code 1007), with the attributes of ``all`` (1008 and 1012).

::

    1007-Table master4:
     192.0.2.0/24         unicast [tor0 11:52:07.057 from 10.9.0.7] * (100) [AS65010i]
     <tab>via 10.9.0.0 on eth0
                          unicast [tor1 11:52:07.085] (100) [AS65010i]
     <tab>via 10.9.1.0 on eth1

A network is named once, its further routes stand under it with a blank in its place. In BIRD 3 the attributes are
called ``bgp_path`` and ``krt_source``, in 2 ``BGP.as_path`` and ``Kernel.source``.

A verifier reads hundreds of thousands of routes, whose parts are alike from route to route and from daemon to
daemon: a part that was read is remembered by its text, which is what makes this fast.
"""

import re
from functools import lru_cache
from ipaddress import ip_network
from itertools import chain
from typing import NamedTuple

from bifilar.bird.answers import Address, Moment
from bifilar.bird.protocol import Reply
from bifilar.bird.reading.attributes import Attributes, read_attributes
from bifilar.bird.reading.fields import MOMENT, read, read_address, read_moment, unreadable
from bifilar.bird.route import NextHop, Prefix, Route, RouteKind

_ROUTE = 1007
_ATTRIBUTES = (1008, 1012)
_TABLE = re.compile(r"Table (\S+):")
_LEARNT = re.compile(rf"(?P<protocol>\S+) (?P<since>{MOMENT})(?: from (?P<from>\S+))?")
_RANK = re.compile(r" ?(?P<mark>[*!])? ?(?P<metric>.*)")
_NEXT_HOP = re.compile(
    r"(?:via (?P<address>\S+) on|dev) (?P<interface>\S+)"
    r"(?: mpls (?P<labels>[0-9/]{1,99}))?(?P<onlink> onlink)?(?: weight (?P<weight>[0-9]{1,3}))?"
)
_KINDS = {kind.value: kind for kind in RouteKind}
_REMEMBERED = 1 << 17


class _Learnt(NamedTuple):
    """What stands in the brackets of a route."""

    protocol: str
    since: Moment
    from_: Address | None


class _Rank(NamedTuple):
    """What stands after them."""

    best: bool
    refused_by_kernel: bool
    metric: str


_END = (_ROUTE, "")
"""An empty line ends a route; the last has none."""
_NOWHERE = _Learnt("", "", None)
_LAST = _Rank(best=False, refused_by_kernel=False, metric="")


def read_routes(reply: Reply) -> tuple[Route, ...]:
    """The answer to ``show route``, in the daemon's order: routes of a network stand together, the best one first.

    Raises:
        DaemonError: it isn't one, or has a table that isn't of IPv4 or IPv6 prefixes.
    """
    routes: list[Route] = []
    table = ""
    network: Prefix | None = None
    kind: RouteKind | None = None  # None: no route was begun
    hops: tuple[NextHop, ...] = ()
    learnt, rank = _NOWHERE, _LAST
    details: list[str] = []
    for code, text in chain(reply.lines, (_END,)):
        if code != _ROUTE:
            if code in _ATTRIBUTES:
                details.append(text)
            continue
        if text.startswith("\t"):
            hops += (_next_hop(text),)
            continue
        if kind is not None and network is not None:
            routes.append(Route(table, network, hops, kind, *learnt, *rank, *_attributes(details)))
            kind, hops = None, ()
        elif hops or details:
            raise unreadable(text, "to which route the lines before it belong")
        left, bracket, right = text.partition(" [")
        if bracket:
            named, kind = _left(left)
            network = named or network
            if network is None:
                raise unreadable(text, "a route's network")
            inside, _, after = right.partition("]")
            learnt, rank = _learnt(inside), _rank(after)
        elif text:
            table, network = _table(text), None
    return tuple(routes)


def _attributes(details: list[str]) -> tuple[()] | Attributes:
    """What ``all`` adds to the route that is complete now; the details are forgotten."""
    if not details:
        return ()
    attributes = read_attributes(details)
    details.clear()
    return attributes


def _table(text: str) -> str:
    named = _TABLE.fullmatch(text)
    if named is None:
        raise unreadable(text, "a route")
    return named[1]


@lru_cache(maxsize=_REMEMBERED)
def _left(text: str) -> tuple[Prefix | None, RouteKind]:
    """Network and kind; no network if it is that of the route before."""
    # The network column is padded with blanks; a route without a destination has an empty kind.
    name, _, kind = text.rpartition(" ")
    if kind not in _KINDS:
        raise unreadable(text, "a route's kind")
    name = name.rstrip()
    return read(ip_network, name, "an IPv4 or IPv6 network") if name else None, _KINDS[kind]


@lru_cache(maxsize=_REMEMBERED)
def _learnt(text: str) -> _Learnt:
    learnt = _LEARNT.fullmatch(text)
    if learnt is None:
        raise unreadable(text, "where a route comes from")
    told_by = learnt["from"]
    return _Learnt(
        learnt["protocol"], read_moment(learnt["since"]), read_address(told_by) if told_by else None
    )


@lru_cache(maxsize=_REMEMBERED)
def _rank(text: str) -> _Rank:
    rank = _RANK.fullmatch(text)
    if rank is None:
        raise unreadable(text, "a route's rank")
    return _Rank(best=rank["mark"] is not None, refused_by_kernel=rank["mark"] == "!", metric=rank["metric"])


@lru_cache(maxsize=_REMEMBERED)
def _next_hop(text: str) -> NextHop:
    hop = _NEXT_HOP.fullmatch(text.strip())
    if hop is None:
        raise unreadable(text, "a next hop")
    return NextHop(
        address=read_address(hop["address"]) if hop["address"] else None,
        interface=hop["interface"],
        weight=int(hop["weight"] or 1),
        onlink=hop["onlink"] is not None,
        labels=tuple(int(label) for label in (hop["labels"] or "").split("/") if label),
    )
