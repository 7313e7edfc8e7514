"""Edge module: the command of a pod with an image: it sees a directory as its root, and only its own processes."""

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from bifilar.errors import InputError, LabError
from bifilar.lab.places import Places

_UNPACK = ("setpriv", "--pdeathsig", "KILL", "tar", "--extract", "--numeric-owner")
"""The program, not the module: it knows every compression, and defers links that lead outside. It ends with us, or it
would go on unpacking while the lab is removed."""
_IN_NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child")


def prepare(places: Places, pod: str, image: Path) -> Path:
    """The root of a pod: a directory as it is, a tar file unpacked.

    Raises:
        InputError: the image is neither.
    """
    if image.is_dir():
        return image.resolve()
    root = places.pod_root(pod)
    root.mkdir(parents=True)
    unpacked = subprocess.run(
        [*_UNPACK, "--directory", root, "--file", image],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if unpacked.returncode:
        said = unpacked.stderr.decode(errors="replace").splitlines() or ["tar failed"]
        raise InputError(
            str(image), f"can't be unpacked: {said[0]}", "an image is a directory, or a tar file of one"
        )
    return root


def inside(root: Path, command: Sequence[str]) -> list[str]:
    """How to start a command with a root of its own."""
    # Where there is no /proc to mount on, the command has to do without.
    proc = ["--mount-proc"] if (root / "proc").is_dir() else []
    return [*_IN_NAMESPACES, *proc, f"--root={root}", "--", *command]


def beside(pod: str, pids: Iterable[int], command: Sequence[str]) -> list[str]:
    """How to run a command beside the one that was started so.

    Args:
        pod: its name.
        pids: of the pod's processes.
        command: what to run.

    Raises:
        LabError: the pod's command has ended.
    """
    first = next((pid for pid in pids if _is_first(pid)), None)
    if first is None:
        raise LabError(pod, "its command has ended", f"remove it: bifilar lab pod rm {pod}")
    return ["nsenter", f"--target={first}", "--mount", "--pid", "--root", "--wd", "--", *command]


def _is_first(pid: int) -> bool:
    """Whether a process is number 1 in a namespace of its own."""
    try:
        with Path(f"/proc/{pid}/status").open() as status:
            numbers = next((line.split()[1:] for line in status if line.startswith("NSpid:")), [])
    except OSError:
        # It has ended meanwhile.
        return False
    return len(numbers) > 1 and numbers[-1] == "1"
