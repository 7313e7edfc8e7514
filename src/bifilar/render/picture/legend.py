"""Pure module: what a picture says in words: the sentence below its title, and its legend."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bifilar.fabric.model import Fabric, Family, Role
from bifilar.render.picture.outline import Outline, uplinks_of
from bifilar.render.picture.rows import ROW_HEIGHT, Label, Row, address, note, set_rows, width_of
from bifilar.render.picture.shapes import Block, Tone, Wire, shapes_of
from bifilar.render.picture.text import TIMES, Style, counted, span

T = TypeVar("T")

_COLUMN_GAP = 44
_LEAD = 8
"""Air around the rows of a column."""
_SAMPLE = 28
"""Length of a sample of a link."""
_INDENT = _SAMPLE + 10
_NAMES = {
    Role.CORE: "core",
    Role.SUPER_SPINE: "super-spine",
    Role.SPINE: "spine",
    Role.TOR: "ToR",
    Role.BOOT: "boot server",
    Role.SERVER: "server",
}


def description_of(fabric: Fabric) -> str:
    """The fabric in one sentence: stages, AS model, how many of what."""
    counts = Counter(device.role for device in fabric.devices)
    racks = len({device.rack for device in fabric.devices if device.rack is not None})
    parts = [counted(counts[role], name) for role, name in _NAMES.items() if role.tier > Role.TOR.tier]
    parts += [counted(racks, "rack")]
    parts += [counted(counts[role], _NAMES[role]) for role in (Role.TOR, Role.BOOT, Role.SERVER)]
    stages = "Five-stage" if counts[Role.SUPER_SPINE] else "Three-stage"
    return f"{stages} Clos, {_as_model(fabric)}: {', '.join(part for part in parts if part)}"


def _as_model(fabric: Fabric) -> str:
    tors = {device.rack: device.asn for device in fabric.devices if device.role is Role.TOR}
    own = any(device.asn != tors[device.rack] for device in fabric.devices if device.role.is_server)
    return "AS per server" if own else "AS per rack"


@dataclass(frozen=True, slots=True)
class _Column:
    """Facts of one kind under a heading. ``samples`` are the colours of the rows, if the rows explain colours."""

    heading: Label
    rows: Sequence[Row]
    samples: Sequence[Tone] = ()

    def block(self) -> Block:
        """The column as it is drawn."""
        indent = _INDENT if self.samples else 0
        width = max(width_of(self.rows) + indent, self.heading.width)
        top = ROW_HEIGHT + _LEAD / 2
        texts = (
            *set_rows([Row(self.heading)], 0, 0, width),
            *set_rows(self.rows, indent, top, width - indent),
        )
        wires = []
        for index, tone in enumerate(self.samples):
            middle = top + ROW_HEIGHT * (index + 0.5)
            wires.append(Wire(((0, middle), (_SAMPLE, middle)), tone, strong=True))
        return Block(width, top + len(self.rows) * ROW_HEIGHT + _LEAD / 2, (*texts, *wires))


def legend(outline: Outline, width: float) -> Block:
    """What the colours mean, and the facts that hold for the whole fabric, in columns within ``width``."""
    fabric = outline.fabric
    columns = [_links(fabric), _addresses(fabric), _timers(fabric), _unlabelled(outline)]
    placed: list[Block] = []
    x = y = tallest = widest = 0.0
    for block in (column.block() for column in columns if column is not None):
        if x and x + block.width > width:
            x, y, tallest = 0.0, y + tallest + _LEAD, 0.0
        placed.append(block.moved(x, y))
        widest, tallest = max(widest, x + block.width), max(tallest, block.height)
        x += block.width + _COLUMN_GAP
    return Block(widest, y + tallest, shapes_of(placed))


def _heading(content: str) -> Label:
    return Label(content, Style.NAME, Tone.MUTED)


def _links(fabric: Fabric) -> _Column:
    rows = [
        Row(note("to and from ToR 1")),
        Row(note("to and from ToR 2")),
    ]
    tones = [Tone.ONE, Tone.TWO]
    above = {fabric.device(link.b.device).role for link in fabric.links} - {Role.TOR, Role.SERVER, Role.BOOT}
    if above:
        tones.append(Tone.TRUNK)
        rows.append(Row(note("above the spines")))
    return _Column(_heading("Links"), rows, tones)


def _addresses(fabric: Fabric) -> _Column:
    families = " and ".join({Family.V4: "IPv4", Family.V6: "IPv6"}[family] for family in fabric.families)
    rows = [Row(note("families"), note(families))]
    for what, prefixes in (("pods", fabric.pods), ("load balancer", fabric.load_balancer)):
        rows += [Row(None if index else note(what), address(own)) for index, own in enumerate(prefixes)]
    rows.append(Row(note("MTU"), note(f"{fabric.mtu} bytes")))
    return _Column(_heading("Addresses"), rows)


def _timers(fabric: Fabric) -> _Column:
    bfd, bfd_others = _usual(device.bfd for device in fabric.devices)
    bgp, bgp_others = _usual(device.bgp for device in fabric.devices)
    down = f"{bfd.interval_ms * bfd.multiplier / 1000:g} s"
    rows = [
        Row(note("BFD"), note(f"{bfd.interval_ms} ms {TIMES} {bfd.multiplier}: down after {down}")),
        Row(note("BGP"), note(f"hold {bgp.hold_s} s, keepalive {bgp.keepalive_s} s")),
    ]
    others = max(bfd_others, bgp_others)
    if others:
        rows.append(Row(note(f"{counted(others, 'device')} with other timers")))
    return _Column(_heading("Timers"), rows)


def _unlabelled(outline: Outline) -> _Column | None:
    """How many links there are between tiers whose links bear no addresses in the picture, and their range."""
    fabric = outline.fabric
    rows: list[Row] = []
    for role in (Role.SUPER_SPINE, Role.SPINE, Role.TOR):
        devices = [device for device in fabric.devices if device.role is role]
        uplinks = [uplink for device in devices for uplink in uplinks_of(fabric, device)]
        if not uplinks or outline.labels_uplinks(role, len(uplinks) // len(devices)):
            continue
        tiers = span(_NAMES[uplinks[0][0].role], _NAMES[role])
        rows.append(Row(note(tiers), note(counted(len(uplinks), "link"))))
        for index in range(len(uplinks[0][1].addresses)):
            own = [interface.addresses[index] for _, interface in uplinks]
            if own[0].is_link_local:
                rows.append(Row(note("unnumbered: link-local addresses")))
            else:
                first, last = min(own, key=int).network, max(own, key=int).network
                rows.append(Row(address(span(first, last))))
    return _Column(_heading("Full mesh between tiers"), rows) if rows else None


def _usual(values: Iterable[T]) -> tuple[T, int]:
    """The most frequent value, and how many differ from it."""
    counts = Counter(values)
    value, count = counts.most_common(1)[0]
    return value, counts.total() - count
