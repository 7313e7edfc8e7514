"""Pure module: ``show protocols`` (code 1002), with the details of ``all`` (1006)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network

from bifilar.bird.answers import BgpDetails, Channel, Protocol, RouteChanges, RouteCounts
from bifilar.bird.protocol import Reply
from bifilar.bird.reading.fields import (
    MOMENT,
    read,
    read_address,
    read_count,
    read_moment,
    read_router_id,
    read_seconds,
    split_field,
    unreadable,
)

_PROTOCOL, _DETAILS = 1002, 1006
_ROW = re.compile(rf"(\S+) +(\S+) +(\S+) +(\S+) +({MOMENT}) *(.*)")
_CHANNEL = re.compile(r" *Channel (\S+) *")
_CHANGES_HEADING = "Route change stats"
_CHANGES = ("Import updates", "Import withdraws", "Export updates", "Export withdraws")
_NUMBER = re.compile(r"[0-9]{1,19}")


def read_protocols(reply: Reply) -> tuple[Protocol, ...]:
    """The answer to ``show protocols`` or ``show protocols all``, in the daemon's order.

    Raises:
        DaemonError: it isn't one.
    """
    protocols: list[Protocol] = []
    details: list[str] = []
    for code, text in reply.lines:
        if code == _PROTOCOL:
            _complete_last(protocols, details)
            protocols.append(_row(text))
        elif code == _DETAILS and text.strip():
            details.append(text)
    _complete_last(protocols, details)
    return tuple(protocols)


def _row(text: str) -> Protocol:
    row = _ROW.fullmatch(text)
    if row is None:
        raise unreadable(text, "a protocol")
    name, proto, table, state, since, info = row.groups()
    return Protocol(name, proto, table, state, read_moment(since), info.rstrip())


def _complete_last(protocols: list[Protocol], details: list[str]) -> None:
    """Put details into the protocol whose row stood before them, and forget them."""
    if not details:
        return
    if not protocols:
        raise unreadable(details[0], "details of a protocol that isn't named")
    own, channels = _sections(details)
    fields = dict(map(split_field, own))
    protocols[-1] = replace(
        protocols[-1],
        description=fields.get("Description", ""),
        channels=tuple(_channel(name, lines) for name, lines in channels),
        bgp=_bgp(fields) if "BGP state" in fields else None,
    )
    details.clear()


def _sections(details: list[str]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Lines of the protocol itself, and those of each channel by its name."""
    own: list[str] = []
    channels: list[tuple[str, list[str]]] = []
    for text in details:
        if heading := _CHANNEL.fullmatch(text):
            channels.append((heading[1], []))
        elif channels:
            channels[-1][1].append(text)
        else:
            own.append(text)
    return own, channels


def _bgp(fields: Mapping[str, str]) -> BgpDetails:
    address, _, interface = fields.get("Neighbor address", "").partition("%")
    source, neighbour_range = fields.get("Source address", ""), fields.get("Neighbor range", "")
    identifier = fields.get("Neighbor ID", "")
    return BgpDetails(
        state=fields["BGP state"],
        neighbour_address=read_address(address) if address else None,
        neighbour_range=read(ip_network, neighbour_range, "a range of neighbours")
        if neighbour_range
        else None,
        interface=interface,
        neighbour_as=_number(fields.get("Neighbor AS", "")) or 0,
        local_as=_number(fields.get("Local AS", "")) or 0,
        neighbour_id=read_router_id(identifier) if identifier else None,
        session=fields.get("Session", ""),
        source_address=read_address(source) if source else None,
        hold_s=_timer(fields.get("Hold timer", "")),
        keepalive_s=_timer(fields.get("Keepalive timer", "")),
        last_error=fields.get("Last error", ""),
    )


def _timer(text: str) -> float | None:
    """The time that a timer starts from: the second of ``83.685/90``."""
    _, slash, start = text.partition("/")
    return read_seconds(start) if slash else None


def _number(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None


def _channel(name: str, lines: list[str]) -> Channel:
    fields = dict(map(split_field, lines))
    columns = re.split(r" {2,}", fields.pop(_CHANGES_HEADING, ""))
    changes = {row: _changes(columns, fields.pop(row)) for row in _CHANGES if row in fields}
    return Channel(
        name=name,
        state=fields.get("State", ""),
        table=fields.get("Table", ""),
        preference=_number(fields.get("Preference", "")),
        input_filter=fields.get("Input filter") or fields.get("Import filter", ""),
        output_filter=fields.get("Output filter") or fields.get("Export filter", ""),
        routes=_counts(fields.get("Routes", "")),
        next_hop=tuple(map(read_address, fields.get("BGP Next hop", "").split())),
        changes=changes,
        fields=fields,
    )


def _counts(text: str) -> RouteCounts:
    """``5 imported, 1 filtered, 6 exported, 5 preferred``, some of which may be missing."""
    counts: dict[str, int] = {}
    for part in filter(None, text.split(", ")):
        number, _, word = part.partition(" ")
        counts[word] = read_count(number)
    return RouteCounts(**{word: counts.get(word, 0) for word in RouteCounts.__slots__})


def _changes(columns: list[str], row: str) -> RouteChanges:
    """One row under the heading; BIRD 3 has columns for limits too, which its channels show elsewhere."""
    values = dict(zip(columns, map(_number, row.split()), strict=False))
    return RouteChanges(**{column: values.get(column) for column in RouteChanges.__slots__})
