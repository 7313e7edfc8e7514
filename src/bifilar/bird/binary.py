"""Edge module: the BIRD program on this machine, and what it thinks of a configuration file."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bifilar.errors import DaemonError, MachineError

_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where distributions put daemons; not on the PATH of an ordinary user."""
_DIAGNOSIS = re.compile(
    r"(?:bird: )?(?:.*<[A-Z]+> )?(?P<file>.+?):(?P<line>\d+):(?P<column>\d+) (?P<what>.+)"
)
"""``bird: FILE:LINE:COLUMN WHAT``; BIRD 3 puts time, thread and severity before the file."""


def bird_command() -> list[str]:
    """The command that starts the installed BIRD, found on PATH or where daemons are.

    Raises:
        MachineError: there is none.
    """
    found = shutil.which("bird", path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")
    if found is None:
        raise MachineError("BIRD", "there is no program 'bird'", "install it: apt-get install bird2")
    return [found]


def bird_version(command: Sequence[str]) -> tuple[int, ...]:
    """The version of a BIRD, such as ``(2, 0, 12)``.

    Raises:
        MachineError: it can't be run, or says something else.
    """
    where = " ".join(command)
    try:
        run = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise MachineError(
            where, f"cannot be run: {error.strerror}", "install BIRD: apt-get install bird2"
        ) from error
    # 2.x says it on standard error, 3.x too; a packager may have changed that.
    said = (run.stderr + run.stdout).strip()
    version = re.fullmatch(r"BIRD version (\d+(?:\.\d+)*).*", said, re.DOTALL)
    if version is None:
        raise MachineError(where, f"doesn't say its version but {said[:80]!r}", "is this BIRD 2 or 3?")
    return tuple(int(part) for part in version[1].split("."))


def parse_check(configuration: str | Path, command: Sequence[str] | None = None) -> DaemonError | None:
    """Have BIRD read a configuration without running it.

    Args:
        configuration: the text, or the path of a file.
        command: the BIRD to ask; the installed one unless told.

    Returns:
        ``None`` if it is good, else the error, with ``file:line:column`` as its *where*.

    Raises:
        MachineError: there is no BIRD to ask.
    """
    program = list(command) if command is not None else bird_command()
    if isinstance(configuration, Path):
        return _parse_file(program, configuration)
    with tempfile.TemporaryDirectory(prefix="bifilar-") as directory:
        path = Path(directory) / "bird.conf"
        path.write_text(configuration, encoding="utf-8")
        error = _parse_file(program, path)
    # The file is gone: name the text instead.
    return error and DaemonError(error.where.replace(str(path), path.name), error.what, error.hint)


def _parse_file(program: list[str], path: Path) -> DaemonError | None:
    try:
        run = subprocess.run([*program, "-p", "-c", str(path)], capture_output=True, text=True, check=False)
    except OSError as error:
        raise MachineError(" ".join(program), f"cannot be run: {error.strerror}", "install BIRD") from error
    if run.returncode == 0:
        return None
    said = (run.stderr + run.stdout).strip()
    for line in said.splitlines():
        if diagnosis := _DIAGNOSIS.fullmatch(line):
            where = f"{diagnosis['file']}:{diagnosis['line']}:{diagnosis['column']}"
            return DaemonError(where, diagnosis["what"], "correct that line of the configuration")
    what = said or f"bird -p ended with status {run.returncode}"
    return DaemonError(str(path), what, "correct the configuration")
