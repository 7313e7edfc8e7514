"""Pure module: what is wrong with a text that is not YAML, in an operator's words.

The parser speaks of tokens and block ends; the table below says what was most likely typed.
"""

import re
from typing import NamedTuple

import yaml

from bifilar.errors import Problem

MAX_CONTROL_CHARACTERS = 20
"""A binary file has thousands; nobody reads more than these."""


class Position(NamedTuple):
    """A place in a file; both count from 1, as editors do."""

    line: int
    column: int


# Left: what libyaml or PyYAML's own scanner say. Right: what happened, and what to do.
_CAUSES = (
    (
        "mapping values are not allowed",
        "a `:` that cannot stand here",
        "one `key: value` a line, keys of one section in one column; quote a text that has a colon and a space",
    ),
    (
        "unexpected end of stream",
        "a quote is opened here and never closed",
        "close it with the same quote",
    ),
    (
        "did not find expected ',' or",
        "the bracket opened on line {line} is neither closed nor continued here",
        "put a comma between its parts, or close it with `]` or `}`",
    ),
    (
        "expected ',' or",
        "the bracket opened on line {line} is neither closed nor continued here",
        "put a comma between its parts, or close it with `]` or `}`",
    ),
    (
        "node content",
        "a value is missing here",
        "finish the list or mapping that is open: close it with `]` or `}`",
    ),
    (
        "expected '-' indicator",
        "this does not continue the list that starts on line {line}",
        "start it with `-`, or give it the indentation of the section that it belongs to",
    ),
    (
        "sequence entries are not allowed",
        "a list cannot start here",
        "put `-` on a line of its own below the key",
    ),
    (
        "expected key",
        "this does not continue the section that starts on line {line}",
        "keys of one section start in the same column; quote a text that has special characters",
    ),
    (
        "expected <block end>",
        "this does not continue the section that starts on line {line}",
        "keys of one section start in the same column; quote a text that has special characters",
    ),
    (
        "could not find expected ':'",
        "a `:` is missing after this key",
        "write `key: value`",
    ),
    (
        "document start",
        "this does not belong to what stands above it",
        "a file is one mapping whose keys all start in the first column",
    ),
    (
        "unknown escape character",
        "a backslash that means nothing in double quotes",
        "use single quotes, or write the backslash twice",
    ),
    (
        "cannot start any token",
        "a value cannot start with this character",
        "put the value in quotes",
    ),
)

_INDENTED_BY_TAB = re.compile(r" *\t\s*\S")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# YAML's printable characters, less those that YAML counts as line breaks and editors do not.
_CONTROL = re.compile(
    r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def lines_of(text: str) -> list[str]:
    """The lines that the parser counts; a line break at the end starts no further line."""
    lines = _LINE_BREAK.split(text)
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def control_characters(text: str) -> list[Problem]:
    """A problem for each of the first characters that YAML does not allow at all."""
    problems: list[Problem] = []
    for match in _CONTROL.finditer(text):
        before = lines_of(text[: match.start()] + "x")
        what = f"the character U+{ord(match.group()):04X}, which a text file does not have"
        problems.append(
            Problem(len(before), len(before[-1]), what, "delete it; it may be invisible in your editor")
        )
        if len(problems) == MAX_CONTROL_CHARACTERS:
            break
    return problems


def as_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    """What the parser met."""
    lines = lines_of(text)
    found = error.problem or ""
    mark = error.problem_mark or error.context_mark
    if "unexpected end of stream" in found:
        mark = error.context_mark or mark  # the opening quote says more than the end of the file
    position = _inside(lines, mark.line, mark.column) if mark else Position(1, 1)
    if tabbed := [number for number, line in enumerate(lines, 1) if _INDENTED_BY_TAB.match(line)]:
        nearest = min(tabbed, key=lambda number: abs(number - position.line))
        if abs(nearest - position.line) <= 1:
            column = lines[nearest - 1].index("\t") + 1
            others = f" (and {len(tabbed) - 1} more)" if len(tabbed) > 1 else ""
            return Problem(
                nearest, column, f"a tab indents this line{others}", "indent with spaces; YAML allows no tabs"
            )
    for said, what, hint in _CAUSES:
        if said in found:
            opened = (error.context_mark or mark).line + 1 if mark else 1
            return Problem(*position, what.format(line=opened), hint)
    return Problem(*position, f"not YAML: {found or 'unreadable'}", "look at this line and the one above it")


def _inside(lines: list[str], line: int, column: int) -> Position:
    """The mark (from 0) as a position in the file; the parser puts the end of the file one line too far."""
    if line >= len(lines):
        return Position(len(lines), len(lines[-1]) + 1)
    return Position(line + 1, min(column, len(lines[line])) + 1)
