"""Recorded replies, golden files, and daemons to talk to."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from bifilar.bird import Reply, ReplyParser, bird3_command, bird_command

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from bird_daemon import CONFIGURATION, Daemon, answers, wait_until  # noqa: E402 - after the path to it

REGENERATE = os.environ.get("REGENERATE") == "1"
"""``REGENERATE=1 uv run pytest tests/bird`` writes what the program says now; review it as part of the change."""
VERSIONS = ("2.0.12", "3.3.2")
# A busy machine may take its time; what is slow by nature shows in the whole run.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

Recorded = Callable[[str, str], bytes]


@pytest.fixture
def golden() -> Callable[[Path, str], None]:
    """Hold a text against a file in the repository."""

    def compare(file: Path, text: str) -> None:
        if REGENERATE:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        assert text == file.read_text(), f"{file} differs"

    return compare


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    """Each BIRD whose replies are recorded."""
    return str(request.param)


@pytest.fixture
def recorded() -> Recorded:
    """The bytes of a reply, by the version of BIRD and a part of the file's name that only it has."""

    def read(version: str, name: str) -> bytes:
        (file,) = (HERE / "replies" / version).glob(f"{name}.txt")
        return file.read_bytes()

    return read


@pytest.fixture
def reply_to(version: str, recorded: Recorded) -> Callable[[str], Reply]:
    """The reply of one version to a command, by the name of its recording."""

    def parse(name: str) -> Reply:
        parser = ReplyParser()
        parser.feed(recorded(version, name))
        reply = parser.next_event()
        assert isinstance(reply, Reply)
        return reply

    return parse


@pytest.fixture(params=["BIRD 2", "BIRD 3"])
def daemon(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Daemon]:
    """A BIRD without privileges and without neighbours, of each major version."""
    command = bird_command() if request.param == "BIRD 2" else bird3_command()
    configuration, control = tmp_path / "bird.conf", tmp_path / "bird.ctl"
    configuration.write_text(CONFIGURATION.format(port=20_000 + os.getpid() % 10_000))
    files = ["-c", str(configuration), "-s", str(control), "-P", str(tmp_path / "bird.pid")]
    process = subprocess.Popen([*command, "-f", *files], stderr=subprocess.PIPE)
    try:
        wait_until(
            lambda: process.poll() is not None or answers(control), f"the control socket of {request.param}"
        )
        assert process.poll() is None, process.communicate()[1].decode()
        yield Daemon(process, control, configuration)
    finally:
        process.kill()
        process.communicate()
