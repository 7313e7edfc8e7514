"""Value module: the colours of a picture, and the style sheet that they make.

Colours are written out in every rule, not as custom properties: converters such as librsvg know neither those
nor media queries, and draw the light picture; a browser that prefers dark applies the second set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bifilar.render.picture.shapes import PanelKind, Tone
from bifilar.render.picture.text import Style

ROOT = "bifilar-fabric"
"""Class of the picture: keeps its rules to itself where an SVG is put into a page."""


class Theme(StrEnum):
    """Which colours a picture has."""

    AUTO = "auto"
    """Light, and dark where the reader prefers it."""
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class _Palette:
    page: str
    tones: Mapping[Tone, str]
    panels: Mapping[PanelKind, tuple[str, str]]
    """Fill and outline."""


_LIGHT = _Palette(
    page="#ffffff",
    tones={
        Tone.INK: "#1c2733",
        Tone.MUTED: "#586673",
        Tone.ONE: "#1f62a7",
        Tone.TWO: "#a8551c",
        Tone.TRUNK: "#71808e",
    },
    panels={
        PanelKind.ZONE: ("#fbfcfd", "#b9c4ce"),
        PanelKind.RACK: ("#f4f6f8", "#d3dae1"),
        PanelKind.SWITCH: ("#ffffff", "#8a98a5"),
        PanelKind.TOR_ONE: ("#eef5fc", "#5b93cb"),
        PanelKind.TOR_TWO: ("#fdf3ec", "#d08a55"),
        PanelKind.SERVER: ("#ffffff", "#c3ccd5"),
        PanelKind.OMITTED: ("#ffffff", "#a3afba"),
    },
)
_DARK = _Palette(
    page="#12181f",
    tones={
        Tone.INK: "#e4eaf0",
        Tone.MUTED: "#9aa8b5",
        Tone.ONE: "#77b4f0",
        Tone.TWO: "#e7a26c",
        Tone.TRUNK: "#8594a2",
    },
    panels={
        PanelKind.ZONE: ("#151c24", "#3e4c59"),
        PanelKind.RACK: ("#1a222b", "#323e4a"),
        PanelKind.SWITCH: ("#222c37", "#667685"),
        PanelKind.TOR_ONE: ("#182c40", "#4a82b9"),
        PanelKind.TOR_TWO: ("#38271b", "#b67645"),
        PanelKind.SERVER: ("#222c37", "#43515e"),
        PanelKind.OMITTED: ("#12181f", "#566573"),
    },
)
_SANS = "Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"
_MONO = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def style_sheet(theme: Theme) -> str:
    """The CSS of a picture."""
    colours = _colours(_DARK if theme is Theme.DARK else _LIGHT)
    if theme is Theme.AUTO:
        dark = "\n".join(f"  {rule}" for rule in _colours(_DARK))
        colours.append(f"@media (prefers-color-scheme: dark) {{\n{dark}\n}}")
    return "\n".join([*_faces(), *_lines(), *colours])


def _faces() -> list[str]:
    faces = [f".{ROOT} text {{ font-family: {_SANS}; }}"]
    for style in Style:
        face = style.value
        family = f" font-family: {_MONO};" if face.mono else ""
        faces.append(
            f".{ROOT} .{face.css} {{ font-size: {face.size}px; font-weight: {face.weight};{family} }}"
        )
    return faces


def _lines() -> list[str]:
    return [
        f".{ROOT} rect {{ stroke-width: 1; }}",
        f".{ROOT} path {{ fill: none; stroke-width: 1.2; stroke-linecap: round; }}",
        f".{ROOT} .strong {{ stroke-width: 2; }}",
        f".{ROOT} .dashed, .{ROOT} .{PanelKind.OMITTED} {{ stroke-dasharray: 3 4; }}",
    ]


def _colours(palette: _Palette) -> list[str]:
    rules = [f".{ROOT} .page {{ fill: {palette.page}; }}"]
    for tone, colour in palette.tones.items():
        rules += [
            f".{ROOT} text.{tone}, .{ROOT} circle.{tone} {{ fill: {colour}; }}",
            f".{ROOT} path.{tone} {{ stroke: {colour}; }}",
        ]
    rules += [
        f".{ROOT} .{kind} {{ fill: {fill}; stroke: {outline}; }}"
        for kind, (fill, outline) in palette.panels.items()
    ]
    return rules
