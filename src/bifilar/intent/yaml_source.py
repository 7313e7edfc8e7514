"""Pure module: YAML text -> plain values, and where each of them stands.

Values are built from the parser's *events*, one by one, so that a hostile file is refused while it is read:
nesting is bounded before anything recurses (libyaml's own composer would overflow its stack), an alias is never
expanded, and a file of too many values stops. A file may hold several mistakes; as many as can be told apart are
collected.

Plain scalars follow YAML 1.2's core schema, without floats: ``no``, ``010``, ``1:30`` and ``1_000`` are text here
and not False, 8, 90 and 1000. A field that wants something else then refuses the text, with a hint.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml
from yaml.events import (
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from bifilar.errors import Problem
from bifilar.intent.yaml_syntax import Position, as_problem, control_characters

MAX_DEPTH = 24
"""Sections inside sections; an intent needs five."""

MAX_VALUES = 100_000
"""Keys and values in one file; ``count`` makes any fabric smaller than that."""

Path = tuple[str | int, ...]
"""Keys and indices from the top of the file to a value."""

_KINDS: Mapping[type[Event], str] = {SequenceStartEvent: "a list", MappingStartEvent: "a mapping"}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})")


@dataclass(frozen=True, slots=True)
class Source:
    """What a YAML text says.

    Attributes:
        value: plain dicts, lists, strings, ints, bools and None.
        values: where each value begins, by its path.
        keys: where each key of a mapping begins, by the path of its value.
        problems: what is wrong with the text as YAML.
        broken: paths of the values that ``problems`` are about; ``value`` lacks them, or holds None there.
    """

    value: object
    values: Mapping[Path, Position]
    keys: Mapping[Path, Position]
    problems: tuple[Problem, ...]
    broken: frozenset[Path]

    def value_at(self, path: Path) -> Position:
        """Where the value begins or, if the file does not have it, the nearest section around it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Position(1, 1))

    def key_at(self, path: Path) -> Position:
        """Where the key of a value begins; the value itself in a list."""
        return self.keys.get(path) or self.value_at(path)

    def __contains__(self, path: Path) -> bool:
        """Whether the file has this value."""
        return path in self.values

    def problem(self, path: Path, what: str, hint: str) -> Problem:
        """A problem with the value at that path."""
        return Problem(*self.value_at(path), what, hint)


def related(path: Path, others: Iterable[Path]) -> bool:
    """Whether one of the other paths is this one, around it or inside it."""
    return any(path[: len(other)] == other[: len(path)] for other in others)


def read_yaml(text: str) -> Source:
    """Read a file's text. Never raises: what is wrong is in ``Source.problems``."""
    reader = _Reader(text)
    value = reader.document()
    return Source(value, reader.values, reader.keys, tuple(reader.problems), frozenset(reader.broken))


class _Stop(Exception):  # noqa: N818 - it ends the reading; the error is a Problem
    """The rest of the text cannot be read."""


class _Entry(NamedTuple):
    """A key of a mapping, and where it stands."""

    key: str
    position: Position


