"""Edge module: netlink sockets, on the host's side and on a container's.

A socket belongs to the namespace in which its thread was when it was opened, and can be used from anywhere afterwards.
"""

import errno
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bifilar.kernel import libc
from bifilar.kernel.netlink import Rtnetlink
from bifilar.pods.wiring.errors import NamespaceGoneError, WiringError

_OWN = "/proc/thread-self/ns/net"


class HostSockets:
    """Sockets in the namespace of the thread that makes this; as many as threads need at once.

    Not one for each thread: threads come and go, and nobody says when.
    """

    def __init__(self) -> None:
        self._idle: deque[Rtnetlink] = deque()

    @contextmanager
    def one(self) -> Iterator[Rtnetlink]:
        """A socket for the caller alone."""
        try:
            netlink = self._idle.pop()
        except IndexError:
            netlink = Rtnetlink()
        try:
            yield netlink
        finally:
            self._idle.append(netlink)

    def close(self) -> None:
        """Give all sockets back; nobody uses one any more."""
        while self._idle:
            self._idle.pop().close()


@dataclass(frozen=True, slots=True)
class Inside:
    """A container's namespace: an open descriptor of it, and a socket in it."""

    namespace: int
    netlink: Rtnetlink


class Doors:
    """Opens containers' namespaces for threads of the namespace in which this is made."""

    def __init__(self) -> None:
        self._home = os.open(_OWN, os.O_RDONLY)

    def close(self) -> None:
        """Nobody goes through any more."""
        os.close(self._home)

    @contextmanager
    def inside(self, path: str) -> Iterator[Inside]:
        """Hold a namespace open; the calling thread isn't in it, except for a moment.

        Args:
            path: file by which it is entered.

        Raises:
            NamespaceGoneError: there is no such namespace.
            WiringError: it can't be entered.
        """
        try:
            namespace = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise _cannot_enter(path, error) from error
        try:
            with self._opened(namespace, path) as netlink:
                yield Inside(namespace, netlink)
        finally:
            os.close(namespace)

    def switch_ipv6_on(self, inside: Inside, interface: str) -> None:
        """Let an interface have IPv6 addresses.

        Raises:
            OSError: it is gone, or can't have any.
        """
        with self._visit(inside.namespace):
            setting = os.open(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6", os.O_WRONLY)
            try:
                os.write(setting, b"0")
            finally:
                os.close(setting)

    def _opened(self, namespace: int, path: str) -> Rtnetlink:
        """A socket inside."""
        try:
            with self._visit(namespace):
                return Rtnetlink()
        except OSError as error:
            raise _cannot_enter(path, error) from error

    @contextmanager
    def _visit(self, namespace: int) -> Iterator[None]:
        """Be in a namespace."""
        libc.setns(namespace, libc.CLONE_NEWNET)
        try:
            yield
        finally:
            # A thread that stayed would keep the namespace alive, and wire the next container in it.
            libc.setns(self._home, libc.CLONE_NEWNET)


def _cannot_enter(path: str, error: OSError) -> WiringError:
    what = f"can't be entered as a network namespace: {error.strerror}"
    # EINVAL: it is a file on which no namespace is mounted any more.
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL):
        return NamespaceGoneError(path, what, "the runtime has removed it: start the container again")
    return WiringError(path, what, "be root, with CAP_SYS_ADMIN; see 'ulimit -n'")
