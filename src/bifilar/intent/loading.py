"""Edge module: an intent file -> :class:`Intent`, or every mistake in it at once.

:func:`load_intent` reads the file and is the edge; the rest is pure.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bifilar.errors import InputError, IntentErrors, Problem
from bifilar.intent import yaml_source
from bifilar.intent.checks import check
from bifilar.intent.model import Intent
from bifilar.intent.wording import in_words, keys_of, nearest, path_of, section_at
from bifilar.intent.yaml_source import Source, read_yaml

MAX_BYTES = 1 << 20
"""Largest intent file. A fabric of 10,000 servers is written in two kilobytes."""

MAX_PROBLEMS = 200
"""More than anybody reads at once; the rest is counted."""

_STAND_INS = {"name": "unnamed", "addresses": {}}
"""For required keys that are missing or wrong, so that the rest of the file can still be checked."""


def load_intent(path: Path) -> Intent:
    """Read and check an intent file.

    Raises:
        IntentErrors: with everything that is wrong in the file.
        InputError: if there is no file to read, or it is too large.
    """
    return parse_intent(_text_of(path), str(path))


def parse_intent(text: str, file: str = "<intent>") -> Intent:
    """Check the text of an intent file; ``file`` is what messages call it.

    Raises:
        IntentErrors: with everything that is wrong in it.
    """
    source = read_yaml(text)
    problems = list(source.problems)
    if () in source.broken:
        raise IntentErrors(file, problems)
    if not isinstance(source.value, dict):
        what = "the file is not a mapping of keys"
        raise IntentErrors(file, [*problems, source.problem((), what, "start with `name:` in the first column")])
    intent, errors = _validated(source.value)
    errors = [error for error in errors if not _about(path_of(error, source), source.broken)]
    problems += _unique(in_words(error, source) for error in islice(errors, MAX_PROBLEMS))
    uncertain = set(source.broken).union(*(_uncertain(error, source) for error in errors))
    if intent is None:
        intent, _ = _validated(_without(source.value, uncertain))
    if intent is not None:
        problems += islice(check(intent, source, frozenset(uncertain)), MAX_PROBLEMS)
    if problems or intent is None:
        raise IntentErrors(file, _bounded(problems, len(errors)))
    return intent


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(str(path), "there is no such file", _other_files(path)) from None
    except IsADirectoryError:
        raise InputError(str(path), "this is a directory", "name the intent file in it") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(str(path), f"cannot be read: {reason}", "look at the file's owner and permissions") from None
    if len(content) > MAX_BYTES:
        hint = "is it the right file? Racks that are alike are written once, with `count`"
        raise InputError(str(path), f"is larger than {MAX_BYTES >> 20} MiB; an intent is never so large", hint)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise IntentErrors(str(path), [_not_utf8(content, error.start)]) from None


def _other_files(path: Path) -> str:
    try:
        names = [other.name for other in path.parent.iterdir() if other.suffix in {".yaml", ".yml"}]
    except OSError:  # the directory is missing, too: nothing to suggest
        names = []
    meant = nearest(path.name, names)
    return f"did you mean {path.with_name(meant)}?" if meant else "check the path"


def _not_utf8(content: bytes, offset: int) -> Problem:
    before = content[:offset].removeprefix(b"\xef\xbb\xbf")
    line_start = before.rfind(b"\n") + 1
    column = len(before[line_start:].decode("utf-8", "replace")) + 1
    what = f"the byte 0x{content[offset]:02x} is not UTF-8"
    return Problem(before.count(b"\n") + 1, column, what, "save the file as UTF-8, without accents if in doubt")


def _validated(value: dict[str, object]) -> tuple[Intent | None, list[ErrorDetails]]:
    """Through JSON, whose strict mode reads text as a network or a choice but never as a number."""
    try:
        return Intent.model_validate_json(json.dumps(value), strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _about(path: yaml_source.Path, broken: Iterable[yaml_source.Path]) -> bool:
    """Whether a broken value is this one, around it or inside it."""
    return any(path[: len(other)] == other[: len(path)] for other in broken)


def _unique(problems: Iterable[Problem]) -> Iterator[Problem]:
    """One problem a place: a value of the wrong type may break several rules."""
    seen = set()
    for problem in problems:
        if (place := (problem.line, problem.column)) not in seen:
            seen.add(place)
            yield problem


def _uncertain(error: ErrorDetails, source: Source) -> Iterator[yaml_source.Path]:
    """The paths about which nothing is known because of an error.

    A missing or wrong value's own; behind an unknown key also the key that was probably meant.
    """
    path = path_of(error, source)
    yield path
    if error["type"] == "extra_forbidden":
        section = section_at(path[:-1])
        meant = nearest(str(path[-1]), keys_of(section)) if section else None
        if meant:
            yield (*path[:-1], meant)


def _without(value: dict[str, object], uncertain: Iterable[yaml_source.Path]) -> dict[str, object]:
    """The value without what is uncertain: the key, or the whole list around it."""
    rest: Any = json.loads(json.dumps(value))
    for path in uncertain:
        end = next((index for index, part in enumerate(path) if isinstance(part, int)), len(path))
        section = rest
        for key in path[: end - 1]:
            section = section.get(key) if isinstance(section, dict) else None
        if isinstance(section, dict):
            section.pop(path[end - 1], None)
    return _STAND_INS | rest


def _bounded(problems: list[Problem], errors: int) -> list[Problem]:
    """The first problems of the file, the last of them saying how many more there are."""
    problems = sorted(problems)
    total = max(len(problems), errors)
    if total <= MAX_PROBLEMS:
        return problems
    last = problems[MAX_PROBLEMS - 1]
    what = f"{total - MAX_PROBLEMS + 1} more errors follow"
    return [*problems[: MAX_PROBLEMS - 1], Problem(last.line, last.column, what, "correct those above first")]
