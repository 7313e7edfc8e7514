"""Pure module: Fabric -> the layout of its picture."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from bifilar.fabric.model import Device, Fabric, Role
from bifilar.render.picture import parts
from bifilar.render.picture.legend import description_of, legend
from bifilar.render.picture.outline import Abridged, Outline, Rack, Zone, outline_of
from bifilar.render.picture.rack import rack_block
from bifilar.render.picture.rack import rack_width as least_width
from bifilar.render.picture.rows import Row, name, note
from bifilar.render.picture.shapes import Block, Shape, Text, Tone
from bifilar.render.picture.text import Style, counted, span
from bifilar.render.picture.tiers import in_a_row, tier, wrapped

_MARGIN = 36
_TITLE_HEIGHT = 66
_LEGEND_GAP = 32
_ROW_LIMIT = 1500
"""Width in pixels at which racks wrap into another row."""
_LONG_ROW_LIMIT = 1900
"""The same where there are many racks."""
_MANY_RACKS = 20
_LEAST_ZONE_LIMIT = 800
"""Width at which the racks of a zone wrap, however many zones there are."""
_ZONES_LIMIT = 2250
_MOST_WIDE_SWITCHES = 6


@dataclass(frozen=True, slots=True)
class Scene:
    """A finished layout. ``title`` and ``description`` are for readers who do not see it."""

    width: int
    height: int
    title: str
    description: str
    shapes: tuple[Shape, ...]


def scene_of(fabric: Fabric) -> Scene:
    """The layout of a fabric's picture."""
    outline = outline_of(fabric)
    title, description = fabric.name, description_of(fabric)
    heading = (
        Text(_MARGIN, _MARGIN + 14, title, Style.TITLE),
        Text(_MARGIN, _MARGIN + 36, description, Style.SUBTITLE, Tone.MUTED),
    )
    body = _body(outline)
    width = max(body.width, *(text.box.width for text in heading))
    key = legend(outline, width)
    width = max(width, key.width)
    key_y = _MARGIN + _TITLE_HEIGHT + body.height + _LEGEND_GAP
    shapes = (
        *heading,
        *body.moved(_MARGIN + (width - body.width) / 2, _MARGIN + _TITLE_HEIGHT).shapes,
        *key.moved(_MARGIN, key_y).shapes,
    )
    return Scene(ceil(width) + 2 * _MARGIN, ceil(key_y + key.height) + _MARGIN, title, description, shapes)


def _body(outline: Outline) -> Block:
    """All tiers."""
    zones = outline.zones
    width = max(
        (least_width(outline, rack) for zone in zones.shown for rack in zone.racks.shown), default=0.0
    )
    if not outline.super_spines.shown:
        (only,) = zones.shown
        racks = len(only.racks.shown)
        body = _zone(outline, only, width, _LONG_ROW_LIMIT if racks > _MANY_RACKS else _ROW_LIMIT)
    else:
        limit = max(_LEAST_ZONE_LIMIT, _ZONES_LIMIT / len(zones.shown))
        blocks = [parts.framed(_zone(outline, zone, width, limit), _zone_rows(zone)) for zone in zones.head]
        if zones.omitted:
            blocks.append(parts.omission(_omitted_zones(zones.omitted)))
        body = tier(
            _switches(outline, outline.super_spines, len(outline.super_spines.shown)),
            wrapped(blocks, _ZONES_LIMIT),
        )
    if outline.cores.shown:
        body = tier(_switches(outline, outline.cores, len(outline.cores.shown)), [[body]])
    return body


def _zone(outline: Outline, zone: Zone, rack_width: float, limit: float) -> Block:
    """Spines above their racks."""
    racks = [rack_block(outline, rack, rack_width) for rack in zone.racks.head]
    if zone.racks.omitted:
        racks.append(parts.omission(_omitted_racks(zone.racks.omitted)))
    racks += [rack_block(outline, rack, rack_width) for rack in zone.racks.tail]
    spines = _switches(outline, zone.spines, outline.spines_drawn)
    if not racks:
        return in_a_row(spines)
    return tier(spines, wrapped(racks, max(limit, in_a_row(spines).width)))


def _switches(outline: Outline, devices: Abridged[Device], tier_size: int) -> list[Block]:
    """Switches of a tier of which ``tier_size`` are drawn in all: many are drawn narrower."""
    narrow = tier_size > _MOST_WIDE_SWITCHES
    blocks = [parts.switch(outline, device, narrow=narrow) for device in devices.head]
    if devices.omitted:
        names = span(devices.omitted[0].name, devices.omitted[-1].name)
        rows = [Row(name(f"… {len(devices.omitted)} more …")), Row(note(names))]
        blocks.append(parts.omission(rows))
    return blocks + [parts.switch(outline, device, narrow=narrow) for device in devices.tail]


def _omitted_racks(racks: Sequence[Rack]) -> list[Row]:
    return [
        Row(name(f"… {counted(len(racks), 'more rack')} …")),
        Row(note(_span_of("rack", [rack.number for rack in racks]))),
        *_servers_row(racks),
    ]


def _omitted_zones(zones: Sequence[Zone]) -> list[Row]:
    racks = [rack for zone in zones for rack in zone.racks.all]
    return [
        Row(name(f"… {counted(len(zones), 'more zone')} …")),
        Row(note(_span_of("zone", [zone.number for zone in zones]))),
        Row(note(counted(len(racks), "rack"))),
        *_servers_row(racks),
    ]


def _span_of(what: str, numbers: Sequence[int | None]) -> str:
    return (
        f"{what} {numbers[0]}" if len(numbers) == 1 else span(f"{what} {numbers[0]}", f"{what} {numbers[-1]}")
    )


def _zone_rows(zone: Zone) -> list[Row]:
    racks = zone.racks.all
    holds = ", ".join([counted(len(racks), "rack"), *_servers_in(racks)])
    return [Row(name(f"zone {zone.number}"), note(holds))]


def _servers_row(racks: Sequence[Rack]) -> list[Row]:
    servers = ", ".join(_servers_in(racks))
    return [Row(note(servers))] if servers else []


def _servers_in(racks: Sequence[Rack]) -> list[str]:
    """How many boot servers and servers, without those that there are none of."""
    roles = Counter(server.role for rack in racks for server in rack.servers)
    counts = (counted(roles[Role.BOOT], "boot server"), counted(roles[Role.SERVER], "server"))
    return [count for count in counts if count]