@dataclass(slots=True)
class _Reader:
    """Walks the events of one text."""

    text: str
    values: dict[Path, Position] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)
    aliases: list[tuple[Position, str]] = field(default_factory=list)
    events: Iterator[Event] = field(init=False)
    count: int = 0

    def document(self) -> object:
        value = None
        try:
            self._refuse_control_characters()
            self.events = yaml.parse(self.text, Loader=_LOADER)
            value = self._only_document()
        except yaml.MarkedYAMLError as error:
            self.problems.append(as_problem(error, self.text))
            self.broken.add(())
        except _Stop:
            self.broken.add(())
        if self.aliases:
            self._report_aliases()
        return value

    def _refuse_control_characters(self) -> None:
        self.problems += control_characters(self.text)
        if self.problems:
            raise _Stop

    def _only_document(self) -> object:
        event = self._next()
        while isinstance(event, StreamStartEvent):
            event = self._next()
        if isinstance(event, StreamEndEvent):
            self._wrong(
                Position(1, 1), "the file is empty", "start with `name:`; the examples show whole files"
            )
            raise _Stop
        value = self._value((), self._next())
        self._next()  # the document's end
        if isinstance(event := self._next(), DocumentStartEvent):
            what = "a second document starts here; a file holds one intent"
            self._wrong(_position(event), what, "remove this line, or put the rest into a file of its own")
        return value

    def _next(self) -> Event:
        event: Event = next(self.events)
        self.count += isinstance(event, NodeEvent)
        if self.count > MAX_VALUES:
            what = f"the file has more than {MAX_VALUES:,} keys and values"
            self._wrong(_position(event), what, "write one rack with `count` for many that are alike")
            raise _Stop
        return event

    def _value(self, path: Path, event: Event) -> object:
        position = _position(event)
        self.values[path] = position
        if len(path) > MAX_DEPTH:
            what = f"nested more than {MAX_DEPTH} levels deep"
            self._wrong(position, what, "an intent needs five levels; look for brackets that are not closed")
            raise _Stop
        if (tag := getattr(event, "tag", None)) is not None:
            shown = _short(tag.replace("tag:yaml.org,2002:", "!!"))
            what = f"the tag `{shown}`; tags have no meaning in an intent"
            self._wrong(position, what, "remove the tag, keep the value")
            self.broken.add(path)
        match event:
            case ScalarEvent():
                return _plain(event.value) if event.implicit[0] else event.value
            case SequenceStartEvent():
                return self._sequence(path)
            case MappingStartEvent():
                return self._mapping(path)
        self.aliases.append((position, getattr(event, "anchor", "")))
        self.broken.add(path)
        return None

    def _sequence(self, path: Path) -> list[object]:
        values: list[object] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            values.append(self._value((*path, len(values)), event))
        return values

    def _mapping(self, path: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            entry = self._key(path, event)
            if entry is None:
                self._value((*path, "?"), self._next())
                continue
            own = (*path, entry.key)
            if entry.key not in values:
                self.keys[own] = entry.position
                values[entry.key] = self._value(own, self._next())
                continue
            what = f"`{_short(entry.key)}` is given twice here; the first is on line {self.keys[own].line}"
            self._wrong(entry.position, what, "keep one of the two")
            self._value((*path, f"{entry.key} again"), self._next())
        return values

    def _key(self, path: Path, event: Event) -> _Entry | None:
        """The key that an event starts; None, and a problem, if it cannot be one."""
        position = _position(event)
        if not isinstance(event, ScalarEvent):
            template = "; is a template not filled in?" if isinstance(event, MappingStartEvent) else ""
            what = f"{_KINDS.get(type(event), 'an alias')} stands where a key is expected"
            self._wrong(
                position,
                what,
                f"a key is a word, and text that starts with `{{` or `[` needs quotes{template}",
            )
            self._value((*path, "?"), event)
            if path:
                self.broken.add(path)
            return None
        key = _plain(event.value) if event.implicit[0] else event.value
        if event.tag is None and isinstance(key, str) and not (event.implicit[0] and key == "<<"):
            return _Entry(key, position)
        if key == "<<":
            self._wrong(
                position, "`<<` merges nothing here", "write the keys out; racks that are alike have `count`"
            )
        else:
            what = f"the key `{_short(event.value)}` is not text" if event.value else "a value without a key"
            self._wrong(position, what, "a key is a word, such as `racks`")
        return None

    def _wrong(self, position: Position, what: str, hint: str) -> None:
        self.problems.append(Problem(*position, what, hint))

    def _report_aliases(self) -> None:
        """One problem for all of them: a bomb has very many."""
        more = len(self.aliases) - 1
        others = f" ({more} more in this file)" if more else ""
        position, name = self.aliases[0]
        what = f"the alias `*{_short(name)}` repeats another value{others}; an intent has no aliases"
        self._wrong(position, what, "write the value out; racks that are alike have `count`")


def _position(event: Event) -> Position:
    mark: Any = event.start_mark  # typed as optional, and never absent in an event that was parsed
    return Position(mark.line + 1, mark.column + 1)


def _plain(text: str) -> str | int | bool | None:
    """An unquoted scalar's value: YAML 1.2's core schema without floats, hexadecimal and octal."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    return int(text) if _INTEGER.fullmatch(text) else text


def _short(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
