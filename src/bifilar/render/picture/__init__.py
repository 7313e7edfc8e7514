"""A drawing of a fabric: one SVG that can stand in a document."""

from bifilar.render.picture.drawing import svg
from bifilar.render.picture.theme import Theme

__all__ = ["Theme", "svg"]
