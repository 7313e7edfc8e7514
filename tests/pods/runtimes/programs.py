"""Programs in Go that tests need and Debian hasn't: a client of the CRI, and the ``cnitool`` of the CNI project."""

import hashlib
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

_SOURCE = Path(__file__).with_name("programs")
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bifilar"
_CNITOOL = "github.com/containernetworking/cni/cnitool"


def cri() -> Path:
    """Calls one method of the CRI; see ``programs/main.go``."""
    return _built() / "cri"


def cnitool() -> Path:
    """Calls the plugins of a network for a namespace."""
    return _built() / "cnitool"


@cache
def _built() -> Path:
    """The directory of the programs, built once for each version of their source."""
    source = b"".join(file.read_bytes() for file in sorted(_SOURCE.iterdir()))
    directory = _CACHE / f"runtime-tests-{hashlib.sha256(source).hexdigest()[:16]}"
    if not directory.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
            new = Path(scratch) / "bin"
            new.mkdir()
            _build(new)
            # Whole or not at all; and if somebody else was faster, theirs is as good.
            if not directory.exists():
                new.rename(directory)
    return directory


def _build(directory: Path) -> None:
    go = ["go", "build", "-mod=readonly", "-trimpath", "-o", f"{directory}/", ".", _CNITOOL]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": ""}
    built = subprocess.run(go, cwd=_SOURCE, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
