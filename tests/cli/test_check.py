"""``check``: what the fabric will be, or everything that is wrong with its file."""

import json
from collections.abc import Callable
from typing import Any

import pytest

Bifilar = Callable[..., Any]
Golden = Callable[[str, str], None]


@pytest.mark.parametrize("example", ["article", "five-stage", "dual-stack", "scale-300"])
def test_says_what_the_fabric_will_be(example: str, bifilar: Bifilar, golden: Golden) -> None:
    answer = bifilar("check", f"examples/{example}.yaml")
    assert (answer.status, answer.err) == (0, "")
    golden(f"check-{example}.txt", answer.out)


def test_says_it_as_json(bifilar: Bifilar, golden: Golden) -> None:
    answer = bifilar("check", "examples/article.yaml", "--json")
    assert answer.status == 0
    assert json.loads(answer.out)["devices"] == 12
    golden("check-article.json", answer.out)


def test_every_error_is_told_with_its_place_and_a_hint(bifilar: Bifilar, golden: Golden) -> None:
    answer = bifilar("check", "tests/cli/wrong/three-errors.yaml")
    assert (answer.status, answer.out) == (2, "")
    golden("wrong-three-errors.txt", answer.err)


def test_every_error_is_told_as_json(bifilar: Bifilar, golden: Golden) -> None:
    answer = bifilar("check", "tests/cli/wrong/three-errors.yaml", "--json")
    assert answer.status == 2
    document = json.loads(answer.out)
    assert document["error"]["where"] == document["errors"][0]["where"]
    golden("wrong-three-errors.json", answer.out)


def test_a_file_that_is_not_there(bifilar: Bifilar) -> None:
    answer = bifilar("check", "examples/articel.yaml")
    assert answer.status == 2
    assert (
        answer.err
        == "examples/articel.yaml: there is no such file\nhint: did you mean examples/article.yaml?\n"
    )
