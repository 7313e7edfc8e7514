"""Edge module: what of a lab works, and what it costs."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from bifilar.fabric.model import MANAGEMENT_DEVICE, Fabric, Role
from bifilar.lab import daemons, sessions
from bifilar.lab.places import Places
from bifilar.lab.state import State

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_KIB = 1024


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """One device.

    Attributes:
        name, role: as in the fabric.
        daemon: kind of daemon, and its version as the intent says: ``bird 2``.
        pid: process number of the daemon; ``None`` if it isn't there.
        sessions_up, sessions_expected: BGP sessions, this side.
        missing: names of expected sessions that aren't Established.
        fault: why the daemon could not be asked; empty if it could.
        rss_bytes: memory of the daemon, pages shared with other daemons included.
        memory_bytes: the same with a fair part of shared pages (PSS); 0 if the kernel doesn't say.
    """

    name: str
    role: Role
    daemon: str
    pid: int | None
    sessions_up: int
    sessions_expected: int
    missing: tuple[str, ...]
    fault: str
    rss_bytes: int
    memory_bytes: int

    @property
    def good(self) -> bool:
        """Whether the daemon runs and all its sessions are up."""
        return self.pid is not None and self.sessions_up == self.sessions_expected


@dataclass(frozen=True, slots=True)
class LabStatus:
    """A lab.

    Attributes:
        name: of the lab.
        fabric: name of the fabric that it was built from.
        devices: in the fabric's order.
        stand_ins: which kinds of device this kernel lacks, and what is used instead.
        notes: what else differs from a real machine, or was refused by this kernel.
        build_s: how long building took, in seconds.
        converged_s: from the first daemon's start until every route was everywhere; ``None`` if nobody waited.
        others: numbers of processes that somebody else moved into the lab's namespaces.
    """

    name: str
    fabric: str
    devices: tuple[DeviceStatus, ...]
    stand_ins: tuple[str, ...]
    notes: tuple[str, ...]
    build_s: float | None
    converged_s: float | None
    others: tuple[int, ...]

    @property
    def daemons_up(self) -> int:
        """Devices whose daemon runs."""
        return sum(device.pid is not None for device in self.devices)

    @property
    def sessions_up(self) -> int:
        """BGP sessions that are Established, counted from both sides."""
        return sum(device.sessions_up for device in self.devices)

    @property
    def sessions_expected(self) -> int:
        """BGP sessions of the fabric, counted from both sides."""
        return sum(device.sessions_expected for device in self.devices)

    @property
    def rss_bytes(self) -> int:
        """Memory of all daemons, with shared pages counted for each."""
        return sum(device.rss_bytes for device in self.devices)

    @property
    def memory_bytes(self) -> int:
        """Memory of all daemons, with shared pages counted once."""
        return sum(device.memory_bytes for device in self.devices)

    @property
    def good(self) -> bool:
        """Whether every daemon runs and every session is up."""
        return all(device.good for device in self.devices)


def observe(places: Places, fabric: Fabric, state: State) -> LabStatus:
    """Look at every process and ask every daemon."""
    inodes = daemons.inodes_of(places, [device.name for device in fabric.devices])
    processes, others = daemons.find(places.lab, inodes)
    pids = {process.device: process.pid for process in processes if process.is_daemon}
    answers = asyncio.run(_answers(places, fabric))
    devices = []
    for device in fabric.devices:
        answer = answers[device.name]
        rss, pss = _memory(pids[device.name]) if device.name in pids else (0, 0)
        devices.append(
            DeviceStatus(
                name=device.name,
                role=device.role,
                daemon=f"{device.daemon} {device.bird_version}",
                pid=pids.get(device.name),
                sessions_up=len(answer.expected & answer.established),
                sessions_expected=len(answer.expected),
                missing=tuple(sorted(answer.missing)),
                fault=answer.fault.what if answer.fault else "",
                rss_bytes=rss,
                memory_bytes=pss,
            )
        )
    return LabStatus(
        name=places.lab,
        fabric=fabric.name,
        devices=tuple(devices),
        stand_ins=_stand_ins(state),
        notes=state.notes,
        build_s=state.build_s,
        converged_s=state.converged_s,
        others=tuple(others),
    )


def _stand_ins(state: State) -> tuple[str, ...]:
    if state.management_kind == "dummy":
        return ()
    return (f"{MANAGEMENT_DEVICE}: {state.management_kind} for dummy, which this kernel doesn't have",)


async def _answers(places: Places, fabric: Fabric) -> dict[str, sessions.Sessions]:
    return {answer.device: answer async for answer in sessions.ask(places, fabric, fabric.devices)}


def _memory(pid: int) -> tuple[int, int]:
    """RSS and PSS of a process in bytes; 0 for what can't be read, because it has ended or the kernel doesn't tell."""
    process = Path(f"/proc/{pid}")
    try:
        rss = int((process / "statm").read_text().split()[1]) * _PAGE_BYTES
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    pss = next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return rss, pss * _KIB
