"""Edge module: a client of BIRD's control socket."""

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from bifilar.bird import commands
from bifilar.bird.answers import BfdSession, Memory, Protocol, Status
from bifilar.bird.commands import Direction, RouteQuery, quoted, single_line
from bifilar.bird.protocol import CodeClass, Printout, Reply, ReplyParser
from bifilar.bird.reading.bfd import read_bfd_sessions
from bifilar.bird.reading.protocols import read_protocols
from bifilar.bird.reading.routes import read_routes
from bifilar.bird.reading.status import read_memory, read_status
from bifilar.bird.route import Route
from bifilar.errors import DaemonError

_WELCOME, _IN_PROGRESS, _QUEUED, _SHUTTING_DOWN = 1, 4, 5, 6
_NOT_FOUND, _BAD_CONFIGURATION, _NO_PROTOCOL, _DENIED = 8001, 8002, 8003, 8007
_NO_BFD = "There is no BFD protocol running"
_GREETING = re.compile(r"BIRD (\d+(?:\.\d+)*)\S* ready\.")
_READ_BYTES = 1 << 18
_POLL_S = 0.01
"""Between two looks at whether a reconfiguration has ended; one takes well under a millisecond."""

_HINTS = {
    _BAD_CONFIGURATION: "correct the configuration; the daemon goes on with the one before",
    _NO_PROTOCOL: "see 'show protocols' for the names",
    _DENIED: "the control session is restricted",
}
_OTHER_HINT = "see the daemon's log"
_PARSE_HINT = "this version of BIRD doesn't know the command, or nothing has that name"

Value = TypeVar("Value")
_log = logging.getLogger(__name__)


