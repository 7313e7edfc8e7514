"""Value module: the type of a picture and how wide it sets.

A pure function cannot ask the viewer's fonts, so widths are estimated on the safe side: the sans-serif widths
are those of DejaVu Sans, about the widest face that a viewer falls back to, and every common monospaced face is
0.6 em wide. A label that is set narrower leaves air; none runs into its neighbour.
"""

from dataclasses import dataclass
from enum import Enum

DASH = "\N{EN DASH}"
TIMES = "\N{MULTIPLICATION SIGN}"
_TYPOGRAPHIC = frozenset({DASH, TIMES, "…"})

_MONO_EM = 0.61
_NARROW = frozenset("iljftrI.,:;'|!()[]- ")
_WIDE = frozenset(f"mwMW@%…{DASH}")
_NARROW_EM, _USUAL_EM, _TALL_EM, _WIDE_EM, _UNKNOWN_EM = 0.42, 0.63, 0.70, 1.0, 1.0
_BOLD = 1.06
_LAST_KNOWN = "ɏ"
"""End of Latin Extended-B: what follows (other scripts, symbols) is taken as full width."""

SMALLEST = 11
"""No text is smaller, in pixels at the picture's natural size."""


@dataclass(frozen=True, slots=True)
class Face:
    """How a text is set: its CSS class, size in pixels, weight, and whether it is monospaced."""

    css: str
    size: int
    weight: int = 400
    mono: bool = False


class Style(Enum):
    """The few faces of a picture."""

    TITLE = Face("title", 22, 600)
    SUBTITLE = Face("subtitle", 13)
    HEADING = Face("heading", 13, 600)
    NAME = Face("name", 12, 600)
    NOTE = Face("note", SMALLEST)
    ADDRESS = Face("address", SMALLEST, mono=True)


def span(first: object, last: object) -> str:
    """From the one to the other."""
    return f"{first} {DASH} {last}"


def counted(count: int, what: str) -> str:
    """``1 rack``, ``2 racks``; an empty text for none."""
    return f"{count} {what}{'' if count == 1 else 's'}" if count else ""


def width(content: str, style: Style) -> float:
    """Width of a line in pixels; an upper estimate."""
    face = style.value
    if face.mono:
        ems = sum(
            _MONO_EM if character <= _LAST_KNOWN or character in _TYPOGRAPHIC else 1 for character in content
        )
    else:
        ems = sum(map(_em, content)) * (_BOLD if face.weight > Style.NOTE.value.weight else 1)
    return round(ems * face.size, 1)


def _em(character: str) -> float:
    if character in _NARROW:
        return _NARROW_EM
    if character in _WIDE:
        return _WIDE_EM
    if character > _LAST_KNOWN:
        return _UNKNOWN_EM
    return _TALL_EM if character.isupper() or character.isdigit() else _USUAL_EM
