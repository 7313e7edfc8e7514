"""Edge module: system calls that Python 3.11 has no name for."""

import ctypes
import os

CLONE_FS = 0x00000200
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_SHARED = 1 << 20
MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, *paths: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), *paths[:1])


def unshare(flags: int) -> None:
    """Give the calling thread namespaces of its own. Raises ``OSError``."""
    _checked(_libc.unshare(flags))


def setns(descriptor: int, kind: int) -> None:
    """Move the calling thread into the namespace of ``descriptor``. Raises ``OSError``."""
    _checked(_libc.setns(descriptor, kind))


def mount(source: str, target: str, flags: int) -> None:
    """Mount without a file system type: bind mounts and changes of propagation. Raises ``OSError``."""
    _checked(_libc.mount(source.encode(), target.encode(), b"none", ctypes.c_ulong(flags), None), target)


def umount(target: str, flags: int = 0) -> None:
    """Unmount. Raises ``OSError``."""
    _checked(_libc.umount2(target.encode(), flags), target)
