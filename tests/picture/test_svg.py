"""The document: well-formed, self-contained, readable to those who do not see it, and always the same."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from fabrics import EXAMPLES, example
from syrupy.assertion import SnapshotAssertion

from bifilar.render.picture import Theme, svg

PICTURES = EXAMPLES.parent / "docs" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"


def parsed(document: str) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314 - written by ourselves


def test_article(golden: SnapshotAssertion) -> None:
    assert svg(example("article")) == golden


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.yaml")))
def test_every_example_is_well_formed_and_draws_the_same_each_time(name: str) -> None:
    fabric = example(name)
    first, second = svg(fabric), svg(fabric)
    assert first == second
    assert parsed(first).tag == f"{SVG}svg"


def test_it_says_what_it_shows_to_those_who_do_not_see_it() -> None:
    root = parsed(svg(example("article")))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "article"
    description = root.findtext(f"{SVG}desc")
    assert description == "Three-stage Clos, AS per rack: 2 spines, 2 racks, 4 ToRs, 6 servers"
    assert [child.tag for child in root][:2] == [f"{SVG}title", f"{SVG}desc"]


def test_a_name_cannot_break_out_of_the_document() -> None:
    hostile = replace(example("article"), name='</title><script>alert(1)</script>&"\x00\x1b')
    root = parsed(svg(hostile))
    assert not list(root.iter(f"{SVG}script"))
    assert root.findtext(f"{SVG}title") == '</title><script>alert(1)</script>&"\ufffd\ufffd'


def test_it_loads_nothing() -> None:
    text = svg(example("five-stage"))
    assert "href" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert "@font-face" not in text


def test_dark_colours_apply_only_where_they_are_preferred_or_asked_for() -> None:
    article = example("article")
    automatic, light, dark = (svg(article, theme) for theme in (Theme.AUTO, Theme.LIGHT, Theme.DARK))
    assert svg(article) == automatic
    assert "prefers-color-scheme" not in light + dark
    outside, media, inside = automatic.partition("@media (prefers-color-scheme: dark)")
    page = {theme: _page_colour(text) for theme, text in ((Theme.LIGHT, light), (Theme.DARK, dark))}
    assert media
    assert page[Theme.LIGHT] in outside
    assert page[Theme.DARK] in inside
    assert page[Theme.DARK] not in outside


def _page_colour(text: str) -> str:
    return text.partition(".page { fill: ")[2].partition(";")[0]


def test_every_class_that_is_drawn_has_a_rule() -> None:
    """A shape without a rule would be drawn black."""
    for name in ("article", "five-stage", "scale-10000"):
        root = parsed(svg(example(name), Theme.LIGHT))
        style = root.findtext(f"{SVG}style") or ""
        classes = {own for element in root.iter() for own in (element.get("class") or "").split()}
        assert {own for own in classes if f".{own} " not in style and f".{own}," not in style} == set()


def test_style_rules_stay_within_the_picture() -> None:
    """Put into a page, it changes nothing else there: every selector begins with the picture's class."""
    style = parsed(svg(example("article"), Theme.LIGHT)).findtext(f"{SVG}style") or ""
    selectors = [part for rule in style.split("}") if rule.strip() for part in rule.split("{")[0].split(",")]
    assert selectors
    assert all(selector.strip().startswith(".bifilar-fabric ") for selector in selectors)


def test_the_picture_in_the_documents_is_well_formed() -> None:
    pictures = list(PICTURES.glob("*.svg"))
    assert pictures
    for picture in pictures:
        root = parsed(picture.read_text())
        assert root.get("role") == "img"
        assert root.findtext(f"{SVG}title")
