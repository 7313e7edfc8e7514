"""Pods with an image: a command that sees a directory as its root."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bifilar.errors import InputError, LabError
from bifilar.lab import Lab

pytestmark = pytest.mark.lab

DEADLINE_S = 30
PROGRAMS = ("sh", "sleep", "cat", "ls")


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a small system: a shell, a few programs, their libraries."""
    made = tmp_path_factory.mktemp("root")
    for directory in ("bin", "proc", "etc"):
        (made / directory).mkdir()
    (made / "etc" / "motto").write_text("two wires side by side\n")
    for name in PROGRAMS:
        program = shutil.which(name)
        assert program is not None
        shutil.copy(program, made / "bin" / name)
        said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for library in (word for word in said.split() if word.startswith("/")):
            (made / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, made / library[1:])
    return made


@pytest.fixture(params=["directory", "tar"])
def image(request: pytest.FixtureRequest, root: Path, tmp_path: Path) -> Path:
    """The same system in each form."""
    if request.param == "directory":
        return root
    packed = tmp_path / "root.tar.gz"
    subprocess.run(["tar", "--create", "--gzip", "--file", packed, "--directory", root, "."], check=True)
    return packed


def _eventually(condition: Callable[[], bool], seen: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, seen()


def _runs(pid: int) -> bool:
    """Whether a process is there, and more than what its parent has not yet looked at."""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except FileNotFoundError:
        return False


def test_its_command_has_the_image_as_root_and_sees_no_process_but_its_own(article: Lab, image: Path) -> None:
    script = "cat /etc/motto; echo /proc/[0-9]*; echo done; exec sleep 1000"
    pod = article.pods.run("imaged", "rack0-server1", image=image, command=["/bin/sh", "-c", script])
    try:
        log = Path(f"/run/bifilar/{article.name}/pods/imaged/log")
        _eventually(lambda: "done" in log.read_text(), log.read_text)
        motto, processes, _ = log.read_text().splitlines()
        assert motto == "two wires side by side"
        assert processes == "/proc/1"
        assert article.pods.execute("imaged", ["/bin/sh", "-c", "exit 7"]) == 7
        assert article.pods.execute("imaged", ["/bin/ls", "/etc/motto"]) == 0
        assert article.pods.execute("imaged", ["/bin/ls", str(Path(__file__))]) != 0
        processes_of_host = article.pods.processes(pod)
    finally:
        article.pods.remove("imaged")
    assert not any(map(_runs, processes_of_host))
    assert image.exists()


def test_a_command_that_has_ended_is_told_from_one_that_runs(article: Lab, root: Path) -> None:
    pod = article.pods.run("short", "rack0-server1", image=root, command=["/bin/sh", "-c", "exit 0"])
    try:
        _eventually(lambda: not article.pods.processes(pod), lambda: article.pods.processes(pod))
        with pytest.raises(LabError, match="its command has ended"):
            article.pods.execute("short", ["/bin/ls"])
    finally:
        article.pods.remove("short")


def test_what_is_no_image_is_refused_and_nothing_of_the_pod_is_left(article: Lab, tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar"
    broken.write_bytes(os.urandom(4096))
    with pytest.raises(InputError, match="can't be unpacked"):
        article.pods.run("broken", "rack0-server1", image=broken, command=["/bin/sh"])
    assert article.pods.all() == ()
    assert not Path(f"/run/bifilar/{article.name}/pods/broken").exists()
