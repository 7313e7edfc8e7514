"""``show``: the contract of its JSON document, its tables, its picture."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

Bifilar = Callable[..., Any]
Golden = Callable[[str, str], None]

EXAMPLES = ["article", "neco", "as-per-server", "dual-stack", "ipv6-only", "unnumbered", "five-stage"]


def test_the_document_is_the_contract(bifilar: Bifilar, golden: Golden) -> None:
    answer = bifilar("show", "examples/article.yaml", "--json")
    assert (answer.status, answer.err) == (0, "")
    golden("show-article.json", answer.out)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_document_hangs_together(example: str, bifilar: Bifilar) -> None:
    document = json.loads(bifilar("show", f"examples/{example}.yaml", "--json").out)
    interfaces = {
        (device["name"], one["name"]) for device in document["devices"] for one in device["interfaces"]
    }
    ends = [(end["device"], end["interface"]) for link in document["links"] for end in (link["a"], link["b"])]
    assert len(ends) == len(set(ends))
    assert set(ends) <= interfaces
    sides = {(one["device"], one["peer"], one["local_as"], one["remote_as"]) for one in document["sessions"]}
    assert sides == {(peer, device, remote, local) for device, peer, local, remote in sides}
    assert all(
        (one["local_as"] == one["remote_as"]) == (one["kind"] == "ibgp") for one in document["sessions"]
    )


def test_tables_name_every_device_and_session(bifilar: Bifilar, golden: Golden) -> None:
    answer = bifilar("show", "examples/article.yaml")
    assert answer.status == 0
    golden("show-article.txt", answer.out)


def test_one_device(bifilar: Bifilar, golden: Golden) -> None:
    answer = bifilar("show", "examples/article.yaml", "--device", "rack1-tor2")
    assert answer.status == 0
    golden("show-one-device.txt", answer.out)


def test_a_device_that_is_not_there(bifilar: Bifilar) -> None:
    answer = bifilar("show", "examples/article.yaml", "--device", "rack1-tor3")
    assert answer.status == 2
    assert "did you mean rack1-tor2?" in answer.err


def test_a_picture_is_drawn_into_a_new_directory(bifilar: Bifilar, tmp_path: Path) -> None:
    picture = tmp_path / "new" / "article.svg"
    answer = bifilar("show", "examples/article.yaml", "--svg", picture)
    assert (answer.status, answer.out) == (0, "")
    text = " ".join(ET.parse(picture).getroot().itertext())  # noqa: S314 - our own file
    assert "rack0-tor1" in text or "tor1" in text
    assert [one.name for one in picture.parent.iterdir()] == ["article.svg"]
