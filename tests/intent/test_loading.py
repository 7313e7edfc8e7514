import tracemalloc
from pathlib import Path

import pytest

from bifilar.errors import InputError, IntentErrors
from bifilar.intent import load_intent
from bifilar.intent.loading import MAX_BYTES

TEXT = """\
name: fabric
addresses: {servers: 10.69.0.0/20, spine-tor: 10.72.1.0/24}
spines: 2
racks:
  - {number: 0, servers: 3}
"""


def refused(path: Path) -> InputError:
    with pytest.raises(InputError) as error:
        load_intent(path)
    return error.value


def test_a_file_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "fabric.yaml"
    path.write_text(TEXT, encoding="utf-8")
    assert load_intent(path).name == "fabric"


def test_a_byte_order_mark_at_the_start_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "fabric.yaml"
    path.write_text(TEXT, encoding="utf-8-sig")
    assert load_intent(path).name == "fabric"


def test_a_file_of_100_mb_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    tracemalloc.start()
    error = refused(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert error.what == "is larger than 1 MiB; an intent is never so large"
    assert peak < 4 * MAX_BYTES


def test_a_device_without_end_is_refused() -> None:
    assert refused(Path("/dev/zero")).what == "is larger than 1 MiB; an intent is never so large"


def test_the_largest_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "fabric.yaml"
    path.write_text(TEXT + "#" * (MAX_BYTES - len(TEXT)), encoding="utf-8")
    assert load_intent(path).name == "fabric"


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"name: fabric\nracks: \xff\n", 2, 8),
        (b"\xff\xfen\x00", 1, 1),
        (b"\xef\xbb\xbfname: \xe9", 1, 7),
        ("é: ".encode() + b"\xc3", 1, 4),
    ],
)
def test_the_first_byte_that_is_not_utf8_has_a_place(
    tmp_path: Path, content: bytes, line: int, column: int
) -> None:
    path = tmp_path / "fabric.yaml"
    path.write_bytes(content)
    error = refused(path)
    assert isinstance(error, IntentErrors)
    (problem,) = error.problems
    assert (problem.line, problem.column) == (line, column)
    assert problem.what.endswith("is not UTF-8")


def test_a_missing_file_and_one_with_nearly_its_name(tmp_path: Path) -> None:
    (tmp_path / "fabric.yaml").write_text(TEXT, encoding="utf-8")
    error = refused(tmp_path / "fabrik.yaml")
    assert error.what == "there is no such file"
    assert error.hint == f"did you mean {tmp_path / 'fabric.yaml'}?"


def test_a_missing_directory(tmp_path: Path) -> None:
    assert refused(tmp_path / "none" / "fabric.yaml").hint == "check the path"


def test_a_directory(tmp_path: Path) -> None:
    assert refused(tmp_path).what == "this is a directory"


def test_a_path_through_a_file(tmp_path: Path) -> None:
    path = tmp_path / "fabric.yaml"
    path.write_text(TEXT, encoding="utf-8")
    assert refused(path / "more").what == "cannot be read: not a directory"


def test_an_unreadable_file() -> None:
    assert refused(Path("/proc/self/mem")).what == "cannot be read: input/output error"


def test_errors_carry_the_path(tmp_path: Path) -> None:
    path = tmp_path / "fabric.yaml"
    path.write_text(TEXT.replace("spines: 2", "spines: two"), encoding="utf-8")
    assert str(refused(path)).startswith(f"{path}:3:9: `spines` is `two`")
