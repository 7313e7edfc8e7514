"""Edge module: named network namespaces, as ``ip netns`` knows them, made and entered inside this process.

A thread can be in another namespace than its process. So nothing here moves the caller: work is handed to a
:class:`Traveller`, a thread that goes from namespace to namespace and is thrown away at the end (the way home would
need a descriptor of the first namespace; ``/proc/1/ns/net`` can't be opened everywhere).
"""

import errno
import fcntl
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TypeVar

from bifilar.errors import MachineError
from bifilar.kernel import libc

NAMESPACES = Path("/run/netns")
"""Where a namespace has a name: a file on which the namespace is mounted."""
_OWN = "/proc/thread-self/ns/net"
_ROOT_HINT = "be root, with CAP_SYS_ADMIN and CAP_NET_ADMIN"

Result = TypeVar("Result")


def path_of(name: str) -> Path:
    """The file that names a namespace."""
    return NAMESPACES / name


def names() -> set[str]:
    """The names of all namespaces of this machine."""
    try:
        return set(os.listdir(NAMESPACES))  # noqa: PTH208 - names are wanted, not paths
    except FileNotFoundError:
        return set()


def inode(name: str) -> int | None:
    """The inode number by which ``/proc/PID/ns/net`` of its processes shows the namespace; ``None`` without one.

    A file on which nothing is mounted (left by somebody who was killed) is no namespace.
    """
    try:
        found = path_of(name).stat()
    except FileNotFoundError:
        return None
    return found.st_ino if found.st_dev == _namespace_device() else None


def _namespace_device() -> int:
    """Device number of the kernel's file system of namespaces."""
    return Path(_OWN).stat().st_dev


def prepare() -> bool:
    """Make the directory of names a mount point of its own, as ``ip netns`` does; whether that was needed.

    Otherwise the first ``ip netns add`` of anybody would cover our mounts with a copy of them, and the namespaces
    under it would live for ever.
    """
    try:
        NAMESPACES.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _locked():
            return _make_mount_point(str(NAMESPACES))
    except OSError as error:
        raise MachineError(str(NAMESPACES), f"can't be made ready: {error.strerror}", _ROOT_HINT) from error


