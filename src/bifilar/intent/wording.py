"""Pure module: what is wrong with one value, in an operator's words instead of the validator's."""

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bifilar.errors import Problem
from bifilar.intent.model import Intent
from bifilar.intent.networks import NETWORK_ERROR
from bifilar.intent.yaml_source import Path, Source

_NUMBER_SPELLINGS = (
    # Text that is nearly a number; some of it YAML's versions read differently.
    (re.compile(r"[-+]?0[0-9]+"), "write it without the leading zero; YAML's versions disagree on `{0}`"),
    (re.compile(r"[-+]?0[xob][0-9a-fA-F_]+"), "write it in decimal"),
    (re.compile(r"[0-9]+(_[0-9]+)+"), "write it without `_`"),
    (re.compile(r"[0-9]{1,3}(,[0-9]{3})+"), "write it without commas"),
    (re.compile(r"[0-9]+(:[0-5]?[0-9])+"), "write one number, in the unit that the key names"),
    (re.compile(r"[-+]?[0-9]+"), "remove the quotes: they make it text"),
    (re.compile(r"[0-9]+ ?[a-zA-Z]+"), "write the number alone; the key names the unit"),
)
_BOOLEAN_SPELLINGS = (
    (re.compile(r"(?i)y|yes|on"), "write `true`; YAML's versions disagree on `{0}`"),
    (re.compile(r"(?i)n|no|off"), "write `false`; YAML's versions disagree on `{0}`"),
    (re.compile(r"(?i)true|false"), "remove the quotes: they make it text"),
)
_QUOTED = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})|true|false")
"""Text that would not be text without quotes."""
_PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "name": "1 to 31 lower-case letters, digits and hyphens, a letter first and no hyphen last",
        "nics": "1 to 15 letters, digits, `_`, `.` and `-`, a letter first, as Linux names interfaces",
    }
)


def spelled(path: Path) -> str:
    """A path as people write it: ``racks[0].servers``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the file"


def path_of(error: ErrorDetails, source: Source) -> Path:
    """The path, in the file, of the value (or the missing or unknown key) that an error is about."""
    path = tuple(error["loc"])
    if error["type"] == "missing":
        return path
    while path and path not in source:
        path = path[:-1]
    return path


def section_at(path: Path) -> type[BaseModel] | None:
    """The section of the file format at a path; None where there is no section."""
    section: type[BaseModel] | None = Intent
    names_follow = False  # the next part is a device's name, not a key
    for part in path:
        if isinstance(part, int) or names_follow:
            names_follow = False
            continue
        field = _field(section, part) if section else None
        if field is None:
            return None
        section = _section_in(field.annotation)
        names_follow = get_origin(field.annotation) is dict
    return section


def keys_of(section: type[BaseModel]) -> list[str]:
    """The keys of a section, in the order of the format."""
    return [field.alias or name for name, field in section.model_fields.items()]


def nearest(wrong: str, right: list[str]) -> str | None:
    """The right word that was most likely meant."""
    found = get_close_matches(wrong.lower().replace("_", "-"), right, n=1, cutoff=0.6)
    return found[0] if found else None


def in_words(error: ErrorDetails, source: Source) -> Problem:
    """The problem that a validator's error is."""
    path = path_of(error, source)
    match error["type"]:
        case "missing" if isinstance(path[-1], str):
            return _missing(path, source)
        case "missing":  # the second part of a pair
            have = len(error["input"])
            what = f"`{spelled(path[:-1])}` has {have or 'no'} part{'s' * (have != 1)}; 2 are needed"
            return source.problem(path[:-1], what, "write two, as `[a, b]`")
        case "extra_forbidden":
            return _unknown_key(path, source)
        case kind if kind == NETWORK_ERROR:
            context = error["ctx"]
            return source.problem(path, f"`{spelled(path)}` {context['what']}", context["hint"])
    what, hint = _value(error, path)
    return source.problem(path, f"`{spelled(path)}` {what}", hint)


def _missing(path: Path, source: Source) -> Problem:
    *section, key = path
    inside = f"in `{spelled(tuple(section))}`" if section else "in the file"
    field = _field(section_at(tuple(section)) or Intent, key)
    description = field.description if field and field.description else ""
    return source.problem(
        tuple(section), f"the key `{key}` is missing {inside}", f"add `{key}`: {description}"
    )


def _unknown_key(path: Path, source: Source) -> Problem:
    *section, key = path
    inside = f"in `{spelled(tuple(section))}`" if section else "at the top of the file"
    allowed = keys_of(section_at(tuple(section)) or Intent)
    meant = nearest(str(key), allowed)
    suggestion = f"did you mean `{meant}`? " if meant else ""
    if home := _home(str(key)):
        suggestion += f"`{key}` belongs {home}. "
    hint = f"{suggestion}Keys allowed here: {', '.join(allowed)}"
    return Problem(*source.key_at(path), f"unknown key `{_short(key)}` {inside}", hint)


def _home(key: str) -> str:
    """Where a key that is unknown in one section does stand; empty if nowhere."""
    if key in keys_of(Intent):
        return "at the top of the file"
    sections = ((name, section_at((name,))) for name in keys_of(Intent))
    home = next((name for name, section in sections if section and key in keys_of(section)), None)
    return f"in `{home}`" if home else ""


