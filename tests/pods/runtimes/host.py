"""A server of a lab as container runtimes need it: its network, with processes and mounts of its own.

A runtime starts processes that outlive it, mounts images, and keeps files in many places. Here all of that belongs
to the first process of a namespace of processes: it waits for the end of a pipe that the test holds. When it ends,
however the test ends, the kernel kills all others and undoes their mounts. Only groups of processes (cgroups) are left
then; they lie below one directory, which :meth:`Host.close` removes.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from bifilar.lab import Lab

_CGROUPS = Path("/sys/fs/cgroup")
_PATIENCE_S = 60

# /proc still is the outer one when the process tells its number. What is in /run and /var/lib is another
# machine's, but for the lab's own directory. An ignored SIGCHLD has the kernel forget ended children.
_FIRST_PROCESS = """
set -e
read -r number rest </proc/self/stat
mount --make-rprivate /
mount -t proc proc /proc
mkdir -p "$1"
mount --rbind /run/bifilar "$1"
mount -t tmpfs tmpfs /run
mkdir -p /run/bifilar /run/netns
mount --move "$1" /run/bifilar
mount -t tmpfs tmpfs /var/lib
echo "$number"
trap '' CHLD
exec cat >/dev/null
"""


class Host:
    """A server of a lab. Use as a context manager.

    Args:
        lab: the lab.
        device: the server's name.
        directory: for its files; it is made.
    """

    def __init__(self, lab: Lab, device: str, directory: Path) -> None:
        directory.mkdir()
        self.lab = lab
        self.device = device
        self.directory = directory
        self.cgroup = f"bifilar-{lab.name}-{device}"
        """The group of everything that runtimes start, below the root of each hierarchy."""
        self._first = subprocess.Popen(
            [
                *("nsenter", f"--net={lab.namespace(device)}", "unshare", "--mount", "--pid", "--fork"),
                *("--kill-child", "sh", "-c", _FIRST_PROCESS, "sh", str(directory / "lab")),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._first.stdout is not None
        self._started: list[subprocess.Popen[str]] = []
        self._number = self._first.stdout.readline().strip()
        assert self._number, "the namespaces of a server can't be made"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(
        self, *command: str | Path, environment: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        """Start a program that runs until the end; what it says is kept in a file of the directory."""
        log = self.directory / f"{Path(command[0]).name}.log"
        with log.open("a") as output:
            started = subprocess.Popen(
                self._entering(*command),
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
            )
        self._started.append(started)
        return started

    def run(self, *command: str | Path, environment: Mapping[str, str] | None = None, given: str = "") -> str:
        """Run a program to its end, and give what it says.

        Raises:
            AssertionError: it fails.
        """
        ended = subprocess.run(
            self._entering(*command),
            env={**os.environ, **(environment or {})},
            input=given,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        assert ended.returncode == 0, f"{' '.join(map(str, command))}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    def _entering(self, *command: str | Path) -> list[str]:
        return ["nsenter", f"--target={self._number}", "--net", "--mount", "--pid", "--", *map(str, command)]

    def close(self) -> None:
        """End every process and undo every mount of it."""
        assert self._first.stdin is not None
        assert self._first.stdout is not None
        self._first.stdin.close()
        self._first.stdout.close()
        for process in (self._first, *self._started):
            process.wait(_PATIENCE_S)
        for hierarchy in _CGROUPS.iterdir():
            for directory, _, _ in os.walk(hierarchy / self.cgroup, topdown=False):
                Path(directory).rmdir()

    def leftovers(self) -> list[str]:
        """What there still is of it on this machine; nothing after :meth:`close`."""
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        return [
            *(line for line in mounts if str(self.directory) in line),
            *(str(directory) for directory in _CGROUPS.glob(f"*/{self.cgroup}")),
            *(str(path) for path in [Path("/proc") / self._number] if path.exists()),
        ]
