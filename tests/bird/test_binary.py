from pathlib import Path

import pytest

from bifilar.bird import bird3_command, bird_command, bird_version, parse_check
from bifilar.errors import MachineError

pytestmark = pytest.mark.bird

GOOD = "router id 10.0.0.1;\nprotocol device { }\n"
WRONG = "router id 10.0.0.1;\nprotocol bgp {\n  nonsense;\n}\n"


@pytest.fixture(params=["BIRD 2", "BIRD 3"])
def command(request: pytest.FixtureRequest) -> list[str]:
    """Both major versions."""
    return bird_command() if request.param == "BIRD 2" else bird3_command()


def test_a_good_configuration(command: list[str], tmp_path: Path) -> None:
    file = tmp_path / "good.conf"
    file.write_text(GOOD)
    assert parse_check(GOOD, command) is None
    assert parse_check(file, command) is None


def test_a_wrong_configuration_has_a_place(command: list[str], tmp_path: Path) -> None:
    file = tmp_path / "wrong.conf"
    file.write_text(WRONG)
    for configuration, where in ((WRONG, "bird.conf:3:3"), (file, f"{file}:3:3")):
        error = parse_check(configuration, command)
        assert error is not None
        assert error.where == where
        assert error.what.startswith("syntax error")


def test_a_file_that_is_not_there(command: list[str], tmp_path: Path) -> None:
    error = parse_check(tmp_path / "none.conf", command)
    assert error is not None
    assert "No such file or directory" in error.what


def test_versions() -> None:
    assert (2, 0, 12) <= bird_version(bird_command()) < (3,)
    assert bird_version(bird3_command()) >= (3, 3, 1)


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(MachineError, match="cannot be run"):
        bird_version(["/nonexistent/bird"])


def test_a_program_that_is_no_bird() -> None:
    with pytest.raises(MachineError, match="doesn't say its version"):
        bird_version(["true"])


def test_no_bird_on_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("bifilar.bird.binary._SYSTEM_PATH", str(tmp_path))
    with pytest.raises(MachineError, match="there is no program 'bird'"):
        bird_command()
