"""Edge module: removes a lab, however it ended."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from bifilar.kernel import namespaces
from bifilar.lab import daemons, machine, records
from bifilar.lab.places import Places, pod_seat
from bifilar.lab.progress import Progress
from bifilar.lab.state import State, load

_DISMANTLING_S = 15.0
"""After that long, the kernel may do the rest alone."""
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Removal:
    """What was removed.

    Attributes:
        found: whether there was such a lab at all.
        processes, namespaces: how many were ended and deleted.
        others: numbers of processes that somebody else moved into the lab's namespaces. They were left alone, and
            keep their namespaces alive, without a name.
        seconds: how long it took.
    """

    found: bool
    processes: int
    namespaces: int
    others: tuple[int, ...]
    seconds: float


def remove(places: Places, progress: Progress) -> Removal:
    """Remove a lab: also a half-built one, or one whose daemons somebody killed. The caller holds its lock.

    Raises:
        LabError: a process doesn't end.
        MachineError: the kernel refuses.
    """
    began = time.monotonic()
    # Where somebody removed the directory of a running lab, its daemons say what there is of it.
    state = load(places) or State(places.lab, daemons.devices_of(places.lab))
    found = places.directory.exists() or bool(state.devices)
    # What a pod has in a namespace that was lent to it goes with its device's.
    pods = tuple(pod_seat(pod.name) for pod in records.load_all(places) if not pod.lent)
    seats = tuple(dict.fromkeys((*pods, *state.devices)))
    ended, others = _end_processes(places, seats, progress)
    deleted = 0
    for done, seat in enumerate(seats):
        progress("namespaces", done, len(seats))
        deleted += namespaces.delete(places.namespace_name(seat))
    if deleted:
        progress("namespaces", len(seats), len(seats))
        _wait_dismantled()
    machine.unregister(places)
    return Removal(found, ended, deleted, tuple(others), round(time.monotonic() - began, 3))


def _end_processes(places: Places, seats: Iterable[str], progress: Progress) -> tuple[int, list[int]]:
    """End what the lab started, until nothing more turns up; how many, and whose processes stay."""
    inodes = daemons.inodes_of(places, seats)
    ended = 0
    others: list[int] = []
    while inodes:
        ours, others = daemons.find(places.lab, inodes)
        if not ours:
            break
        progress("processes", ended, ended + len(ours))
        daemons.end([process.pid for process in ours])
        ended += len(ours)
    if ended:
        progress("processes", ended, ended)
    return ended, others


def _wait_dismantled() -> None:
    """Wait until the kernel has taken the deleted namespaces apart.

    It does so afterwards, on a worker of its own, and a lab that is built meanwhile would be slow.
    """
    deadline = time.monotonic() + _DISMANTLING_S
    idle = 0
    while idle < 2 and time.monotonic() < deadline:  # noqa: PLR2004 - two looks: work may be queued just now
        time.sleep(_POLL_S)
        idle = 0 if namespaces.is_dismantling() else idle + 1
