"""Pure module: the drawing of a rack.

Two ToRs side by side; from each a rail, which is its layer-2 network, down one side of the rack; and between the
rails the servers, each wired to both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_interface

from bifilar.fabric.model import RACK_BRIDGE, Asn, Device, InterfaceKind, Prefix
from bifilar.render.picture.outline import Detail, Outline, Rack
from bifilar.render.picture.parts import HALF_LEADING, PADDING, boxed, switch_rows
from bifilar.render.picture.rows import (
    ROW_HEIGHT,
    Label,
    Row,
    address,
    name,
    note,
    range_rows,
    set_rows,
    width_of,
)
from bifilar.render.picture.shapes import Block, Box, Joint, Panel, PanelKind, Shape, Tone, Wire, nodes_of
from bifilar.render.picture.text import Style

_MARGIN = 10
_TOR_GAP = 12
"""Air between the two ToRs."""
_RAIL = 8
"""From the outer edge of a ToR to its rail."""
_STUB = 11
"""From a rail to the servers' boxes."""
_GAP = 8
_SHEET = 3
"""How far the sheets of a pile of servers stand apart."""
_TONES = (Tone.ONE, Tone.TWO)
_TOR_KINDS = (PanelKind.TOR_ONE, PanelKind.TOR_TWO)


@dataclass(frozen=True, slots=True)
class _ServerBox:
    """One server, or a pile of them that share a box."""

    rows: tuple[Row, ...]
    piled: bool = False

    @property
    def height(self) -> float:
        return len(self.rows) * ROW_HEIGHT + 2 * HALF_LEADING


def rack_width(outline: Outline, rack: Rack) -> float:
    """The least width of a rack, in pixels."""
    servers = _server_boxes(rack, outline.detail)
    content = max(
        [width_of(_facts(rack, outline.detail)), *(width_of(box.rows) + 2 * PADDING for box in servers)]
    )
    tor_width = width_of([row for tor in rack.tors for row in _tor_rows(outline, rack, tor)]) + 2 * PADDING
    return max(content + 2 * (_RAIL + _STUB), 2 * tor_width + _TOR_GAP) + 2 * _MARGIN


def rack_block(outline: Outline, rack: Rack, width: float) -> Block:
    """A rack of that width; its nodes are the two ToRs."""
    tor_rows = [_tor_rows(outline, rack, tor) for tor in rack.tors]
    facts = _facts(rack, outline.detail)
    servers = _server_boxes(rack, outline.detail)
    tor_width = (width - _TOR_GAP) / 2 - _MARGIN
    tor_height = max(map(len, tor_rows)) * ROW_HEIGHT + 2 * HALF_LEADING

    tors = [
        boxed(rows, kind, tone, tor_width, tor_height).moved(x, _MARGIN)
        for rows, kind, tone, x in zip(
            tor_rows, _TOR_KINDS, _TONES, (_MARGIN, width - _MARGIN - tor_width), strict=True
        )
    ]
    left = _MARGIN + _RAIL + _STUB
    y = _MARGIN + tor_height + _GAP
    texts = set_rows(facts, left, y, width - 2 * left)
    y += len(facts) * ROW_HEIGHT + _GAP
    wired = _wired_servers(servers, Box(left, y, width - 2 * left, 0), _MARGIN + tor_height)
    frame = Box(0, 0, width, y + wired.height + _MARGIN)
    shapes = (Panel(frame, PanelKind.RACK), *tors[0].shapes, *tors[1].shapes, *texts, *wired.shapes)
    return Block(frame.width, frame.height, shapes, nodes_of(tors))


def _wired_servers(servers: Sequence[_ServerBox], place: Box, rails_from: float) -> Block:
    """The servers one below the other in ``place``, and the rails that reach them from y ``rails_from``."""
    shapes: list[Shape] = []
    rails = (place.x - _STUB, place.right + _STUB)
    y = last = place.y
    for server in servers:
        box = Box(place.x, y, place.width, server.height)
        sheets = 3 if server.piled else 1
        shapes += [Panel(box.moved(0, sheet * _SHEET), PanelKind.SERVER) for sheet in reversed(range(sheets))]
        shapes += set_rows(server.rows, box.x + PADDING, y + HALF_LEADING, box.width - 2 * PADDING)
        last = y + server.height / 2
        for rail, edge, tone in zip(rails, (box.x, box.right), _TONES, strict=True):
            shapes += [Wire(((rail, last), (edge, last)), tone, strong=True), Joint(edge, last, tone)]
        y = box.bottom + (sheets - 1) * _SHEET + _GAP
    if servers:
        shapes += [
            Wire(((rail, rails_from), (rail, last)), tone, strong=True)
            for rail, tone in zip(rails, _TONES, strict=True)
        ]
    return Block(place.width, y - _GAP - place.y if servers else 0, tuple(shapes))


