"""Edge module: locks between commands. The kernel releases them when their holder dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from bifilar.errors import LabError, MachineError
from bifilar.lab.places import RUN, Places

_PATIENCE_S = 1.0
"""When a builder is killed, the child that it was just starting holds its lock until it is a daemon of its own."""
_POLL_S = 0.01


@contextmanager
def holding(path: Path, busy: LabError | None = None) -> Iterator[None]:
    """Hold the lock at ``path``; nothing is left of it afterwards.

    Args:
        path: of the lock file.
        busy: raised if somebody else holds it and goes on doing so; without one, wait.

    Raises:
        MachineError: no lock can be made there.
    """
    descriptor = _acquire(path, busy)
    try:
        yield
    finally:
        # While it is still held: whoever waits for this file finds out that it is no longer the lock.
        path.unlink(missing_ok=True)
        os.close(descriptor)
        # Not empty: others have locks. What is above it stays: to remove a directory takes away what others, in
        # mount namespaces of their own, have mounted on it.
        with suppress(OSError):
            path.parent.rmdir()


def holding_lab(places: Places, *, wait: bool = False) -> AbstractContextManager[None]:
    """Hold a lab's lock: nobody else builds or removes it meanwhile.

    Raises:
        LabError: another command holds it, and ``wait`` isn't set.
    """
    busy = LabError(places.lab, "another command is at work on this lab", "wait until it has ended")
    return holding(places.lock, None if wait else busy)


def holding_machine() -> AbstractContextManager[None]:
    """Hold what all labs of this machine share."""
    return holding(RUN / ".locks" / ".machine")


def _acquire(path: Path, busy: LabError | None) -> int:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            # Somebody removed the directory, which was empty, between the two calls.
            continue
        except OSError as error:
            raise MachineError(str(path), f"no lock can be made: {error.strerror}", "be root") from error
        if not _lock(descriptor, _PATIENCE_S if busy else None):
            os.close(descriptor)
            assert busy is not None  # noqa: S101 - only then it doesn't wait for ever
            raise busy
        if _is(path, descriptor):
            return descriptor
        os.close(descriptor)


def _lock(descriptor: int, patience_s: float | None) -> bool:
    """Lock an open file; whether that was possible within so many seconds."""
    if patience_s is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return True
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        else:
            return True


def _is(path: Path, descriptor: int) -> bool:
    """Whether a file is still at its path: its last holder removed it, maybe."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
