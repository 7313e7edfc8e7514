"""Edge module: what this machine has and lacks, and what that costs.

Device types and sysctls are tried in a network namespace that lives only as long as the trial.
"""

import os
import platform
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bifilar.bird import bird_command, bird_version
from bifilar.errors import MachineError

_OLDEST_BIRD = (2, 0, 12)
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
_NEIGHBOURS_PER_DEVICE = 3
"""Entries that a lab's device takes in the neighbour table, which all namespaces share."""
_MIB_PER_DEVICE = 6
"""Memory of a lab's device, daemon and kernel together."""
_DEVICES_PER_CORE = 500
"""Devices whose BFD, at three packets a second, one core keeps up with."""
_FILES_PER_DEVICE = 2
_TRIAL_S = 10


class Verdict(StrEnum):
    """What a finding means."""

    GOOD = "good"
    LIMIT = "limit"
    """Works, with something less."""
    LACKS = "lacks"
    """Something necessary is not there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the machine: what was found, what it costs, and what to do about it."""

    subject: str
    verdict: Verdict
    found: str
    cost: str = ""
    hint: str = ""

    def as_json(self) -> dict[str, str]:
        """The finding as in ``doctor --json``."""
        return {
            "subject": self.subject,
            "verdict": str(self.verdict),
            "found": self.found,
            "cost": self.cost,
            "hint": self.hint,
        }


def examine() -> Iterator[Finding]:
    """Look at everything that Bifilar needs or profits from."""
    yield _root()
    yield _kernel()
    yield from _namespaces()
    yield _bird()
    yield _program("ip", "iproute2", "verbs that show a device's interfaces in the tutorial do not work")
    yield _program("nft", "nftables", "packets cannot be dropped silently, so such faults cannot be tried")
    yield _program("rsvg-convert", "librsvg2-bin", "`make demo` draws no PNG beside the SVG")
    yield _neighbours()
    yield _memory()
    yield _cores()
    yield _open_files()


def _root() -> Finding:
    if os.geteuid() == 0:
        return Finding("root", Verdict.GOOD, "running as root")
    return Finding(
        "root",
        Verdict.LACKS,
        f"running as user {os.geteuid()}",
        "no lab can be built and nothing verified; check, show and render work",
        "run it with sudo",
    )


def _kernel() -> Finding:
    return Finding("kernel", Verdict.GOOD, f"{platform.system()} {platform.release()}")


@dataclass(frozen=True, slots=True)
class _Trial:
    subject: str
    command: str
    """Shell words for a namespace of its own."""
    cost: str
    necessary: bool
    hint: str = "use a kernel that has it, such as Debian's"

    def finding(self, error: str | None) -> Finding:
        if error is None:
            return Finding(self.subject, Verdict.GOOD, "works")
        verdict = Verdict.LACKS if self.necessary else Verdict.LIMIT
        return Finding(self.subject, verdict, error, self.cost, self.hint)


_TRIALS = (
    _Trial("device veth", "ip link add name a type veth peer name b", "no link can be built", necessary=True),
    _Trial("device bridge", "ip link add name a type bridge", "no rack can be built", necessary=True),
    _Trial(
        "device dummy",
        "ip link add name a type dummy",
        "`node0` is an ifb device instead, which does the same",
        necessary=False,
    ),
    _Trial(
        "device ifb",
        "ip link add name a type ifb",
        "where dummy lacks too, nothing can hold a management address",
        necessary=False,
    ),
    _Trial(
        "ECMP by flow",
        "sysctl -qw net.ipv4.fib_multipath_hash_policy=3 net.ipv4.fib_multipath_hash_fields=0x37",
        "flows of all tiers choose alike on one kernel, so only some paths are used",
        necessary=True,
        hint="use Linux 5.12 or newer",
    ),
    _Trial(
        "ECMP seed",
        "sysctl -qw net.ipv4.fib_multipath_hash_seed=1",
        "devices of one kernel hash alike, so flows of one tier may not spread over the next",
        necessary=False,
        hint="use Linux 6.11 or newer",
    ),
    _Trial(
        "IPv6",
        "ip -6 address add 2001:db8::1/128 dev lo",
        "IPv6 and unnumbered fabrics cannot run",
        necessary=False,
    ),
)


def _namespaces() -> Iterator[Finding]:
    entry = _tried("true")
    cost = "no lab can be built"
    if entry is not None:
        yield Finding(
            "network namespaces", Verdict.LACKS, entry, cost, "run as root, outside restricted containers"
        )
        return
    yield Finding("network namespaces", Verdict.GOOD, "work")
    for trial in _TRIALS:
        yield trial.finding(_tried(trial.command))


def _tried(command: str) -> str | None:
    """Run a command in a namespace that ends with it; the last line of its complaint, or ``None`` if it worked."""
    script = f"mount -t sysfs sysfs /sys 2>/dev/null; {command}"
    unshare = ["unshare", "--net", "--mount", "--", "sh", "-ec", script]
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}", "LC_ALL": "C"}
    try:
        run = subprocess.run(
            unshare, capture_output=True, text=True, check=False, env=environment, timeout=_TRIAL_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if run.returncode == 0:
        return None
    complaint = run.stderr.strip().splitlines()
    return complaint[-1] if complaint else f"exit status {run.returncode}"


def _bird() -> Finding:
    cost = "no lab can be built"
    try:
        version = bird_version(bird_command())
    except MachineError as error:
        return Finding("BIRD", Verdict.LACKS, error.what, cost, error.hint)
    said = ".".join(map(str, version))
    if version < _OLDEST_BIRD:
        return Finding(
            "BIRD", Verdict.LACKS, said, "its configuration is not understood", "install 2.0.12 or newer"
        )
    return Finding("BIRD", Verdict.GOOD, said)


def _program(name: str, package: str, cost: str) -> Finding:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")
    if found:
        return Finding(name, Verdict.GOOD, found)
    return Finding(name, Verdict.LIMIT, "not found", cost, f"apt-get install {package}")


def _neighbours() -> Finding:
    subject = "neighbour table"
    try:
        threshold = int(Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return Finding(
            subject, Verdict.LIMIT, f"unknown: {error}", "labs of more than 300 devices may not converge"
        )
    devices = threshold // _NEIGHBOURS_PER_DEVICE
    return _sized(
        subject,
        f"{threshold} entries",
        devices,
        "`lab up` raises net.ipv4.neigh.default.gc_thresh* if it may",
    )


def _memory() -> Finding:
    text = Path("/proc/meminfo").read_text(encoding="utf-8")
    available = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    mib = int(available[1]) // 1024 if available else 0
    return _sized("memory", f"{mib} MiB available", mib // _MIB_PER_DEVICE, "close other programs")


def _cores() -> Finding:
    cores = len(os.sched_getaffinity(0))
    hint = "give larger fabrics longer BFD intervals"
    return _sized("processors", f"{cores}", cores * _DEVICES_PER_CORE, hint)


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = hard if hard != resource.RLIM_INFINITY else 1 << 20
    return _sized(
        "open files", f"{soft}, up to {limit}", limit // _FILES_PER_DEVICE, "raise it: ulimit -Hn 1048576"
    )


_COMFORTABLE_DEVICES = 300


def _sized(subject: str, found: str, devices: int, hint: str) -> Finding:
    """A resource that bounds how large a lab can be."""
    cost = f"enough for labs of about {devices} devices"
    if devices >= _COMFORTABLE_DEVICES:
        return Finding(subject, Verdict.GOOD, found, cost)
    return Finding(subject, Verdict.LIMIT, found, cost, hint)