class _Wrong(NamedTuple):
    """One value that does not fit."""

    path: Path
    written: object
    context: Mapping[str, Any]


_Words = tuple[str, str]
"""What follows the value's name, and the hint."""


def _out_of_range(wrong: _Wrong) -> _Words:
    context = wrong.context
    side = f"the least is {context['ge']}" if "ge" in context else f"the most is {context['le']}"
    return f"is {wrong.written}; {side}", _bounds(wrong.path) or f"write a number of which {side}"


def _no_number(wrong: _Wrong) -> _Words:
    hint = _spelling(wrong.written, _NUMBER_SPELLINGS) or _bounds(wrong.path) or "write a whole number"
    return f"is {_shown(wrong.written)}; a whole number is needed", hint


def _no_boolean(wrong: _Wrong) -> _Words:
    hint = _spelling(wrong.written, _BOOLEAN_SPELLINGS) or "write `true` or `false`"
    return f"is {_shown(wrong.written)}; `true` or `false` is needed", hint


def _no_text(wrong: _Wrong) -> _Words:
    return f"is {_shown(wrong.written)}; a word is needed", "put it in quotes if it is meant as a word"


def _no_name(wrong: _Wrong) -> _Words:
    rule = _PATTERNS[next(part for part in reversed(wrong.path) if isinstance(part, str))]
    return f"is {_shown(wrong.written)}, which is no name that is allowed here", f"a name is {rule}"


def _no_choice(wrong: _Wrong) -> _Words:
    allowed = re.findall(r"'([^']*)'", wrong.context["expected"])
    meant = nearest(wrong.written, allowed) if isinstance(wrong.written, str) else None
    choices = " or ".join(f"`{word}`" for word in allowed)
    hint = f"did you mean `{meant}`?" if meant else f"write {choices}"
    return f"is {_shown(wrong.written)}; it can be {choices}", hint


def _no_list(wrong: _Wrong) -> _Words:
    hint = "write `[a, b]`, or a line that starts with `-` for each part"
    return f"is {_shown(wrong.written)}; a list is needed", hint


def _no_section(wrong: _Wrong) -> _Words:
    section = section_at(wrong.path)
    hint = f"its keys are {', '.join(keys_of(section))}" if section else "write `key: value` lines below it"
    return f"is {_shown(wrong.written)}; a section with keys is needed", hint


def _wrong_length(wrong: _Wrong) -> _Words:
    have = wrong.context["actual_length"]
    if most := wrong.context.get("max_length"):
        return f"has {have} parts; {most} are needed", f"remove all but {most}"
    least = wrong.context.get("min_length", 1)
    return f"has {have or 'no'} parts; at least {least} is needed", f"write {least} or more"


_WORDS: Mapping[str, Callable[[_Wrong], _Words]] = MappingProxyType(
    {
        "greater_than_equal": _out_of_range,
        "less_than_equal": _out_of_range,
        "int_type": _no_number,
        "bool_type": _no_boolean,
        "string_type": _no_text,
        "string_pattern_mismatch": _no_name,
        "enum": _no_choice,
        "literal_error": _no_choice,
        "tuple_type": _no_list,
        "model_type": _no_section,
        "dict_type": _no_section,
        "too_short": _wrong_length,
        "too_long": _wrong_length,
    }
)


def _value(error: ErrorDetails, path: Path) -> _Words:
    wrong = _Wrong(path, error["input"], error.get("ctx", {}))
    if words := _WORDS.get(error["type"]):
        return words(wrong)
    return f"is {_shown(wrong.written)}, which does not fit here", "see the reference of the intent file"


def _bounds(path: Path) -> str:
    """What numbers a field takes, from its declaration; empty if that does not say."""
    section = section_at(path[:-1])
    field = _field(section, path[-1]) if section and path else None
    if field is None:
        return ""
    least = next((bound.ge for bound in field.metadata if hasattr(bound, "ge")), None)
    most = next((bound.le for bound in field.metadata if hasattr(bound, "le")), None)
    return f"write a whole number from {least} to {most}" if least is not None and most is not None else ""


def _spelling(written: object, spellings: Iterable[tuple[re.Pattern[str], str]]) -> str:
    """The hint for a text that is nearly a number or a boolean."""
    if isinstance(written, str):
        for pattern, hint in spellings:
            if pattern.fullmatch(written):
                return hint.format(written)
    return ""


def _shown(written: object) -> str:
    match written:
        case None:
            return "empty"
        case bool():
            return f"`{str(written).lower()}`"
        case dict():
            return "a section"
        case list():
            return "a list"
        case str() if _QUOTED.fullmatch(written):
            return f'`"{written}"`'
    return f"`{_short(written)}`"


def _short(written: object, limit: int = 40) -> str:
    text = str(written)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _field(section: type[BaseModel], key: str | int) -> FieldInfo | None:
    return section.model_fields.get(str(key).replace("-", "_"))


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """The section class inside an annotation such as ``tuple[Rack, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)