@contextmanager
def _locked() -> Iterator[None]:
    """Alone among all who prepare the directory, ``ip netns`` included; otherwise each would cover the other's."""
    descriptor = os.open(NAMESPACES, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_mount_point(path: str) -> bool:
    try:
        libc.mount("", path, libc.MS_SHARED | libc.MS_REC)
    except OSError as error:
        # EINVAL: it is a plain directory so far.
        if error.errno != errno.EINVAL:
            raise
    else:
        return False
    libc.mount(path, path, libc.MS_BIND | libc.MS_REC)
    libc.mount("", path, libc.MS_SHARED | libc.MS_REC)
    return True


def forget() -> None:
    """Undo :func:`prepare`, unless there are namespaces by now."""
    try:
        if not names():
            libc.umount(str(NAMESPACES))
    except OSError as error:
        # Somebody else uses it, or has unmounted it: then it isn't ours to undo.
        if error.errno not in (errno.EBUSY, errno.EINVAL, errno.ENOENT):
            raise


def create(name: str) -> Path:
    """Make an empty namespace, in which not even ``lo`` is up; the file to enter it by.

    Raises:
        MachineError: the name is taken, or the kernel refused.
    """
    prepare()
    try:
        with Traveller() as traveller:
            traveller.create(name, lambda: None)
    except FileExistsError as error:
        raise MachineError(
            name, "there is a namespace of this name already", f"ip netns delete {name}"
        ) from error
    return path_of(name)


def delete(name: str) -> bool:
    """Take the name away; the namespace ends with its last process and socket. Whether there was one.

    The kernel dismantles it afterwards, on its own time.
    """
    path = str(path_of(name))
    try:
        libc.umount(path, libc.MNT_DETACH)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return False
        # EINVAL: nothing is mounted on it. Whoever made the file was killed before the mount.
        if error.errno != errno.EINVAL:
            raise MachineError(path, f"can't be unmounted: {error.strerror}", _ROOT_HINT) from error
    try:
        os.unlink(path)  # noqa: PTH108 - a Path for each of thousands of names costs more than the call
    except FileNotFoundError:
        return False
    return True


def is_dismantling() -> bool:
    """Whether a worker of the kernel's queue ``netns`` is at work: its name says ``+netns`` then.

    It takes namespaces apart after :func:`delete`, and time of whatever is measured meanwhile.
    """
    for name in Path("/proc").glob("[0-9]*/comm"):
        try:
            if "+netns" in name.read_text():
                return True
        except OSError:
            # It has ended meanwhile.
            continue
    return False


class Traveller:
    """A thread that goes where it is told. Use as a context manager; one call at a time runs.

    >>> with Traveller() as traveller:  # doctest: +SKIP
    ...     traveller.run_in(path_of("a"), socket.if_nameindex)
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "namespaces")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()

    def run_in(self, namespace: Path, function: Callable[[], Result]) -> Result:
        """Call a function inside a namespace, and wait for what it returns or raises.

        Raises:
            MachineError: there is no such namespace, or it can't be entered.
        """
        return self._thread.submit(_run_in, namespace, function).result()

    def create(self, name: str, function: Callable[[], Result]) -> Result:
        """Make a namespace and call a function inside it.

        Raises:
            FileExistsError: the name is taken.
            MachineError: the kernel refused.
        """
        return self._thread.submit(_create, name, function).result()

    def run(self, function: Callable[[], Result]) -> Result:
        """Call a function wherever the traveller is."""
        return self._thread.submit(function).result()


def run_in(namespace: Path, function: Callable[[], Result]) -> Result:
    """Call a function inside a namespace, in a thread of its own.

    Raises:
        MachineError: there is no such namespace, or it can't be entered.
    """
    with Traveller() as traveller:
        return traveller.run_in(namespace, function)


def run_apart(function: Callable[[], Result]) -> Result:
    """Call a function inside a new namespace without a name, which ends with the call and what it opened.

    Raises:
        MachineError: the kernel refused.
    """

    def apart() -> Result:
        try:
            libc.unshare(libc.CLONE_NEWNET)
        except OSError as error:
            raise MachineError("namespace", f"none can be made: {error.strerror}", _ROOT_HINT) from error
        return function()

    with Traveller() as traveller:
        return traveller.run(apart)


def processes_in(inodes: Collection[int]) -> dict[int, list[int]]:
    """Numbers of the processes in each of these namespaces (see :func:`inode`); those without any are left out.

    One look at every process of the machine. What ends meanwhile, or may not be looked at, is passed over.
    """
    found: defaultdict[int, list[int]] = defaultdict(list)
    for pid, namespace in of_processes():
        if namespace in inodes:
            found[namespace].append(pid)
    return dict(found)


def of_processes() -> Iterator[tuple[int, int]]:
    """Number of each process, and the inode number of the namespace that it is in."""
    for entry in os.listdir("/proc"):  # noqa: PTH208 - thousands of them: a Path for each costs more than the look
        if entry.isdigit():
            try:
                namespace = os.stat(f"/proc/{entry}/ns/net").st_ino  # noqa: PTH116 - the same
            except OSError:
                # It has ended, or may not be looked at.
                continue
            yield int(entry), namespace


def enter(namespace: Path) -> None:
    """Move the calling thread into a namespace, for good. For threads and child processes made for that.

    Raises:
        MachineError: there is no such namespace, or it can't be entered.
    """
    try:
        descriptor = os.open(namespace, os.O_RDONLY)
    except OSError as error:
        raise MachineError(str(namespace), f"no namespace: {error.strerror}", "is the lab up?") from error
    try:
        libc.setns(descriptor, libc.CLONE_NEWNET)
    except OSError as error:
        raise MachineError(str(namespace), f"can't be entered: {error.strerror}", _ROOT_HINT) from error
    finally:
        os.close(descriptor)


def _run_in(namespace: Path, function: Callable[[], Result]) -> Result:
    enter(namespace)
    return function()


def _create(name: str, function: Callable[[], Result]) -> Result:
    path = path_of(name)
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o444))
    try:
        libc.unshare(libc.CLONE_NEWNET)
        libc.mount(_OWN, str(path), libc.MS_BIND)
    except OSError as error:
        path.unlink()
        raise MachineError(name, f"no namespace can be made: {error.strerror}", _ROOT_HINT) from error
    return function()
