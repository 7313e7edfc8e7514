"""Edge module: the Unix socket on which the plugin asks the agent.

A request is the plugin's environment and standard input, the answer what it is to print and its exit status::

    request   CNI_COMMAND=ADD NUL CNI_IFNAME=eth0 NUL ... NUL NUL  the network configuration, to the end
    answer    one byte, "0" or "1", then what belongs on standard output, to the end
"""

import fcntl
import os
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Self

import structlog

from bifilar.errors import MachineError, OperationError
from bifilar.pods.cni import Answer

_log = structlog.get_logger(__name__)

_BACKLOG = 256
_AT_ONCE = 64
"""Requests that are worked on at a time, each by a thread that takes it from the kernel itself: handing it on costs a
tenth of a millisecond. Most wait for the kernel or for a block, none for another."""
_SO_RCVTIMEO = 20
_PATIENCE = struct.pack("@ll", 5, 0)
"""Seconds and microseconds. The plugin sends its request at once; one that doesn't is none."""
_LARGEST_REQUEST = 1 << 22
_READ_BYTES = 1 << 16
_PAUSE_S = 0.1


Reply = Callable[[Answer], None]
Handler = Callable[[Mapping[str, str], bytes, Reply], None]
"""Gets environment and standard input of the plugin, and answers. What it does afterwards, the plugin doesn't wait for."""


class Server:
    """Answers requests until closed, each in a thread of its own. Use as a context manager.

    Args:
        path: of the socket, at most 107 bytes; only root may use it.
        handle: answers one request.

    Raises:
        OperationError: another agent answers there.
        MachineError: the socket can't be made.
    """

    def __init__(self, path: Path, handle: Handler) -> None:
        self._path = path
        self._handle = handle
        self._threads = [Thread(target=self._work, name=f"cni-{number}") for number in range(_AT_ONCE)]
        self._ending = Event()
        self._lock = _alone(path)
        try:
            self._socket = _listening(path)
        except OSError as error:
            os.close(self._lock)
            hint = "name a path of at most 107 bytes in a directory that root can write"
            raise MachineError(
                str(path), f"no socket can be made: {error.strerror or error}", hint
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def serve(self) -> None:
        """Take requests until :meth:`stop`, and answer those that are under way then."""
        for thread in self._threads:
            thread.start()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError as error:
                if self._ending.is_set():
                    return
                # No descriptors left, say. The next moment may be better.
                _log.exception("can't take a request", reason=str(error))
                sleep(_PAUSE_S)
            else:
                self._answer(connection)

    def stop(self) -> None:
        """Take no more requests. May be called from a signal handler or another thread."""
        self._ending.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more requests, and remove the socket."""
        self.stop()
        self._socket.close()
        with suppress(FileNotFoundError):
            self._path.unlink()
        os.close(self._lock)

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                # By the kernel: Python's own time limit costs a poll for each call.
                connection.setsockopt(socket.SOL_SOCKET, _SO_RCVTIMEO, _PATIENCE)
                environment, configuration = _parse(_read(connection))
                self._handle(environment, configuration, lambda answer: _reply(connection, answer))
            except OSError as error:
                # The plugin was killed, or never was one. What was done is undone by its runtime's DEL or GC.
                _log.warning("a plugin went away", reason=str(error))
            except Exception:  # noqa: BLE001 - a bug in one request must not end the agent; it is logged with its traceback
                # The plugin gets no answer, and says "try again later".
                _log.exception("a request failed")


def _alone(path: Path) -> int:
    """A lock that only one agent can hold; it outlives neither the agent nor the machine."""
    lock = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise MachineError(str(lock), f"can't be opened: {error.strerror}", "be root") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise OperationError(
            str(path), "another agent answers here", "one agent a node; stop it, or name another socket"
        ) from None
    return descriptor


def _listening(path: Path) -> socket.socket:
    """A socket in place of what a killed agent left; nobody ever finds one that refuses."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    new = path.with_name(path.name + ".new")
    try:
        with suppress(FileNotFoundError):
            new.unlink()
        with _private_files():
            listening.bind(str(new))
        listening.listen(_BACKLOG)
        new.rename(path)
    except OSError:
        listening.close()
        raise
    return listening


@contextmanager
def _private_files() -> Iterator[None]:
    """Files that are made within are for root alone: whoever may connect may do everything."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def _reply(connection: socket.socket, answer: Answer) -> None:
    connection.sendall((b"1" if answer.failed else b"0") + answer.output)
    # The plugin reads to the end, which is now.
    connection.shutdown(socket.SHUT_RDWR)


def _read(connection: socket.socket) -> bytes:
    received = bytearray()
    while chunk := connection.recv(_READ_BYTES):
        received += chunk
        if len(received) > _LARGEST_REQUEST:
            raise OSError("the request is too large")
    return bytes(received)


def _parse(request: bytes) -> tuple[dict[str, str], bytes]:
    r"""Environment and standard input in a request.

    >>> _parse(b"CNI_COMMAND=ADD\0CNI_IFNAME=eth0\0\0{}")
    ({'CNI_COMMAND': 'ADD', 'CNI_IFNAME': 'eth0'}, b'{}')
    """
    variables, end, configuration = request.partition(b"\0\0")
    if not end and request[:1] != b"\0":
        raise OSError("the request is incomplete")
    if not end:
        variables, configuration = b"", request[1:]
    pairs = (variable.partition(b"=") for variable in variables.split(b"\0") if variable)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}, configuration
