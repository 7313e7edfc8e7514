"""Pure module: the command lines that BIRD understands.

Names are quoted, because they may hold what BIRD's language otherwise doesn't allow (``rack0-tor1``), and checked,
because a line end in a name would be a second command.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bifilar.bird.answers import Address
from bifilar.bird.route import Prefix
from bifilar.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
_BIRD3 = 3


class Export(StrEnum):
    """Which of the routes that a protocol could announce are shown."""

    ACCEPTED = "export"
    """Those that its export filter accepts; with ``merge paths`` as merged."""
    OFFERED = "preexport"
    """Those that are offered to its export filter."""
    REJECTED = "noexport"
    """Those that its export filter rejects."""
    SENT = "exported"
    """Those that it has been given, whatever its export filter says of them now; an error unless it is up."""


class Direction(StrEnum):
    """Which routes are run through filters again."""

    BOTH = ""
    IMPORT = "in"
    EXPORT = "out"


@dataclass(frozen=True, slots=True)
class RouteQuery:
    """What ``show route`` is to show; everything in the default tables unless narrowed.

    Attributes:
        table: of this name, or ``all``.
        covering: the best match for an address or prefix.
        within: the networks inside this one, itself included.
        protocol: only what this protocol knows.
        export, exported_to: what is announced to a protocol, or not; see :class:`Export`.
        filtered: only what import filters rejected (and ``import keep filtered`` kept).
        primary: only the selected route of each network.
        all_attributes: with the attributes.
        where: an expression of BIRD's filter language, such as ``source = RTS_BGP``.
    """

    table: str = ""
    covering: Address | Prefix | None = None
    within: Prefix | None = None
    protocol: str = ""
    export: Export = Export.ACCEPTED
    exported_to: str = ""
    filtered: bool = False
    primary: bool = False
    all_attributes: bool = False
    where: str = ""

    def command(self) -> str:
        """The command line.

        Raises:
            InputError: a name or the expression can't stand in a command.
        """
        words = ["show", "route"]
        if self.covering is not None:
            words += ["for", str(self.covering)]
        if self.within is not None:
            words += ["in", str(self.within)]
        if self.table:
            words += ["table", "all" if self.table == "all" else quoted(self.table)]
        if self.exported_to:
            words += [self.export.value, quoted(self.exported_to)]
        if self.protocol:
            words += ["protocol", quoted(self.protocol)]
        flags = {"filtered": self.filtered, "primary": self.primary, "all": self.all_attributes}
        words += [flag for flag, wanted in flags.items() if wanted]
        if self.where:
            words += ["where", single_line(self.where)]
        return " ".join(words)


def quoted(name: str) -> str:
    """The name of a protocol or table, as it may stand in a command."""
    if not _NAME.fullmatch(name):
        raise InputError(
            repr(name), "no name of a BIRD protocol or table", "letters, digits and _ . : - only"
        )
    return f"'{name}'"


def single_line(text: str) -> str:
    """The text, if it is one line."""
    if not text.isprintable():
        raise InputError(
            repr(text), "a command of BIRD is one line of printable text", "send one command at a time"
        )
    return text


def configure(
    path: Path | None = None, *, check: bool = False, soft: bool = False, undo_after_s: int = 0
) -> str:
    """Read the configuration again, from ``path`` if one is given (the daemon's own path rules)."""
    words = ["configure"]
    words += ["check"] if check else ["soft"] if soft else []
    if path is not None:
        if '"' in str(path):
            raise InputError(str(path), "BIRD can't read a path with a quotation mark", "rename the file")
        words.append(f'"{single_line(str(path))}"')
    if undo_after_s:
        words += ["timeout", str(undo_after_s)]
    return " ".join(words)


def reload(protocol: str, direction: Direction, version: tuple[int, ...]) -> str:
    """Run routes through the filters again. BIRD 3 has a new word for it.

    Its other form, ``reload bgp``, answers one command with two replies in 3.3.2, so it isn't used.
    """
    words = ["reload", "filters"] if version >= (_BIRD3,) else ["reload"]
    words += [direction.value] if direction.value else []
    return " ".join([*words, quoted(protocol)])
