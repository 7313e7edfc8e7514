r"""Pure module: the framing of BIRD's control socket, bytes in, replies out.

A session is a greeting (code 0001) and then, for each command line that the client sends, one reply. A reply is
a sequence of lines::

    1002-kernel1    Kernel     master4    up     11:02:31.480      an entry, and more lines follow
     bgp1       BGP        ---        up     11:02:33.118          the same code again, and more lines follow
    0000                                                           the last line: the outcome

The first digit of a code is its class. A line that starts with ``+`` belongs to no reply: the daemon says
something on its own (log echo, a configuration rolled back). Everything about framing is in this file; what the
text of a line means depends on its code and is read by the other modules.

>>> parser = ReplyParser()
>>> parser.feed(b"0001 BIRD 2.0.12 ready.\n1000-BIRD 2.0.12\n0013 Daemon")
>>> parser.next_event()
Reply(lines=(ReplyLine(code=1, text='BIRD 2.0.12 ready.'),))
>>> parser.next_event() is None
True
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from bifilar.errors import DaemonError

LONGEST_LINE = 65_536
"""Bytes. Lines of BIRD are far shorter; whoever sends more without a line end isn't BIRD, and must not fill memory."""

_CODE_LENGTH = 4


class CodeClass(IntEnum):
    """What a reply code means, by its first digit."""

    DONE = 0
    """The command was carried out."""
    ENTRY = 1
    """A row of a table."""
    HEADING = 2
    """The heading of a table."""
    RUNTIME_ERROR = 8
    """The command was understood and could not be carried out."""
    PARSE_ERROR = 9
    """The command was not understood."""


_CLASSES = frozenset(map(int, CodeClass))


class ReplyLine(NamedTuple):
    """One line of a reply. A named tuple, because a full table is a million of them: quicker to build than a dataclass."""

    code: int
    text: str

    @property
    def code_class(self) -> CodeClass | None:
        """The class of the code; ``None`` for a class that no BIRD of today sends."""
        digit = self.code // 1000
        return CodeClass(digit) if digit in _CLASSES else None


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer: at least one line, the last of which is the outcome."""

    lines: tuple[ReplyLine, ...]

    @property
    def code(self) -> int:
        """Code of the last line: the outcome of the command."""
        return self.lines[-1].code

    @property
    def text(self) -> str:
        """Text of the last line."""
        return self.lines[-1].text

    @property
    def is_error(self) -> bool:
        """Whether the daemon refused the command, in part or in whole."""
        return self.code // 1000 >= CodeClass.RUNTIME_ERROR

    def with_code(self, *codes: int) -> Iterator[str]:
        """Texts of the lines that have one of these codes, in order."""
        return (text for code, text in self.lines if code in codes)


@dataclass(frozen=True, slots=True)
class Printout:
    """What the daemon said on its own, between or inside replies."""

    text: str


class ReplyParser:
    """Cuts a byte stream into replies, however the stream was cut into pieces.

    Feed it bytes as they come, then take events until there is none. A stream that isn't BIRD's raises
    :class:`~bifilar.errors.DaemonError` after the last good event, and again for ever: there is no way to find
    the next reply in it.
    """

    def __init__(self, where: str = "BIRD") -> None:
        """Start before the greeting; ``where`` names the daemon in errors."""
        self._where = where
        self._unfinished = b""
        self._lines: list[ReplyLine] = []
        self._continued_code: int | None = None
        self._events: deque[Reply | Printout] = deque()
        self._error: DaemonError | None = None

    def feed(self, received: bytes) -> None:
        """Take the next bytes of the stream. Never raises: errors come out of :meth:`next_event`."""
        if self._error is not None:
            return
        # Only whole lines are decoded, so a character that is cut by a read is never decoded in halves.
        whole, newline, rest = received.rpartition(b"\n")
        try:
            if newline:
                self._take_lines(self._unfinished + whole)
                self._unfinished = rest
            else:
                self._unfinished += rest
            self._check_length(self._unfinished)
        except DaemonError as error:
            self._error = error

    def feed_eof(self) -> None:
        """Take the end of the stream, which is an error inside a reply."""
        if self._error is None and (self._lines or self._unfinished):
            self._error = DaemonError(
                self._where,
                "the daemon closed the connection in the middle of a reply",
                "see whether it crashed",
            )

    def next_event(self) -> Reply | Printout | None:
        """The next complete reply or printout; ``None`` until more bytes come.

        Raises:
            DaemonError: what came isn't BIRD's protocol, or ended inside a reply.
        """
        if self._events:
            return self._events.popleft()
        if self._error is not None:
            raise self._error
        return None

    def _take_lines(self, whole: bytes) -> None:
        if len(whole) > LONGEST_LINE:
            self._check_lengths(whole)
        code, lines = self._continued_code, self._lines
        # Descriptions are whatever bytes an operator wrote: show what is no UTF-8 instead of failing on it.
        for line in whole.decode("utf-8", "backslashreplace").split("\n"):
            if code is not None and line.startswith(" "):
                lines.append(ReplyLine(code, line[1:]))
            elif line.startswith("+"):
                self._events.append(Printout(line[1:]))
            else:
                started = self._coded(line)
                lines.append(started)
                if line[_CODE_LENGTH] == "-":
                    code = started.code
                else:
                    self._events.append(Reply(tuple(lines)))
                    lines.clear()
                    code = None
        self._continued_code = code

    def _coded(self, line: str) -> ReplyLine:
        digits, separator = line[:_CODE_LENGTH], line[_CODE_LENGTH : _CODE_LENGTH + 1]
        # isdecimal() alone is true for digits of other scripts.
        if (
            len(digits) == _CODE_LENGTH
            and digits.isascii()
            and digits.isdecimal()
            and separator in {"-", " "}
        ):
            return ReplyLine(int(digits), line[_CODE_LENGTH + 1 :])
        raise self._nonsense(line)

    def _check_lengths(self, whole: bytes) -> None:
        """Refuse lines that are too long, after taking those before: as if each had come in a piece of its own."""
        start = 0
        for line in whole.split(b"\n"):
            if len(line) > LONGEST_LINE and start:
                self._take_lines(whole[: start - 1])
            self._check_length(line)
            start += len(line) + 1

    def _check_length(self, line: bytes) -> None:
        if len(line) > LONGEST_LINE:
            raise self._nonsense(line[:80].decode("utf-8", "backslashreplace"))

    def _nonsense(self, line: str) -> DaemonError:
        return DaemonError(
            self._where,
            f"not a line of BIRD's control protocol: {line[:80]!r}",
            "is this the control socket of BIRD 2 or 3?",
        )
