"""Pure module: tiers of switches above rows of racks or zones, and the links between them.

Every switch of a tier is linked to every node below it. A few dozen links are drawn one by one. More than that,
or links past one row of racks to the next, are drawn as buses: one for each tone, which every switch above and
every node below is joined to, in place of a thicket that nobody could follow.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from bifilar.render.picture.shapes import Block, Joint, Node, Shape, Tone, Wire, nodes_of, shapes_of

MOST_WIRES = 96
"""Links between two tiers that are drawn one by one."""
_GAP = 20
"""Air between neighbours in a row."""
_SWITCH_GAPS = (24, 200)
"""Least and greatest air between the switches of a tier."""
_SPREAD = 0.6
"""The part of the width that the tier above spreads over."""
_DROPS = (64, 150)
"""Least and greatest height of links that are drawn one by one."""
_SLOPE = 0.1
"""Height of links, as a part of the width that they cross."""
_BUS_PITCH = 9
"""Between two buses, and between their trunks at the left."""
_BUS_CLEARANCE = 22
"""From a bus to what is above and below."""


def wrapped(blocks: Sequence[Block], limit: float) -> list[list[Block]]:
    """The blocks in rows of about the same length, none wider than ``limit`` unless a block is."""
    if sum(block.width for block in blocks) + _GAP * (len(blocks) - 1) <= limit:
        return [list(blocks)]
    widest = max(block.width for block in blocks)
    fitting = max(1, int((limit + _GAP) // (widest + _GAP)))
    rows = -(-len(blocks) // fitting)
    columns = -(-len(blocks) // rows)
    return [list(blocks[start : start + columns]) for start in range(0, len(blocks), columns)]


def in_a_row(blocks: Sequence[Block], gap: float = _GAP) -> Block:
    """The blocks side by side."""
    placed, x = [], 0.0
    for block in blocks:
        placed.append(block.moved(x, 0))
        x += block.width + gap
    return Block(x - gap, max(block.height for block in blocks), shapes_of(placed), nodes_of(placed))


def tier(switches: Sequence[Block], rows: Sequence[Sequence[Block]]) -> Block:
    """Switches above rows of blocks, linked with every node in them; its nodes are the switches."""
    lower = [in_a_row(row) for row in rows]
    links = len(switches) * sum(len(row.nodes) for row in lower)
    if len(rows) > 1 or links > MOST_WIRES:
        return _bused(switches, lower)
    return _fanned(switches, lower[0])


def _fanned(switches: Sequence[Block], row: Block) -> Block:
    """One row below, its links drawn one by one."""
    upper = _spread(switches, row.width)
    width = max(upper.width, row.width)
    xs = [node.box.middle for node in row.nodes]
    drop = min(max(_DROPS[0], (max(xs) - min(xs)) * _SLOPE), _DROPS[1])
    upper = upper.moved((width - upper.width) / 2, 0)
    row = row.moved((width - row.width) / 2, upper.height + drop)
    wires = tuple(_fan(upper.nodes, row.nodes))
    return Block(width, upper.height + drop + row.height, (*wires, *upper.shapes, *row.shapes), upper.nodes)


def _fan(upper: Sequence[Node], lower: Sequence[Node]) -> Iterator[Wire]:
    for i, above in enumerate(upper):
        for j, below in enumerate(lower):
            start = above.box.x + above.box.width * (j + 1) / (len(lower) + 1)
            end = below.box.x + below.box.width * (i + 1) / (len(upper) + 1)
            yield Wire(
                ((start, above.box.bottom), (end, below.box.y)),
                Tone.MUTED if above.omitted else below.tone,
                curved=True,
                dashed=above.omitted or below.omitted,
            )


def _bused(switches: Sequence[Block], lower: Sequence[Block]) -> Block:
    """Rows below, each under buses of its own, which trunks at the left connect."""
    tones = {node.tone for row in lower for node in row.nodes if not node.omitted}
    buses = [tone for tone in Tone if tone in tones]
    trunks = len(buses) * _BUS_PITCH + _GAP if len(lower) > 1 else 0
    upper = _spread(switches, max(row.width for row in lower))
    room = 2 * _BUS_CLEARANCE + (len(buses) - 1) * _BUS_PITCH
    content = max(upper.width, *(row.width for row in lower))
    upper = upper.moved(trunks + (content - upper.width) / 2, 0)
    left = trunks + (content - max(row.width for row in lower)) / 2
    shapes: list[Shape] = list(upper.shapes)
    levels: list[list[float]] = []
    y = upper.height
    for row in lower:
        level = [y + _BUS_CLEARANCE + index * _BUS_PITCH for index in range(len(buses))]
        placed = row.moved(left, y + room)
        shapes += placed.shapes
        shapes += _bus(buses, level, placed.nodes, () if levels else upper.nodes, len(lower) > 1)
        levels.append(level)
        y += room + row.height
    for index, tone in enumerate(buses):
        x = index * _BUS_PITCH
        shapes += [Wire(((x, one[index]), (x, other[index])), tone) for one, other in pairwise(levels)]
    return Block(trunks + content, y, tuple(shapes), upper.nodes)


def _bus(
    buses: Sequence[Tone], level: Sequence[float], below: Sequence[Node], above: Sequence[Node], trunk: bool
) -> Iterator[Shape]:
    """The buses above one row, with a riser from each node below and a drop from each node above."""
    for index, (tone, y) in enumerate(zip(buses, level, strict=True)):
        aside = (index - (len(buses) - 1) / 2) * _BUS_PITCH
        joined = [
            (node.box.middle + (aside if node.omitted else 0), node.box.y, node.omitted)
            for node in below
            if node.omitted or node.tone is tone
        ]
        joined += [
            (node.box.x + node.box.width * (index + 1) / (len(buses) + 1), node.box.bottom, node.omitted)
            for node in above
        ]
        for x, end, omitted in joined:
            yield Wire(((x, y), (x, end)), Tone.MUTED if omitted else tone, dashed=omitted)
            yield Joint(x, y, tone)
        ends = [x for x, _, _ in joined]
        yield Wire(((index * _BUS_PITCH if trunk else min(ends), y), (max(ends), y)), tone, strong=True)


def _spread(switches: Sequence[Block], width: float) -> Block:
    """A tier of switches, spread over the middle of what is below it."""
    if len(switches) == 1:
        return switches[0]
    own = sum(block.width for block in switches)
    gap = (width * _SPREAD - own) / (len(switches) - 1)
    return in_a_row(switches, min(max(gap, _SWITCH_GAPS[0]), _SWITCH_GAPS[1]))
