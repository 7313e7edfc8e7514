"""Pure module: the text of an intent file -> :class:`Intent`, or every mistake in it at once.

Three layers find mistakes: YAML itself, single values, and the checks across values. A mistake of one layer does
not hide those of the next: what is wrong is taken out, the rest is looked at, and checks that would have needed
what was taken out are left out.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bifilar.errors import IntentErrors, Problem
from bifilar.intent.checks import check
from bifilar.intent.model import Intent
from bifilar.intent.wording import in_words, keys_of, nearest, path_of, section_at
from bifilar.intent.yaml_source import Path, Source, read_yaml, related

MAX_PROBLEMS = 200
"""More than anybody reads at once; the rest is counted."""

_STAND_INS = {"name": "unnamed", "addresses": {}}
"""For required keys that are missing or wrong, so that the rest of the file can still be checked."""


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
        kind = "a list" if isinstance(source.value, list) else "a single value"
        what = f"the file is {kind}; an intent is keys with values"
        raise IntentErrors(
            file, [*problems, source.problem((), what, "start with `name:` in the first column")]
        )
    intent, errors = _validated(source.value)
    errors = [error for error in errors if not related(path_of(error, source), source.broken)]
    problems += dict.fromkeys(in_words(error, source) for error in errors[:MAX_PROBLEMS])
    if len(errors) <= MAX_PROBLEMS:  # else there is enough to correct before anything is concluded
        uncertain = set(map(_outside_lists, source.broken)).union(
            *(_uncertain(error, source) for error in errors)
        )
        if intent is None:
            intent, _ = _validated(_without(source.value, uncertain))
        if intent is not None:
            problems += islice(check(intent, source, uncertain), MAX_PROBLEMS + 1)
    if problems or intent is None:
        raise IntentErrors(file, _bounded(problems, len(errors[MAX_PROBLEMS:])))
    return intent


def _validated(value: dict[str, object]) -> tuple[Intent | None, list[ErrorDetails]]:
    """Through JSON, whose strict mode reads text as a network or a choice but never as a number."""
    try:
        return Intent.model_validate_json(json.dumps(value), strict=True, by_alias=True, by_name=False), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _uncertain(error: ErrorDetails, source: Source) -> Iterator[Path]:
    """The paths about which nothing is known because of an error.

    A missing or wrong value's own, or the whole list that it stands in; behind an unknown key also the key that
    was probably meant.
    """
    path = path_of(error, source)
    yield _outside_lists(path)
    if error["type"] == "extra_forbidden":
        section = section_at(path[:-1])
        meant = nearest(str(path[-1]), keys_of(section)) if section else None
        if meant:
            yield _outside_lists((*path[:-1], meant))


def _outside_lists(path: Path) -> Path:
    """The path up to the first list on it."""
    return path[: next((index for index, part in enumerate(path) if isinstance(part, int)), len(path))]


def _without(value: dict[str, object], uncertain: Iterable[Path]) -> dict[str, object]:
    """The value without what is uncertain."""
    rest: dict[str, object] = json.loads(json.dumps(value))
    for path in uncertain:
        *sections, last = path
        section: Any = rest
        for key in sections:
            section = section.get(key) if isinstance(section, dict) else None
        if isinstance(section, dict):
            section.pop(last, None)
    return _STAND_INS | rest


def _bounded(problems: list[Problem], unsaid: int) -> list[Problem]:
    """The first problems of the file; the last of them tells how many more there are, ``unsaid`` ones included."""
    if len(problems) + unsaid <= MAX_PROBLEMS:
        return problems
    *told, last = sorted(problems)[:MAX_PROBLEMS]
    what = f"at least {len(problems) - len(told) + unsaid} more errors follow"
    return [*told, Problem(last.line, last.column, what, "correct those above first")]