def _tor_rows(outline: Outline, rack: Rack, tor: Device) -> list[Row]:
    """What is said of a ToR: the rack says its AS number, unless the two differ."""
    asn = note(f"AS {tor.asn}") if tor.asn != rack.tors[0].asn else None
    return [Row(name(tor.name), asn), *switch_rows(outline, tor)]


def _facts(rack: Rack, detail: Detail) -> tuple[Row, ...]:
    """The rack's number, AS number and networks."""
    title = Row(Label(f"rack {rack.number}", Style.HEADING), note(f"AS {rack.tors[0].asn}"))
    networks = [tor.interface(RACK_BRIDGE).addresses for tor in rack.tors]
    rows = [title]
    if rack.servers:
        lengths = [own.network.prefixlen for own in networks[0]]
        management = [
            ip_interface((own, length)).network
            for own, length in zip(rack.servers[0].management, lengths, strict=True)
        ]
        rows += _network_rows("mgmt" if detail.stacked else "management", management, Tone.INK)
    for tor, own, tone in zip(rack.tors, networks, _TONES, strict=True):
        what = f"ToR {tor.number}" if detail.stacked else f"ToR {tor.number} network"
        rows += _network_rows(what, [interface.network for interface in own], tone)
    return (*rows, *([] if rack.servers else [Row(note("no servers"))]))


def _network_rows(what: str, networks: Sequence[Prefix], tone: Tone) -> list[Row]:
    label = Label(what, Style.NOTE, Tone.MUTED if tone is Tone.INK else tone)
    return [
        Row(label if index == 0 else None, address(network, tone)) for index, network in enumerate(networks)
    ]


def _server_boxes(rack: Rack, detail: Detail) -> list[_ServerBox]:
    boot = [server for server in rack.servers if server.role is not rack.servers[-1].role]
    others = rack.servers[len(boot) :]
    boxes = [_single(server, rack.tors[0].asn, detail) for server in boot]
    if len(others) <= detail.most_listed:
        return boxes + [_single(server, rack.tors[0].asn, detail) for server in others]
    return [*boxes, _pile(others, rack.tors[0].asn)]


def _single(server: Device, rack_asn: Asn, detail: Detail) -> _ServerBox:
    """A server's name and addresses; its AS number where it has its own."""
    starts = [name(server.name)]
    if server.asn != rack_asn:
        starts.append(note(f"AS {server.asn}"))
    if server.drain:
        starts.append(note("draining"))
    ends = [address(own) for own in server.management]
    if detail.stacked:
        rows = [Row(label) for label in (*starts, *ends)]
    else:
        rows = [
            Row(
                starts[index] if index < len(starts) else None,
                ends[index] if index < len(ends) else None,
            )
            for index in range(max(len(starts), len(ends)))
        ]
    if detail.nics:
        rows += _nic_rows(server)
    return _ServerBox(tuple(rows))


def _nic_rows(server: Device) -> list[Row]:
    """The addresses that a server has in the networks of its two ToRs, each on its ToR's side."""
    nics = [interface for interface in server.interfaces if interface.kind is InterfaceKind.PORT]
    sides = [[address(own.ip, tone) for own in nic.addresses] for nic, tone in zip(nics, _TONES, strict=True)]
    return [Row(one, two) for one, two in zip(*sides, strict=True)]


def _pile(servers: Sequence[Device], rack_asn: Asn) -> _ServerBox:
    """Many servers: how many, and the first and last of their addresses, which are consecutive."""
    first, last = servers[0], servers[-1]
    draining = sum(server.drain for server in servers)
    rows = [Row(name(f"{len(servers)} servers"), note(f"{draining} draining") if draining else None)]
    if first.asn != rack_asn:
        rows += range_rows(note(f"AS {first.asn}"), note(f"AS {last.asn}"))
    for one, other in zip(first.management, last.management, strict=True):
        rows += range_rows(address(one), address(other))
    return _ServerBox(tuple(rows), piled=True)
