"""Edge module: the namespaces in which the other ends of a namespace's links are.

The kernel has a number for each of them, which means something in that one namespace alone. No table says which file
such a number belongs to; but of a file that is open it can be asked.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from bifilar.kernel.namespaces import names, of_processes, path_of
from bifilar.kernel.netlink import RefusedError, Rtnetlink, attribute, attributes, messages

_NEWNSID, _GETNSID = 88, 90
_FAMILY = bytes(4)
_NSID, _FD = 1, 3
_I32, _U32 = struct.Struct("=i"), struct.Struct("=I")


def files(wanted: Iterable[int]) -> dict[int, Path]:
    """A file by which each of these numbers' namespaces can be entered; those that nobody uses or names are left out.

    Args:
        wanted: numbers that the calling thread's namespace has for others.
    """
    missing = set(wanted)
    found: dict[int, Path] = {}
    if not missing:
        return found
    with Rtnetlink() as netlink:
        for path in _candidates():
            number = _number(netlink, path)
            if number in missing:
                missing.discard(number)
                found[number] = path
                if not missing:
                    break
    return found


def _candidates() -> Iterator[Path]:
    """Namespaces with a name, then those that only have processes, each once."""
    seen: set[int] = set()
    for name in sorted(names()):
        yield path_of(name)
    for pid, inode in of_processes():
        if inode not in seen:
            seen.add(inode)
            yield Path(f"/proc/{pid}/ns/net")


def _number(netlink: Rtnetlink, path: Path) -> int | None:
    """What the socket's namespace calls that of a file; ``None`` if it has no number for it."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None  # gone since it was listed
    try:
        answer = netlink.ask(_GETNSID, _FAMILY + attribute(_FD, _U32.pack(descriptor)))
    except RefusedError:
        return None  # a file under the directory of names that is no namespace
    finally:
        os.close(descriptor)
    for kind, begin, end in messages(answer):
        if kind == _NEWNSID:
            number: int = _I32.unpack(attributes(answer, begin + len(_FAMILY), end)[_NSID])[0]
            return number if number >= 0 else None
    return None
