"""Pure module: attributes of a route (codes 1008 and 1012), under their names in BIRD 2 and 3.

An attribute that is known and can't be read is kept as text among the others: a strange community must not hide
the route.
"""

import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple

from bifilar.bird.route import AsPath, BgpAttributes

_IGNORED = frozenset({"preference", "from", "Internal route handling values"})
"""Already in the line of the route, or of interest only to BIRD's authors."""
_LINK_LOCAL_PAIR = 2


class Attributes(NamedTuple):
    """What ``all`` says of one route: the last three fields of a :class:`~bifilar.bird.route.Route`."""

    source: str
    bgp: BgpAttributes | None
    attributes: tuple[tuple[str, str], ...]


def read_attributes(lines: Iterable[str]) -> Attributes:
    """Attributes from the lines after one route."""
    source = ""
    known: dict[str, Any] = {}
    others: list[tuple[str, str]] = []
    for name, value in _named(lines):
        if name == "Type":  # BIRD 2: "BGP univ"
            source = value.partition(" ")[0]
        elif name == "source":
            source = value
        elif name in _BGP:
            try:
                known |= _BGP[name](value)
            except ValueError:
                others.append((name, value))
        elif name not in _IGNORED:
            others.append((name, value))
    return Attributes(source, BgpAttributes(**known) if known else None, tuple(others))


def _named(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Name and value of each attribute; a long list goes on in lines that are indented twice."""
    attributes: list[tuple[str, str]] = []
    for text in lines:
        if text.startswith("\t\t") and attributes:
            name, value = attributes.pop()
            attributes.append((name, f"{value} {text.strip()}"))
        elif text.strip():
            name, _, value = text.strip().partition(":")
            attributes.append((name, value.strip()))
    return attributes


def _as_path(text: str) -> AsPath:
    path: list[int | frozenset[int]] = []
    members: list[int] | None = None
    for word in re.findall(r"[{}]|[^\s{}()]+", text):
        if word == "{":
            members = []
        elif word == "}" and members is not None:
            path.append(frozenset(members))
            members = None
        elif members is not None:
            members.append(int(word))
        else:
            path.append(int(word))
    return tuple(path)


def _tuples(text: str) -> list[list[str]]:
    """``(a, b) (c, d)`` as lists of their parts."""
    if re.sub(r"\([^()]*\)", "", text).strip():
        raise ValueError(text)
    return [[part.strip() for part in body.split(",")] for body in re.findall(r"\(([^()]*)\)", text)]


def _communities(text: str) -> tuple[tuple[int, int], ...]:
    return tuple((int(asn), int(value)) for asn, value in _tuples(text))


def _large_communities(text: str) -> tuple[tuple[int, int, int], ...]:
    return tuple((int(admin), int(first), int(second)) for admin, first, second in _tuples(text))


def _next_hop(text: str) -> dict[str, Any]:
    addresses = [ip_address(word) for word in text.split()]
    if len(addresses) == _LINK_LOCAL_PAIR and isinstance(addresses[1], IPv6Address):
        return {"next_hop": addresses[0], "link_local_next_hop": addresses[1]}
    (only,) = addresses
    return {"next_hop": only}


def _cluster_list(text: str) -> tuple[IPv4Address, ...]:
    return tuple(map(IPv4Address, text.split()))


def _field(field: str, reader: Callable[[str], object]) -> Callable[[str], dict[str, Any]]:
    return lambda text: {field: reader(text)}


_READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "origin": _field("origin", str),
    "path": _field("as_path", _as_path),
    "next_hop": _next_hop,
    "med": _field("med", int),
    "local_pref": _field("local_pref", int),
    "community": _field("communities", _communities),
    "ext_community": _field("extended_communities", lambda text: tuple(map(tuple, _tuples(text)))),
    "large_community": _field("large_communities", _large_communities),
    "originator_id": _field("originator_id", IPv4Address),
    "cluster_list": _field("cluster_list", _cluster_list),
}
_BGP = {
    **{f"bgp_{name}": reader for name, reader in _READERS.items()},
    **{f"BGP.{name}": reader for name, reader in _READERS.items()},
    "BGP.as_path": _READERS["path"],
}
