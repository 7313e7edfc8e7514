"""Pure module: lines of text in two columns, the way that switches, racks and legends list what they hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bifilar.render.picture import text
from bifilar.render.picture.shapes import Anchor, Text, Tone
from bifilar.render.picture.text import Style

ROW_HEIGHT = 16
_BASELINE = 12
_GAP = 12
"""Least air between the columns."""
_LONGEST_RANGE = 25
"""Characters of a range that are set on one line."""


@dataclass(frozen=True, slots=True)
class Label:
    """A text without a place."""

    content: str
    style: Style = Style.NOTE
    tone: Tone = Tone.INK

    @property
    def width(self) -> float:
        """Its width in pixels, at most."""
        return text.width(self.content, self.style)


@dataclass(frozen=True, slots=True)
class Row:
    """A line: one text at its start, one at its end, or either."""

    start: Label | None = None
    end: Label | None = None

    @property
    def width(self) -> float:
        """The width that it needs in pixels."""
        widths = [label.width for label in (self.start, self.end) if label is not None]
        return sum(widths) + _GAP * (len(widths) - 1) if widths else 0


def width_of(rows: Iterable[Row]) -> float:
    """The width that these rows need in pixels."""
    return max((row.width for row in rows), default=0)


def set_rows(rows: Sequence[Row], x: float, y: float, width: float) -> tuple[Text, ...]:
    """The rows' texts, the first row's upper left corner at (x, y)."""
    texts = []
    for index, row in enumerate(rows):
        baseline = y + index * ROW_HEIGHT + _BASELINE
        if row.start is not None:
            texts.append(Text(x, baseline, row.start.content, row.start.style, row.start.tone))
        if row.end is not None:
            end = row.end
            texts.append(Text(x + width, baseline, end.content, end.style, end.tone, Anchor.END))
    return tuple(texts)


def name(content: str) -> Label:
    """A device's name."""
    return Label(content, Style.NAME)


def note(content: str) -> Label:
    """A quiet remark."""
    return Label(content, Style.NOTE, Tone.MUTED)


def address(content: object, tone: Tone = Tone.INK) -> Label:
    """An address or prefix."""
    return Label(str(content), Style.ADDRESS, tone)


def range_rows(first: Label, last: Label) -> list[Row]:
    """From ``first`` to ``last``: on one line if it is short, else on two."""
    whole = text.span(first.content, last.content)
    if len(whole) <= _LONGEST_RANGE:
        return [Row(Label(whole, first.style, first.tone))]
    return [Row(first), Row(Label(f"{text.DASH} {last.content}", last.style, last.tone))]
