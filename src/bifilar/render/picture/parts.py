"""Pure module: boxes of a picture: switches, zones, and what stands for devices that are left out."""

from collections.abc import Sequence

from bifilar.fabric.model import Device
from bifilar.render.picture.outline import Outline, uplinks_of
from bifilar.render.picture.rows import ROW_HEIGHT, Row, address, name, note, set_rows, width_of
from bifilar.render.picture.shapes import Block, Box, Node, Panel, PanelKind, Tone

PADDING = 10
"""Air inside a box at its left and right."""
HALF_LEADING = 5
"""Air inside a box above and below its rows."""
_ZONE_MARGIN = 22


def switch(outline: Outline, device: Device, *, narrow: bool) -> Block:
    """A switch above the racks: its name and AS number, and the addresses of its uplinks where there is room.

    A narrow one has its AS number below its name.
    """
    asn = note(f"AS {device.asn}")
    heading = [Row(name(device.name)), Row(asn)] if narrow else [Row(name(device.name), asn)]
    return boxed([*heading, *switch_rows(outline, device)], PanelKind.SWITCH, Tone.TRUNK)


def switch_rows(outline: Outline, device: Device) -> list[Row]:
    """What is said of a switch below its name."""
    uplinks = uplinks_of(outline.fabric, device)
    rows = [Row(note("draining"))] if device.drain else []
    if outline.labels_uplinks(device.role, len(uplinks)):
        for above, interface in uplinks:
            above_name = note(above.name)
            rows += [
                Row(above_name if index == 0 else None, address(own))
                for index, own in enumerate(interface.addresses)
            ]
    return rows


def boxed(rows: Sequence[Row], kind: PanelKind, tone: Tone, width: float = 0, height: float = 0) -> Block:
    """Rows in a box of their size, or larger: the box is a node."""
    box = Box(
        0,
        0,
        max(width, width_of(rows) + 2 * PADDING),
        max(height, len(rows) * ROW_HEIGHT + 2 * HALF_LEADING),
    )
    texts = set_rows(rows, PADDING, HALF_LEADING, box.width - 2 * PADDING)
    node = Node(box, tone, omitted=kind is PanelKind.OMITTED)
    return Block(box.width, box.height, (Panel(box, kind), *texts), (node,))


def omission(rows: Sequence[Row]) -> Block:
    """What stands for devices that are left out."""
    return boxed(rows, PanelKind.OMITTED, Tone.MUTED)


def framed(inner: Block, rows: Sequence[Row]) -> Block:
    """A zone: a frame around its spines and racks. Its rows stand at the bottom, clear of links from above."""
    width = max(inner.width, width_of(rows)) + 2 * _ZONE_MARGIN
    moved = inner.moved((width - inner.width) / 2, _ZONE_MARGIN)
    y = inner.height + 1.5 * _ZONE_MARGIN
    height = y + len(rows) * ROW_HEIGHT + _ZONE_MARGIN / 2
    panel = Panel(Box(0, 0, width, height), PanelKind.ZONE)
    texts = set_rows(rows, _ZONE_MARGIN, y, width - 2 * _ZONE_MARGIN)
    return Block(width, height, (panel, *moved.shapes, *texts), moved.nodes)
