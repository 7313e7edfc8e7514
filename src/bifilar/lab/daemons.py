"""Edge module: the processes of a lab: started, found, ended."""

import os
import select
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bifilar.bird import bird3_command, bird_command
from bifilar.errors import LabError, MachineError
from bifilar.fabric.model import Device
from bifilar.kernel import libc, namespaces
from bifilar.lab.places import AGENT_MARK, DAEMON_MARK, MARK, Places

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_END_S = 20.0
"""A killed process ends within milliseconds, a thousand of them within a second; unless the kernel is in trouble."""
_START_S = 1.0
_START_POLL_S = 0.002
_BATCH = 200
"""Processes that are ended at a time, each with an open descriptor."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process in a namespace of a lab.

    Attributes:
        pid: its number.
        device: the device, or the seat of the pod, whose namespace it is in.
        is_daemon: it is the device's routing daemon, or was started as the pod's own.
        is_agent: it is the device's agent of the pod network.
    """

    pid: int
    device: str
    is_daemon: bool
    is_agent: bool = False


@cache
def command_for(bird_version: str) -> tuple[str, ...]:
    """The command of a BIRD of this major version.

    Raises:
        MachineError: this machine has none.
    """
    return tuple(bird_command() if bird_version == "2" else bird3_command())


def leave_working_directory() -> None:
    """Give the calling thread, and what it starts, ``/`` as its own working directory.

    A daemon must not keep the caller's directory in use.
    """
    libc.unshare(libc.CLONE_FS)
    os.chdir("/")


def start(places: Places, device: Device) -> int:
    """Start a device's daemon in the namespace of the calling thread; its process number.

    It has a session of its own, so that Ctrl-C at a terminal doesn't end half of a fabric.

    Raises:
        MachineError: there is no such program.
    """
    name = device.name
    command = command_for(device.bird_version)
    arguments = ["-f", "-c", str(places.bird_config(name)), "-s", str(places.bird_socket(name))]
    marks = {MARK: places.lab, DAEMON_MARK: name}
    return spawn([*command, *arguments], marks, places.log(name), hint="install BIRD")


def spawn(command: Sequence[str], marks: Mapping[str, str], log: Path, *, hint: str) -> int:
    """Start a process in the namespace of the calling thread, in a session of its own; its number.

    Args:
        command: the program, and its arguments.
        marks: environment variables by which it is found again.
        log: where its output is added to.
        hint: what to do if there is no such program.

    Raises:
        MachineError: there is no such program.
    """
    try:
        return os.posix_spawnp(
            command[0],
            list(command),
            {"PATH": _PATH, **marks},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=(signal.SIGINT, signal.SIGPIPE),
        )
    except OSError as error:
        raise MachineError(command[0], f"can't be run: {error.strerror}", hint) from error


def wait_started(places: Places, device: str) -> None:
    """Wait until a daemon has read its configuration and says so in its log; a second at most.

    One that doesn't say anything is found by whoever waits for its sessions.
    """
    log = places.log(device)
    deadline = time.monotonic() + _START_S
    while not log.stat().st_size and time.monotonic() < deadline:
        time.sleep(_START_POLL_S)


def inodes_of(places: Places, devices: Iterable[str]) -> dict[int, str]:
    """Devices by the inode number of their namespace; without those that have none (yet, or any more)."""
    found = ((namespaces.inode(places.namespace_name(device)), device) for device in devices)
    return {inode: device for inode, device in found if inode is not None}


def find(lab: str, devices: Mapping[int, str]) -> tuple[list[Process], list[int]]:
    """The processes in namespaces of a lab.

    Args:
        lab: its name.
        devices: as :func:`inodes_of` has them.

    Returns:
        What this lab started, and the numbers of other processes that somebody moved into its namespaces.
    """
    ours, others = [], []
    for inode, pids in namespaces.processes_in(devices).items():
        for pid in pids:
            try:
                environment = _environment(pid)
            except OSError:
                # It has ended meanwhile.
                continue
            device = devices[inode]
            if environment.get(MARK) == lab:
                is_daemon = environment.get(DAEMON_MARK) == device
                ours.append(Process(pid, device, is_daemon, environment.get(AGENT_MARK) == device))
            else:
                others.append(pid)
    return ours, others


def devices_of(lab: str) -> tuple[str, ...]:
    """The devices and pods of a lab whose processes run: what is known of it where its directory is gone."""
    found = []
    for entry in os.listdir("/proc"):  # noqa: PTH208 - thousands of them: a Path for each costs more than the look
        if entry.isdigit():
            try:
                environment = _environment(int(entry))
            except OSError:
                # It has ended meanwhile, or is none of ours.
                continue
            if environment.get(MARK) == lab and DAEMON_MARK in environment:
                found.append(environment[DAEMON_MARK])
    # A pod with an image has several.
    return tuple(dict.fromkeys(found))


def _environment(pid: int) -> dict[str, str]:
    """What a process was started with."""
    with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - thousands of them
        pairs = (line.partition(b"=") for line in file.read().split(b"\0"))
        return {name.decode(errors="replace"): value.decode(errors="replace") for name, _, value in pairs}


def has_ended(child: int) -> bool:
    """Whether a child of this process has ended; nothing is left of it then."""
    try:
        return os.waitpid(child, os.WNOHANG)[0] == child
    except ChildProcessError:
        return True


def end(pids: Sequence[int]) -> None:
    """Kill processes and wait until they have ended.

    Raises:
        LabError: one doesn't end.
    """
    for begin in range(0, len(pids), _BATCH):
        _end(pids[begin : begin + _BATCH])


def _end(pids: Iterable[int]) -> None:
    waiting: dict[int, int] = {}
    poll = select.poll()
    try:
        for pid in pids:
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                waiting[descriptor] = pid
                poll.register(descriptor, select.POLLIN)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        deadline = time.monotonic() + _END_S
        while waiting:
            ended = poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            if not ended:
                raise LabError(
                    f"process {min(waiting.values())}", "doesn't end", "see 'dmesg' and /proc/PID/stack"
                )
            for descriptor, _ in ended:
                poll.unregister(descriptor)
                _reap(descriptor)
                os.close(descriptor)
                del waiting[descriptor]
    finally:
        for descriptor in waiting:
            os.close(descriptor)


def _reap(descriptor: int) -> None:
    # Children of ours would stay as zombies; others are their parents' business.
    with suppress(ChildProcessError):
        os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOHANG)
