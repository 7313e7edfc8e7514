"""Value module: what a picture consists of, in pixels, the origin at the top left.

A layout is a value: it can be measured, moved, nested and tested before a line of SVG is written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from bifilar.render.picture import text
from bifilar.render.picture.text import Style

_ASCENT, _DESCENT = 0.8, 0.22
"""Of a line of text, in em: above and below the baseline."""


class Tone(StrEnum):
    """A colour by its meaning; the theme says which it is. The value is the CSS class."""

    INK = "ink"
    MUTED = "muted"
    ONE = "one"
    """Everything that goes through a rack's first ToR."""
    TWO = "two"
    """Everything that goes through its second."""
    TRUNK = "trunk"
    """Links above the spines that racks are attached to."""


class PanelKind(StrEnum):
    """What a rectangle stands for; the value is the CSS class."""

    ZONE = "zone"
    RACK = "rack"
    SWITCH = "switch"
    TOR_ONE = "tor-one"
    TOR_TWO = "tor-two"
    SERVER = "server"
    OMITTED = "omitted"

    @property
    def is_frame(self) -> bool:
        """Whether links run over it to what stands inside."""
        return self in {PanelKind.ZONE, PanelKind.RACK}


class Anchor(StrEnum):
    """Which end of a text its position is; the value is SVG's."""

    START = "start"
    MIDDLE = "middle"
    END = "end"


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.height

    @property
    def middle(self) -> float:
        """The x of its centre."""
        return self.x + self.width / 2

    def moved(self, dx: float, dy: float) -> "Box":
        """The same box elsewhere."""
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def overlaps(self, other: "Box") -> bool:
        """Whether they share more than an edge."""
        return (
            self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; ``y`` is its baseline."""

    x: float
    y: float
    content: str
    style: Style
    tone: Tone = Tone.INK
    anchor: Anchor = Anchor.START

    @property
    def box(self) -> Box:
        """The room that it needs at most."""
        width, size = text.width(self.content, self.style), self.style.value.size
        left = {Anchor.START: self.x, Anchor.MIDDLE: self.x - width / 2, Anchor.END: self.x - width}
        return Box(left[self.anchor], self.y - _ASCENT * size, width, (_ASCENT + _DESCENT) * size)

    def moved(self, dx: float, dy: float) -> Self:
        """The same text elsewhere."""
        return replace(self, x=self.x + dx, y=self.y + dy)


@dataclass(frozen=True, slots=True)
class Panel:
    """A rectangle that stands for something."""

    box: Box
    kind: PanelKind

    def moved(self, dx: float, dy: float) -> Self:
        """The same panel elsewhere."""
        return replace(self, box=self.box.moved(dx, dy))


@dataclass(frozen=True, slots=True)
class Wire:
    """Links: from point to point, or (``curved``, two points) leaving and arriving vertically.

    ``strong`` is drawn heavier; ``dashed`` leads to what the picture leaves out.
    """

    points: tuple[tuple[float, float], ...]
    tone: Tone
    curved: bool = False
    strong: bool = False
    dashed: bool = False

    def moved(self, dx: float, dy: float) -> Self:
        """The same wire elsewhere."""
        return replace(self, points=tuple((x + dx, y + dy) for x, y in self.points))


@dataclass(frozen=True, slots=True)
class Joint:
    """A dot where wires meet."""

    x: float
    y: float
    tone: Tone

    def moved(self, dx: float, dy: float) -> Self:
        """The same joint elsewhere."""
        return replace(self, x=self.x + dx, y=self.y + dy)


Shape = Text | Panel | Wire | Joint


@dataclass(frozen=True, slots=True)
class Node:
    """Where links from above arrive: a switch, or a stand-in for those left out."""

    box: Box
    tone: Tone
    omitted: bool = False

    def moved(self, dx: float, dy: float) -> Self:
        """The same node elsewhere."""
        return replace(self, box=self.box.moved(dx, dy))


@dataclass(frozen=True, slots=True)
class Block:
    """A finished part of a picture, with its upper left corner at the origin unless it was moved."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    nodes: tuple[Node, ...] = ()

    def moved(self, dx: float, dy: float) -> Self:
        """The same block elsewhere."""
        return replace(
            self,
            shapes=tuple(shape.moved(dx, dy) for shape in self.shapes),
            nodes=tuple(node.moved(dx, dy) for node in self.nodes),
        )


def shapes_of(blocks: Iterable[Block]) -> tuple[Shape, ...]:
    """The shapes of several blocks."""
    return tuple(shape for block in blocks for shape in block.shapes)


def nodes_of(blocks: Iterable[Block]) -> tuple[Node, ...]:
    """The nodes of several blocks."""
    return tuple(node for block in blocks for node in block.nodes)
