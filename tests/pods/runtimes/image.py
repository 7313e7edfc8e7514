"""A container image made on the spot: busybox, and a web page that says who asks for it."""

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

NAME = "localhost/bifilar-pod:test"
PORT = 80
WEB_SERVER = ("/bin/busybox", "httpd", "-f", "-p", str(PORT), "-h", "/www")
PAUSE = ("/bin/busybox", "sleep", "infinity")
PEER_PAGE = "cgi-bin/peer"
"""Answers with the address of whoever asks."""
_PEER_SCRIPT = b"#!/bin/busybox sh\necho\necho $REMOTE_ADDR\n"
_EPOCH = "1970-01-01T00:00:00Z"


def files() -> Iterator[tuple[str, bytes]]:
    """Path and content of what is in it; all can be executed."""
    busybox = shutil.which("busybox")
    assert busybox is not None, "no busybox; Debian has it as busybox-static"
    yield "bin/busybox", Path(busybox).read_bytes()
    yield f"www/{PEER_PAGE}", _PEER_SCRIPT


def unpack(directory: Path) -> None:
    """Put its files into a directory."""
    for path, content in files():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o755)


def save(archive: Path) -> Path:
    """Write it as ``docker save`` would; every runtime can load that."""
    layer = _tar(dict(files()))
    configuration = {
        "architecture": "amd64",
        "os": "linux",
        "created": _EPOCH,
        "config": {"Cmd": list(PAUSE), "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    packed = json.dumps(configuration).encode()
    name = f"{hashlib.sha256(packed).hexdigest()}.json"
    manifest = [{"Config": name, "RepoTags": [NAME], "Layers": ["layer.tar"]}]
    content = {"layer.tar": layer, name: packed, "manifest.json": json.dumps(manifest).encode()}
    archive.write_bytes(_tar(content))
    return archive


def _tar(content: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, data in content.items():
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(data), 0o755
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
