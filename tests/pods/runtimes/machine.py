"""What this machine lacks for a runtime's tests."""

import re
import shutil
import subprocess
from pathlib import Path

from pods.runtimes.network import STOCK

_ALL = ("busybox", "iptables-save", "nsenter", "tc")
_OWN = {
    "containerd": ("containerd", "ctr", "runc", "go"),
    "podman": ("podman", "conmon", "runc"),
    "cnitool": ("go",),
}
_LAST_PODMAN_WITH_CNI = 4


def missing_for(runtime: str) -> str | None:
    """Why a runtime's tests can't run here, if so."""
    programs = [program for program in (*_ALL, *_OWN[runtime]) if shutil.which(program) is None]
    if programs:
        return f"needs {', '.join(programs)}"
    plugins = [plugin for plugin in ("portmap", "bandwidth", "tuning") if not Path(STOCK, plugin).exists()]
    if plugins:
        return f"needs the plugins {', '.join(plugins)} in {STOCK}"
    if runtime == "podman" and _podman_release() > _LAST_PODMAN_WITH_CNI:
        return f"needs Podman {_LAST_PODMAN_WITH_CNI}: later ones have no CNI backend"
    return None


def _podman_release() -> int:
    said = subprocess.run(["podman", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.", said)
    assert found is not None, said
    return int(found[1])
