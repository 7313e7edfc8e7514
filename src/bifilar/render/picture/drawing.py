"""Pure module: Fabric -> SVG.

The layout is finished when it comes here; this only writes it down.
"""

import re
from html import escape

from bifilar.fabric.model import Fabric
from bifilar.render.picture.layout import scene_of
from bifilar.render.picture.shapes import Joint, Panel, PanelKind, Shape, Text, Wire
from bifilar.render.picture.theme import ROOT, Theme, style_sheet

_RADIUS = {PanelKind.ZONE: 10, PanelKind.RACK: 8}
_USUAL_RADIUS = 4
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may contain, not even escaped."""


def svg(fabric: Fabric, theme: Theme = Theme.AUTO) -> str:
    """A drawing of the fabric as one self-contained SVG document.

    Tiers stand from the cores at the top down to the servers; each rack shows its AS number, its three networks
    and how every server hangs on both ToRs. Up to 40 racks are drawn one by one, of more the first and the last,
    so the size is bounded. The same fabric always gives the same text.
    """
    scene = scene_of(fabric)
    width, height = scene.width, scene.height
    size = f'width="{width}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{ROOT}" role="img" {size} viewBox="0 0 {width} {height}">',
        f"<title>{_escaped(scene.title)}</title>",
        f"<desc>{_escaped(scene.description)}</desc>",
        f"<style>\n{style_sheet(theme)}\n</style>",
        f'<rect class="page" {size}/>',
        *map(_element, sorted(scene.shapes, key=_layer)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _layer(shape: Shape) -> int:
    """Frames at the bottom, links over them, boxes over the links, text on top."""
    match shape:
        case Panel(kind=kind):
            return (0 if kind is PanelKind.ZONE else 1) if kind.is_frame else 3
        case Wire():
            return 2
        case Joint():
            return 4
        case Text():
            return 5


def _element(shape: Shape) -> str:
    match shape:
        case Panel(box, kind):
            return (
                f'<rect class="{kind}" x="{_number(box.x)}" y="{_number(box.y)}" '
                f'width="{_number(box.width)}" height="{_number(box.height)}" '
                f'rx="{_RADIUS.get(kind, _USUAL_RADIUS)}"/>'
            )
        case Wire():
            return f'<path class="{_wire_classes(shape)}" d="{_path(shape)}"/>'
        case Joint(x, y, tone):
            return f'<circle class="{tone}" cx="{_number(x)}" cy="{_number(y)}" r="2.5"/>'
        case Text():
            return (
                f'<text class="{shape.style.value.css} {shape.tone}" x="{_number(shape.x)}" '
                f'y="{_number(shape.y)}" text-anchor="{shape.anchor}">{_escaped(shape.content)}</text>'
            )


def _wire_classes(wire: Wire) -> str:
    return " ".join(
        [str(wire.tone), *(["strong"] if wire.strong else []), *(["dashed"] if wire.dashed else [])]
    )


def _path(wire: Wire) -> str:
    points = [f"{_number(x)} {_number(y)}" for x, y in wire.points]
    if not wire.curved:
        return "M" + " L".join(points)
    (x1, y1), (x2, y2) = wire.points
    middle = (y1 + y2) / 2
    return f"M{points[0]} C{_number(x1)} {_number(middle)} {_number(x2)} {_number(middle)} {points[1]}"


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _escaped(content: str) -> str:
    return escape(_NOT_XML.sub("\ufffd", content))
