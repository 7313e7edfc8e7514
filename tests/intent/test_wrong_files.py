"""A corpus of wrong files, one idea each: what the operator is told stands in the ``.txt`` beside each."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bifilar.errors import IntentErrors
from bifilar.intent import parse_intent

WRONG = sorted((Path(__file__).parent / "wrong").glob("*.yaml"))


def _read(path: Path) -> str:
    with path.open(encoding="utf-8", newline="") as file:
        return file.read()


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_message(path: Path, golden: Callable[[Path, str], None]) -> None:
    with pytest.raises(IntentErrors) as refused:
        parse_intent(_read(path), path.name)
    golden(path.with_suffix(".txt"), f"{refused.value}\n")


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_every_problem_has_a_place_in_the_file_and_a_hint(path: Path) -> None:
    text = _read(path)
    lines = re.split(r"\r\n|\r|\n", text)
    with pytest.raises(IntentErrors) as refused:
        parse_intent(text)
    for problem in refused.value.problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert problem.what
        assert problem.hint


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_no_jargon_of_libraries(path: Path) -> None:
    told = path.with_suffix(".txt").read_text(encoding="utf-8").lower()
    for word in (
        "pydantic",
        "https://",
        "input should",
        "valid integer",
        "token",
        "block end",
        "traceback",
        "none",
    ):
        assert word not in told


def test_the_corpus_is_large() -> None:
    assert len(WRONG) >= 65


def test_no_golden_message_without_its_file() -> None:
    golden = {path.stem for path in (Path(__file__).parent / "wrong").glob("*.txt")}
    assert golden == {path.stem for path in WRONG}
