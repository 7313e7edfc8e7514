"""The CNI project's own skeleton, built into a plugin that does nothing."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from bifilar.bird.releases import cache_directory

_SOURCE = Path(__file__).parent / "skel"
_FILES = ("main.go", "go.mod", "go.sum")
_DEFAULT_HOME_OF_GO = "/usr/local/go/bin"


def compiler() -> str | None:
    """Go, if there is one."""
    return shutil.which("go") or shutil.which("go", path=_DEFAULT_HOME_OF_GO)


def skeleton() -> Path:
    """The plugin; built if this source has not been yet."""
    digest = hashlib.sha256(b"".join((_SOURCE / name).read_bytes() for name in _FILES)).hexdigest()
    built = cache_directory() / f"cni-skel-{digest[:16]}"
    if not built.is_file():
        go = compiler()
        assert go is not None, "ask for the compiler first"
        built.parent.mkdir(parents=True, exist_ok=True)
        new = built.with_name(f"{built.name}.new-{os.getpid()}")
        environment = {**os.environ, "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
        subprocess.run([go, "build", "-trimpath", "-o", new, "."], cwd=_SOURCE, env=environment, check=True)
        new.replace(built)
    return built
