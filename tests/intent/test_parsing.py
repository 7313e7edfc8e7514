"""Properties of reading an intent as a whole; the messages stand in the corpus of wrong files."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bifilar.errors import IntentErrors
from bifilar.intent import parse_intent
from bifilar.intent.parsing import MAX_PROBLEMS

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
TEXTS = [path.read_text(encoding="utf-8") for path in EXAMPLES]
SMALL = """\
name: fabric
addresses: {servers: 10.69.0.0/20, spine-tor: 10.72.1.0/24}
spines: 2
racks:
  - {number: 0, servers: 3}
"""


def problems_of(text: str) -> tuple[tuple[int, int, str], ...]:
    with pytest.raises(IntentErrors) as refused:
        parse_intent(text)
    return tuple((problem.line, problem.column, problem.what) for problem in refused.value.problems)


def assert_only_intent_errors(text: str) -> None:
    """Either an intent, or problems that each have a place in the file."""
    try:
        parse_intent(text)
    except IntentErrors as errors:
        problems = errors.problems
    else:
        return
    lines = re.split(r"\r\n|\r|\n", text)
    assert problems
    for problem in problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.what
        assert problem.hint


def test_defaults() -> None:
    intent = parse_intent(SMALL)
    assert intent.asn.base == 64600
    assert intent.bfd.interval_ms == 400
    assert intent.bird_version == "2"


def test_json_is_yaml() -> None:
    assert parse_intent(
        json.dumps(parse_intent(SMALL).model_dump(mode="json", by_alias=True))
    ) == parse_intent(SMALL)


@pytest.mark.parametrize("written", ["3", '"3"', "'3'"])
def test_the_version_of_bird_may_be_a_number(written: str) -> None:
    assert parse_intent(f"{SMALL}bird-version: {written}\n").bird_version == "3"


def test_line_endings_of_other_systems() -> None:
    assert parse_intent(SMALL.replace("\n", "\r\n")) == parse_intent(SMALL)


def test_the_file_is_named() -> None:
    with pytest.raises(IntentErrors, match=r"^lab/one\.yaml:1:1: the file is empty"):
        parse_intent("", "lab/one.yaml")


def test_a_mistake_in_one_layer_does_not_hide_the_next() -> None:
    """A duplicate key, a value of the wrong type and an overlap, in one answer."""
    text = SMALL.replace("10.72.1.0/24", "10.69.1.0/24") + "mtu: big\nmtu: 1500\n"
    assert [(line, column) for line, column, _ in problems_of(text)] == [(2, 47), (6, 6), (7, 1)]


def test_what_follows_from_a_mistake_is_not_told() -> None:
    """No spines because of a typing error is one problem, not two."""
    assert len(problems_of(SMALL.replace("spines:", "spine:"))) == 1
    assert len(problems_of(SMALL.replace("spines: 2", "spines: two"))) == 1
    assert len(problems_of(SMALL.replace("10.69.0.0/20", "10.69.0.1/20"))) == 1


def test_two_problems_in_one_place_are_both_told() -> None:
    assert [what for _, _, what in problems_of("wrong: 1\nspines: 2\nracks: [{number: 0, boot: 1}]\n")] == [
        "the key `addresses` is missing in the file",
        "the key `name` is missing in the file",
        "unknown key `wrong` at the top of the file",
    ]


def test_very_many_errors_are_counted() -> None:
    found = problems_of(f"{SMALL}devices:\n" + "".join(f"  x{n}: {{wrong: 1}}\n" for n in range(1_000)))
    assert len(found) == MAX_PROBLEMS
    assert found[-1][2] == "at least 801 more errors follow"


def test_very_many_racks_that_are_not_racks() -> None:
    found = problems_of(f"{SMALL.partition('racks:')[0]}racks: [{'1,' * 90_000}]\n")
    assert len(found) == MAX_PROBLEMS
    assert found[-1][2].endswith("more errors follow")


@given(st.text())
def test_any_text(text: str) -> None:
    assert_only_intent_errors(text)


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    assert_only_intent_errors(content.decode("latin-1"))


@settings(max_examples=300)
@given(st.data())
def test_mutated_examples(data: st.DataObject) -> None:
    """Cut, repeat and insert, as an editor's slips do."""
    text = data.draw(st.sampled_from(TEXTS))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 30)))
        piece = data.draw(
            st.sampled_from(
                [
                    "",
                    text[start:end] * 2,
                    "\t",
                    "\n",
                    "  ",
                    ": ",
                    "- ",
                    "{",
                    "}",
                    "[",
                    "'",
                    "&a ",
                    "*a",
                    "!x ",
                ]
            )
            | st.sampled_from(
                ["0", "-1", "99999999999", "no", "~", "1.5", "/33", "10.0.0.0/8", "::/0", "é", "\x00"]
            )
        )
        text = text[:start] + piece + text[end:]
    assert_only_intent_errors(text)


SMALL_AS_JSON = parse_intent(SMALL).model_dump_json(by_alias=True)
KEYS = sorted(
    {key for text in TEXTS for key in re.findall(r"[a-z][a-z0-9-]*(?=:)", text)}
    | {"devices", "links", "nics"}
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.sampled_from(
        [
            "",
            "10.0.0.0/8",
            "10.69.0.0/20",
            "fd00::/48",
            "rack",
            "server",
            "unnumbered",
            "eth0",
            "x" * 99,
            "{what}",
            "%s",
        ]
    )
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8))
def test_any_values_under_known_keys(values: dict[str, Any]) -> None:
    assert_only_intent_errors(json.dumps(json.loads(SMALL_AS_JSON) | values))


@settings(max_examples=100)
@given(
    st.integers(0, 70_000),
    st.integers(0, 70_000),
    st.integers(0, 5_000),
    st.integers(3, 12),
    st.integers(0, 32),
    st.integers(0, 32),
)
def test_any_sizes(number: int, count: int, servers: int, bits: int, held: int, links: int) -> None:
    """Absurd counts are refused without being expanded."""
    text = (
        f"name: fabric\naddresses: {{servers: 10.0.0.0/{held}, spine-tor: 192.0.0.0/{links}, network-bits: {bits}}}\n"
        f"spines: 2\nracks:\n  - {{number: {number}, count: {count}, servers: {servers}}}\n"
    )
    assert_only_intent_errors(text)


def test_an_intent_is_frozen() -> None:
    intent = parse_intent(SMALL)
    with pytest.raises(ValueError, match="frozen"):
        intent.cores = 3
