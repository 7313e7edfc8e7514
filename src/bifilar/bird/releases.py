"""Edge module: a BIRD 3 beside the installed BIRD, unpacked into the cache and installed nowhere.

Debian 12 has BIRD 2.0.12, and 3.x before 3.3.1 crashes on the configuration of a server (``gateway recursive``
with a changed gateway). So whoever wants to try 3 takes Debian 13's backport: apt fetches the package and
everything that it links to, down to the C library, with a configuration, a package list and a status of its own,
so that the machine's apt is neither read nor changed. Signatures and dates are checked as always. The packages are
unpacked, not installed, and BIRD runs through the dynamic loader that came with it.

``python -m bifilar.bird`` fetches it if need be and prints the command that runs it.
"""

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bifilar.bird.binary import bird_version
from bifilar.errors import MachineError

OLDEST_BIRD3 = (3, 3, 1)
"""The first BIRD 3 that doesn't crash on a server's next-hop filter."""

_MIRROR = "http://deb.debian.org/debian"
_SUITES = ("trixie", "trixie-backports")
_PACKAGES = ("bird3", "systemd-standalone-sysusers")
"""BIRD depends on one of several packages that create users; the second is the smallest."""
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

Tell = Callable[[str], None]


def _tell_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def cache_directory() -> Path:
    """Where fetched programs are kept: ``bifilar`` in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bifilar"


def bird3_command(tell: Tell = _tell_stderr) -> list[str]:
    """The command that starts a BIRD >= 3.3.1, fetched from Debian if it isn't in the cache.

    The first words are the loader that came with it and its library path; arguments of BIRD are added at the end.
    The kernel therefore knows the process by the name of the loader.

    Args:
        tell: is given each line of progress; standard error unless told.

    Raises:
        MachineError: it isn't in the cache and can't be fetched.
    """
    home = cache_directory() / "bird3"
    if found := _newest(home):
        return found
    home.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(home):
        if found := _newest(home):
            return found
        _fetch(home, tell)
    if found := _newest(home):
        return found
    raise MachineError(
        str(home),
        f"Debian's {_SUITES[-1]} has no BIRD >= {_dotted(OLDEST_BIRD3)}",
        "use BIRD 2 on this machine",
    )


def _newest(home: Path) -> list[str] | None:
    """The command of the newest complete BIRD under ``home``; directories are named by version."""
    versions = [
        (version, directory)
        for directory in home.glob("[0-9]*")
        if (version := _version(directory.name)) >= OLDEST_BIRD3
    ]
    return _command(max(versions)[1]) if versions else None


def _version(text: str) -> tuple[int, ...]:
    parts = text.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _command(root: Path) -> list[str]:
    loaders = sorted(root.glob("usr/lib/*/ld-linux*.so.*"))
    if not loaders:
        raise MachineError(
            str(root), "no dynamic loader in it", "remove that directory, and it is fetched again"
        )
    loader = loaders[0]
    return [str(loader), "--library-path", str(loader.parent), str(root / "usr/sbin/bird")]


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Hold the lock of ``home``; released by the kernel even if we are killed."""
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(home: Path, tell: Tell) -> None:
    """Unpack Debian's BIRD 3 into ``home/<version>``; it appears there whole or not at all."""
    if not _KEYRING.exists():
        raise MachineError(
            str(_KEYRING), "Debian's keys are missing", "apt-get install debian-archive-keyring"
        )
    for interrupted in home.glob(".fetch-*"):
        shutil.rmtree(interrupted)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=home) as scratch:
        apt = Path(scratch) / "apt"
        root = Path(scratch) / "root"
        configuration = _private_apt(apt)
        tell(f"BIRD 3: reading the package lists of Debian {' and '.join(_SUITES)} (once, 10 MB)")
        _run(["apt-get", "-qq", "update"], configuration)
        tell(f"BIRD 3: downloading {_PACKAGES[0]} and what it links to")
        options = ["-qq", "--yes", "--no-install-recommends", "--download-only"]
        _run(["apt-get", *options, "--target-release", _SUITES[-1], "install", *_PACKAGES], configuration)
        root.mkdir()
        for package in sorted((apt / "cache/archives").glob("*.deb")):
            _run(["dpkg", "--extract", str(package), str(root)], configuration)
        version = bird_version(_command(root))
        destination = home / _dotted(version)
        tell(f"BIRD 3: unpacked {_dotted(version)} into {destination}")
        root.rename(destination)


def _private_apt(directory: Path) -> Path:
    """An apt that knows two suites, no installed package and nothing of the machine's; its configuration file."""
    for part in ("state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d"):
        (directory / part).mkdir(parents=True)
    (directory / "status").touch()
    sources = "".join(f"deb [signed-by={_KEYRING}] {_MIRROR} {suite} main\n" for suite in _SUITES)
    (directory / "etc/sources.list").write_text(sources)
    configuration = directory / "apt.conf"
    configuration.write_text(
        f'Dir::State "{directory}/state";\n'
        f'Dir::State::status "{directory}/status";\n'
        f'Dir::Cache "{directory}/cache";\n'
        f'Dir::Etc "{directory}/etc";\n'
        'Acquire::Languages "none";\n'
        'Acquire::Retries "3";\n'
        # The unprivileged user of root's apt can't write into a home directory.
        'APT::Sandbox::User "";\n'
        'Debug::NoLocking "1";\n'
    )
    return configuration


def _run(command: list[str], apt_configuration: Path) -> None:
    environment = {**os.environ, "APT_CONFIG": str(apt_configuration), "LC_ALL": "C.UTF-8"}
    where = shlex.join(command[:2])
    try:
        run = subprocess.run(
            command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
    except OSError as error:
        raise MachineError(
            where, f"cannot be run: {error.strerror}", "this needs Debian's apt and dpkg"
        ) from error
    if run.returncode != 0:
        complaints = [line for line in run.stderr.splitlines() if line.startswith("E:")] or [
            run.stderr.strip()
        ]
        raise MachineError(where, complaints[0], "BIRD 3 is fetched once from Debian: is there a network?")
