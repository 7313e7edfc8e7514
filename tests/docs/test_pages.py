"""What the documentation says of the program is so."""

import json
import re
from pathlib import Path

import pytest
import yaml

from bifilar.cli.document import document_of
from bifilar.fabric import Fabric, design
from bifilar.intent import load_intent, parse_intent
from bifilar.render.picture import svg
from bifilar.verify import CHECKS, DISRUPTIVE
from docs import documents

_LINK = re.compile(r"\]\((?!https?:)(?P<target>[^)#\s]+)[^)]*\)")
_ARTICLE = documents.CHECKOUT / "examples" / "article.yaml"


def _article() -> Fabric:
    return design(load_intent(_ARTICLE))


@pytest.mark.parametrize("page", documents.PAGES, ids=lambda page: str(page.relative_to(documents.CHECKOUT)))
def test_links_lead_somewhere(page: Path) -> None:
    targets = [found["target"] for found in _LINK.finditer(page.read_text(encoding="utf-8"))]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_page_is_in_the_index() -> None:
    index = (documents.CHECKOUT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.relative_to(documents.CHECKOUT / "docs") for page in documents.PAGES[1:]} - {
        Path("README.md")
    }
    assert [str(page) for page in sorted(pages) if f"({page})" not in index] == []


def test_the_intent_of_the_readme_is_the_example() -> None:
    [shown] = documents.blocks(documents.CHECKOUT / "README.md", "yaml")
    assert yaml.safe_load(shown.text) == yaml.safe_load(_ARTICLE.read_text(encoding="utf-8"))
    assert design(parse_intent(shown.text)) == _article()


def test_the_picture_of_the_readme_is_what_the_program_draws() -> None:
    """Drawn anew by ``bifilar show examples/article.yaml --svg docs/pictures/article.svg``."""
    drawn = documents.CHECKOUT / "docs" / "pictures" / "article.svg"
    assert drawn.read_text(encoding="utf-8") == svg(_article())


def test_the_reference_describes_every_check_in_order() -> None:
    page = (documents.CHECKOUT / "docs" / "reference" / "checks.md").read_text(encoding="utf-8")
    assert tuple(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) == (*CHECKS, *DISRUPTIVE)


def test_the_fabric_in_the_json_reference_is_the_articles() -> None:
    """Each device, interface, link and session shown is one that ``show --json`` prints."""
    page = documents.CHECKOUT / "docs" / "reference" / "json.md"
    [shown] = [
        document
        for block in documents.blocks(page, "json")
        if "devices" in (document := json.loads(block.text))
    ]
    printed = json.loads(json.dumps(document_of(_article())))
    assert shown.keys() == printed.keys()
    assert all(link in printed["links"] for link in shown["links"])
    assert all(session in printed["sessions"] for session in shown["sessions"])
    for device in shown["devices"]:
        [same] = [other for other in printed["devices"] if other["name"] == device["name"]]
        assert device.keys() == same.keys()
        assert all(interface in same["interfaces"] for interface in device.pop("interfaces"))
        assert device == {key: value for key, value in same.items() if key != "interfaces"}
