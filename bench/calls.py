"""Calls of CNI plugins as a container runtime makes them, timed from posix_spawn to waitpid.

Several at once come from as many processes: within one, Python starts only one program at a time.
"""

import json
import multiprocessing
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from bifilar.kernel import namespaces

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

PLUGINS = Path("/usr/lib/cni")
"""Where Debian's containernetworking-plugins lie."""
INTERFACE = "eth0"

_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Side:
    """One of those that are compared.

    Attributes:
        name: of it.
        host: the network namespace that plays the node.
        program: the plugin.
        configuration: the file that it reads as standard input.
    """

    name: str
    host: Path
    program: Path
    configuration: Path


class Call(NamedTuple):
    """What a runtime tells about one container."""

    container: str
    namespace: Path


class Ended(NamedTuple):
    """How one call ended; times in seconds of the monotonic clock."""

    began: float
    ended: float
    status: int
    output: str

    @property
    def ms(self) -> float:
        """How long it took."""
        return (self.ended - self.began) * 1000


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls that were made one after the other, or several at once."""

    ended: tuple[Ended, ...]

    @property
    def wall_s(self) -> float:
        """From the begin of the first to the end of the last."""
        return max(call.ended for call in self.ended) - min(call.began for call in self.ended)


class FailedCallError(Exception):
    """A plugin said no: then its times are worth nothing."""


class Crew:
    """Processes that make calls. Use as a context manager, before any thread is started."""

    def __init__(self, size: int) -> None:
        self._next = _fork.Value("i", 0)
        self._lines: list[Connection] = []
        self._processes = []
        for _ in range(size):
            ours, theirs = _fork.Pipe()
            # Daemonic: they end with us.
            process = _fork.Process(target=_work, args=(theirs, ours, self._next), daemon=True)
            process.start()
            theirs.close()
            self._lines.append(ours)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines:
            line.close()
        for process in self._processes:
            # Somebody has interrupted us: what is under way is of no use any more.
            process.terminate()
            process.join()

    def run(self, side: Side, verb: str, calls: Sequence[Call], at_once: int) -> Batch:
        """Make calls, never more than ``at_once`` at a time.

        Raises:
            FailedCallError: with what the plugin said.
        """
        lines = self._lines[:at_once]
        for line in lines:
            line.send((side, verb, calls))
        for line in lines:
            line.recv()
        self._next.value = 0
        for line in lines:
            line.send(None)
        batch = Batch(tuple(ended for line in lines for ended in line.recv()))
        for ended in batch.ended:
            if ended.status != 0:
                raise FailedCallError(f"{side.name}: {verb} failed: {ended.output}")
        return batch


def _work(line: Connection, other_end: Connection, following: "Synchronized[int]") -> None:
    """What a process of the crew does until its line is closed."""
    other_end.close()
    output = os.memfd_create("output")
    try:
        while True:
            side, verb, calls = line.recv()
            namespaces.enter(side.host)
            line.send(None)
            line.recv()
            line.send(_take(side, verb, calls, following, output))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        # Whoever gave the orders has ended, or is about to.
        return


def _take(
    side: Side,
    verb: str,
    calls: Sequence[Call],
    following: "Synchronized[int]",
    output: int,
) -> list[Ended]:
    """Make the next call that nobody has made yet, until there is none."""
    found: list[Ended] = []
    while True:
        with following.get_lock():
            place = following.value
            following.value += 1
        if place >= len(calls):
            return found
        found.append(_call(side, verb, calls[place], output))


def _call(side: Side, verb: str, call: Call, output: int) -> Ended:
    environment = {
        "PATH": os.defpath,
        "CNI_COMMAND": verb,
        "CNI_CONTAINERID": call.container,
        "CNI_NETNS": str(call.namespace),
        "CNI_IFNAME": INTERFACE,
        "CNI_PATH": str(PLUGINS),
    }
    os.ftruncate(output, 0)
    os.lseek(output, 0, os.SEEK_SET)
    files = [
        (os.POSIX_SPAWN_OPEN, 0, str(side.configuration), os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, output, 2),
    ]
    began = time.monotonic()
    pid = os.posix_spawn(side.program, [str(side.program)], environment, file_actions=files)
    _, status = os.waitpid(pid, 0)
    ended = time.monotonic()
    code = os.waitstatus_to_exitcode(status)
    said = "" if code == 0 else os.pread(output, 4096, 0).decode(errors="replace")
    return Ended(began, ended, code, said)


def write_configuration(file: Path, content: Mapping[str, object]) -> Path:
    """What a runtime gives a plugin on standard input, as a file."""
    file.write_text(json.dumps(content))
    return file