class BirdClient:
    """One control session. Commands of several tasks are sent one after the other.

    After a command that didn't come to its end (a timeout, a cancelled task, nonsense from the daemon) the session
    is closed, because what comes next on it can't be told apart; connect again.

    >>> async with BirdClient.connect(Path("/run/bird/bird.ctl"), timeout_s=5) as bird:  # doctest: +SKIP
    ...     established = [p.name for p in await bird.bgp() if p.bgp and p.bgp.is_established]
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, where: str, timeout_s: float
    ) -> None:
        """Use :meth:`connect` instead."""
        self._reader = reader
        self._writer = writer
        self._parser = ReplyParser(where)
        self._turn = asyncio.Lock()
        self._abandoned = ""
        self.where = where
        self.timeout_s = timeout_s
        self.version: tuple[int, ...] = ()
        """Of the daemon, from its greeting: ``(2, 0, 12)``."""
        self.printouts: deque[str] = deque(maxlen=1000)
        """The last lines that the daemon said on its own."""

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, path: Path | str, *, timeout_s: float = 10.0, where: str = ""
    ) -> AsyncIterator["BirdClient"]:
        """A session over the control socket at ``path``.

        Args:
            path: of the Unix socket; at most 107 bytes.
            timeout_s: for connecting, and for each command from its first byte to the last byte of its reply.
            where: what errors call the daemon, such as a device's name; the path unless told.

        Raises:
            DaemonError: nobody answers there as BIRD does.
        """
        name = where or str(path)
        try:
            async with asyncio.timeout(timeout_s):
                reader, writer = await asyncio.open_unix_connection(path)
        except (OSError, ValueError) as error:
            raise _cannot_connect(name, Path(path), error) from error
        client = cls(reader, writer, where=name, timeout_s=timeout_s)
        try:
            await client._greet()
            yield client
        finally:
            await client.close()

    async def close(self) -> None:
        """End the session; the daemon runs on."""
        self._abandoned = self._abandoned or "the session was closed"
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError as error:
            # The daemon went first: the session has ended, which is what was wanted.
            _log.debug("%s: closing the control session: %s", self.where, error)

    async def command(self, text: str, *, timeout_s: float | None = None) -> Reply:
        """Send one command line and wait for its reply.

        Args:
            text: the command, without a line end.
            timeout_s: instead of the session's.

        Raises:
            InputError: the text isn't one line.
            DaemonError: the daemon refused it (codes 8xxx and 9xxx), died, or didn't answer in time.
        """
        reply = await self._ask(text, timeout_s)
        if reply.is_error:
            raise self._refusal(reply)
        return reply

    async def status(self) -> Status:
        """``show status``."""
        return self._read(read_status, await self.command("show status"))

    async def memory(self) -> Memory:
        """``show memory``."""
        return self._read(read_memory, await self.command("show memory"))

    async def protocols(self, *, details: bool = False) -> tuple[Protocol, ...]:
        """``show protocols``; with ``details`` the channels and BGP sessions too."""
        return self._read(
            read_protocols, await self.command("show protocols all" if details else "show protocols")
        )

    async def bgp(self) -> tuple[Protocol, ...]:
        """The BGP protocols, with details. A dynamic neighbour that never came up isn't among them."""
        return tuple(protocol for protocol in await self.protocols(details=True) if protocol.bgp is not None)

    async def bfd_sessions(self) -> tuple[BfdSession, ...]:
        """``show bfd sessions``; none if no BFD protocol runs."""
        reply = await self._ask("show bfd sessions")
        if reply.is_error and reply.text == _NO_BFD:
            return ()
        return self._read(read_bfd_sessions, self._accepted(reply))

    async def routes(self, query: RouteQuery = RouteQuery()) -> tuple[Route, ...]:  # noqa: B008 - a frozen value
        """``show route``; none if no network matches.

        Raises:
            InputError: the query can't stand in a command.
            DaemonError: there is no such table or protocol, or the filter expression is wrong.
        """
        reply = await self._ask(query.command())
        if reply.code == _NOT_FOUND:
            return ()
        return self._read(read_routes, self._accepted(reply))

    async def check_configuration(self, path: Path | None = None) -> None:
        """Let the daemon read a configuration (its own file unless told) without using it.

        Raises:
            DaemonError: it is wrong; *what* is ``file:line:column message``.
        """
        await self.command(commands.configure(path, check=True))

    async def configure(
        self, path: Path | None = None, *, soft: bool = False, undo_after_s: int = 0
    ) -> Reply:
        """Put a configuration (its own file unless told) into effect, and wait until it is.

        Args:
            path: of another file.
            soft: don't run routes through changed filters; sessions aren't reset for them either.
            undo_after_s: go back to the configuration before after this many seconds, unless :meth:`confirm` comes.

        Raises:
            DaemonError: it is wrong, and the one before is still in effect; or it didn't take effect in time.
        """
        return await self._reconfigure(commands.configure(path, soft=soft, undo_after_s=undo_after_s))

    async def confirm(self) -> None:
        """Keep the configuration that was to be undone."""
        await self.command("configure confirm")

    async def undo(self) -> Reply:
        """Go back to the configuration before, and wait until it is in effect."""
        return await self._reconfigure("configure undo")

    async def disable(self, protocol: str) -> None:
        """Shut a protocol down, until :meth:`enable`."""
        await self.command(f"disable {quoted(protocol)}")

    async def enable(self, protocol: str) -> None:
        """Start a disabled protocol."""
        await self.command(f"enable {quoted(protocol)}")

    async def restart(self, protocol: str) -> None:
        """Shut a protocol down and start it again."""
        await self.command(f"restart {quoted(protocol)}")

    async def reload(self, protocol: str, direction: Direction = Direction.BOTH) -> None:
        """Run a protocol's routes through its filters again, without a reset."""
        await self.command(commands.reload(protocol, direction, self.version))

    async def shut_down(self) -> None:
        """Have the daemon end itself; it tells its neighbours and withdraws its routes from the kernel."""
        await self.command("down")

    async def _greet(self) -> None:
        async with self._one_exchange(self.timeout_s, "the greeting"):
            greeting = await self._next_reply()
        version = _GREETING.fullmatch(greeting.text)
        if greeting.code != _WELCOME or version is None:
            raise DaemonError(
                self.where,
                f"greets as no BIRD does: {greeting.text[:80]!r}",
                "is this BIRD's control socket?",
            )
        self.version = tuple(map(int, version[1].split(".")))

    async def _ask(self, text: str, timeout_s: float | None = None) -> Reply:
        line = single_line(text)
        async with self._turn:
            if self._abandoned:
                raise DaemonError(
                    self.where, f"the control session is over: {self._abandoned}", "connect again"
                )
            self._drop_late_replies()
            async with self._one_exchange(self.timeout_s if timeout_s is None else timeout_s, repr(line)):
                self._writer.write(f"{line}\n".encode())
                await self._writer.drain()
                return await self._next_reply()

    @asynccontextmanager
    async def _one_exchange(self, timeout_s: float, sent: str) -> AsyncIterator[None]:
        """Abandon the session unless the block comes to its end in time."""
        # True even for a cancelled task: the reply would be taken for that of the next command.
        self._abandoned = f"{sent} was not answered to the end"
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except TimeoutError as error:
            raise DaemonError(
                self.where,
                f"no complete answer to {sent} within {timeout_s:g} s",
                "is the daemon stopped or overloaded?",
            ) from error
        except OSError as error:
            raise DaemonError(
                self.where,
                f"the daemon closed the connection at {sent}: {error.strerror or error}",
                "see whether it still runs",
            ) from error
        self._abandoned = ""

    async def _next_reply(self) -> Reply:
        while True:
            event = self._parser.next_event()
            if isinstance(event, Reply):
                return event
            if isinstance(event, Printout):
                self.printouts.append(event.text)
                continue
            received = await self._reader.read(_READ_BYTES)
            if received:
                self._parser.feed(received)
                continue
            self._parser.feed_eof()
            self._parser.next_event()
            raise DaemonError(
                self.where,
                "the daemon closed the connection instead of answering",
                "see whether it still runs",
            )

    def _drop_late_replies(self) -> None:
        """BIRD 3.3.2 answers some commands twice; the second answer belongs to no command."""
        while (event := self._parser.next_event()) is not None:
            if isinstance(event, Printout):
                self.printouts.append(event.text)
            else:
                _log.warning("%s: dropped a reply that no command asked for: %s", self.where, event.text)

    async def _reconfigure(self, command: str) -> Reply:
        reply = await self.command(command)
        if reply.code == _SHUTTING_DOWN:
            raise DaemonError(self.where, reply.text, "the daemon is ending itself")
        if reply.code in (_IN_PROGRESS, _QUEUED):
            try:
                async with asyncio.timeout(self.timeout_s):
                    while (await self.status()).is_reconfiguring:  # noqa: ASYNC110 - the daemon tells nobody
                        await asyncio.sleep(_POLL_S)
            except TimeoutError as error:
                raise DaemonError(
                    self.where,
                    f"still reconfiguring after {self.timeout_s:g} s",
                    "a protocol that shuts down slowly holds it up: see 'show protocols'",
                ) from error
        return reply

    def _accepted(self, reply: Reply) -> Reply:
        if reply.is_error:
            raise self._refusal(reply)
        return reply

    def _refusal(self, reply: Reply) -> DaemonError:
        parse_error = reply.lines[-1].code_class is CodeClass.PARSE_ERROR
        hint = _PARSE_HINT if parse_error else _HINTS.get(reply.code, _OTHER_HINT)
        return DaemonError(self.where, reply.text, hint)

    def _read(self, reader: Callable[[Reply], Value], reply: Reply) -> Value:
        try:
            return reader(reply)
        except DaemonError as error:
            raise DaemonError(self.where, error.what, error.hint) from error


def _cannot_connect(name: str, path: Path, error: OSError | ValueError) -> DaemonError:
    if isinstance(error, FileNotFoundError):
        return DaemonError(
            name, f"there is no control socket {path}", "is the daemon running, with this socket?"
        )
    if isinstance(error, ConnectionRefusedError):
        return DaemonError(
            name, f"nobody answers at {path}", "the daemon has died and left its socket: start it"
        )
    if isinstance(error, PermissionError):
        return DaemonError(name, f"no permission to use {path}", "be root, or of the daemon's group")
    if isinstance(error, TimeoutError):
        return DaemonError(name, f"nobody accepts the connection to {path}", "is the daemon stopped?")
    return DaemonError(name, f"cannot connect to {path}: {error}", "is this BIRD's control socket?")
