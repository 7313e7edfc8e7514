"""Fetching BIRD 3, with stand-ins for apt where it must fail."""

import shlex
from pathlib import Path

import pytest

from bifilar.bird import bird3_command, bird_version
from bifilar.bird.__main__ import main
from bifilar.bird.releases import cache_directory
from bifilar.errors import MachineError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "bifilar" / "bird3"


def program(directory: Path, name: str, script: str) -> None:
    """Put a shell script on a path."""
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / name).chmod(0o755)


@pytest.mark.bird
def test_what_is_in_the_cache_needs_no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command = bird3_command()
    assert bird_version(command) >= (3, 3, 1)
    assert command[0].startswith(str(cache_directory()))
    monkeypatch.setenv("PATH", str(tmp_path))
    said: list[str] = []
    assert bird3_command(said.append) == command
    assert said == []


def test_the_newest_in_the_cache_is_taken(cache: Path) -> None:
    for version in ("3.3.2", "3.10.0", "3.1.8", "3.9"):
        loader = cache / version / "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
        loader.parent.mkdir(parents=True)
        loader.touch()
    assert bird3_command()[-1] == str(cache / "3.10.0/usr/sbin/bird")


def test_a_failed_fetch_says_why_and_leaves_nothing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "apt-get", 'echo "E: Could not resolve host" >&2; exit 100')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    said: list[str] = []
    with pytest.raises(MachineError, match="apt-get -qq: E: Could not resolve host"):
        bird3_command(said.append)
    assert [entry.name for entry in cache.iterdir()] == [".lock"]
    assert len(said) == 1


def test_what_an_interrupted_fetch_left_is_removed(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cache / ".fetch-interrupted" / "root").mkdir(parents=True)
    program(tmp_path / "bin", "apt-get", "exit 100")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(MachineError):
        bird3_command(lambda _: None)
    assert [entry.name for entry in cache.iterdir()] == [".lock"]


def test_a_suite_without_a_good_version(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian has only an old BIRD: it is unpacked, and refused."""
    bin_directory = tmp_path / "bin"
    package = "$(dirname $APT_CONFIG)/cache/archives/bird3.deb"
    program(bin_directory, "apt-get", f'case "$*" in *install*) touch {package};; esac')
    loader = "$3/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    script = f'mkdir -p $(dirname {loader}) && printf "#!/bin/sh\\necho BIRD version 3.1.8\\n" > {loader} && chmod 755 {loader}'
    program(bin_directory, "dpkg", script)
    monkeypatch.setenv("PATH", f"{bin_directory}:/usr/bin:/bin")
    said: list[str] = []
    with pytest.raises(MachineError, match=r"has no BIRD >= 3\.3\.1"):
        bird3_command(said.append)
    assert any("unpacked 3.1.8" in line for line in said)
    assert (cache / "3.1.8").is_dir()


def test_the_module_prints_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert capsys.readouterr().out == f"{shlex.join(bird3_command())}\n"


def test_the_module_prints_an_error_without_a_traceback(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main() == 3
    error = capsys.readouterr().err
    assert "apt-get -qq: cannot be run" in error
    assert "hint: this needs Debian's apt and dpkg" in error
    assert not list(cache.glob("[0-9]*"))
