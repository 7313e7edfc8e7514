"""``render``: files on the disk, replaced as a whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bifilar.cli import files
from bifilar.errors import OperationError

Bifilar = Callable[..., Any]

INTENT = "examples/article.yaml"


def tree(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): path.read_text(encoding="utf-8")
        for path in directory.rglob("*")
        if path.is_file() and path.name != files.MARKER
    }


def test_every_file_of_every_device_at_its_absolute_path(bifilar: Bifilar, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    answer = bifilar("render", INTENT, "--out", out)
    assert (answer.status, answer.out) == (0, "")
    assert (out / "spine1/etc/bird/bird.conf").is_file()
    assert (out / "rack0-server1/etc/systemd/network/10-node0.network").is_file()
    assert len({path.split("/")[0] for path in tree(out)}) == 12


def test_a_second_render_changes_nothing(bifilar: Bifilar, tmp_path: Path) -> None:
    bifilar("render", INTENT, "--out", tmp_path / "out")
    before, inode = tree(tmp_path / "out"), (tmp_path / "out").stat().st_ino
    answer = bifilar("render", INTENT, "--out", tmp_path / "out")
    assert "0 added, 0 changed, 0 removed" in answer.err
    assert tree(tmp_path / "out") == before
    assert (tmp_path / "out").stat().st_ino == inode
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_files_of_devices_that_are_gone_are_removed(bifilar: Bifilar, tmp_path: Path) -> None:
    bifilar("render", "examples/neco.yaml", "--out", tmp_path / "out")
    bifilar("render", INTENT, "--out", tmp_path / "out")
    assert not (tmp_path / "out" / "core1").exists()


def test_dry_run_writes_nothing(bifilar: Bifilar, tmp_path: Path) -> None:
    answer = bifilar("render", INTENT, "--out", tmp_path / "out", "--dry-run")
    assert answer.status == 0
    assert "+ spine1/etc/bird/bird.conf" in answer.out.splitlines()
    assert not (tmp_path / "out").exists()


def test_one_device_leaves_the_others_alone(bifilar: Bifilar, tmp_path: Path) -> None:
    out = tmp_path / "out"
    bifilar("render", INTENT, "--out", out)
    before = tree(out)
    (out / "spine1/etc/bird/bird.conf").write_text("changed\n", encoding="utf-8")
    (out / "spine2/etc/bird/bird.conf").write_text("changed, too\n", encoding="utf-8")
    bifilar("render", INTENT, "--out", out, "--device", "spine1")
    assert tree(out) == {**before, "spine2/etc/bird/bird.conf": "changed, too\n"}


def test_one_device_is_printed_without_a_directory(bifilar: Bifilar) -> None:
    answer = bifilar("render", INTENT, "--device", "spine1")
    assert answer.out.startswith("==> spine1/etc/bird/bird.conf <==\n")


def test_somewhere_is_needed_for_all_devices(bifilar: Bifilar) -> None:
    answer = bifilar("render", INTENT)
    assert answer.status == 2
    assert "--out" in answer.err


def test_a_foreign_directory_is_left_alone(bifilar: Bifilar, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("chapter one", encoding="utf-8")
    answer = bifilar("render", INTENT, "--out", tmp_path)
    assert answer.status == 2
    assert "bifilar did not write: thesis.tex" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_foreign_file_among_ours_is_left_alone(bifilar: Bifilar, tmp_path: Path) -> None:
    bifilar("render", INTENT, "--out", tmp_path / "out")
    note = tmp_path / "out" / "spine1" / "note.txt"
    note.write_text("cable swapped", encoding="utf-8")
    answer = bifilar("render", "examples/neco.yaml", "--out", tmp_path / "out")
    assert answer.status == 2
    assert "spine1/note.txt" in answer.err
    assert note.read_text(encoding="utf-8") == "cable swapped"


def test_a_file_is_no_directory(bifilar: Bifilar, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("", encoding="utf-8")
    assert bifilar("render", INTENT, "--out", tmp_path / "out").status == 2


def test_an_interrupted_write_leaves_the_old_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    files.replace_directory(out, {"a": "old"})
    with pytest.raises(OperationError):
        files.replace_directory(out, {"a": "new", "b": "new", "b/c": "a file cannot be a directory, too"})
    assert tree(out) == {"a": "old"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_a_killed_render_left_is_cleaned_up(tmp_path: Path) -> None:
    dead = 2**22 + 1  # more than any process number
    for name in (
        f".out.old-{dead}",
        f".out.new-{dead}",
        f".out.new-{os.getpid()}-mine",
        f".other.new-{dead}",
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    files.replace_directory(tmp_path / "out", {"a": "new"})
    assert tree(tmp_path / "out") == {"a": "new"}
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"out", f".out.new-{os.getpid()}-mine", f".other.new-{dead}"}


def test_a_killed_renders_old_files_come_back_first(tmp_path: Path) -> None:
    dead = tmp_path / f".out.old-{2**22 + 1}"
    files.replace_directory(dead, {"a": "old"})
    with pytest.raises(OperationError):
        files.replace_directory(tmp_path / "out", {"a": "new", "a/b": "impossible"})
    assert tree(tmp_path / "out") == {"a": "old"}
    assert not dead.exists()


def test_a_template_of_ours_takes_the_place_of_a_built_in_one(bifilar: Bifilar, tmp_path: Path) -> None:
    (tmp_path / "mine" / "bird").mkdir(parents=True)
    (tmp_path / "mine" / "bird" / "spine.conf.j2").write_text(
        "# {{ device.name }} is mine\n", encoding="utf-8"
    )
    answer = bifilar("render", INTENT, "--device", "spine2", "--templates", tmp_path / "mine")
    assert answer.status == 0
    assert "# spine2 is mine" in answer.out


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("bird/spin.conf.j2", "", "bird/spin.conf.j2"),
        ("bird/spine.conf.j2", "{{ device.nme }}", "bird/spine.conf.j2"),
        ("bird/spine.conf.j2", "{% if %}", "bird/spine.conf.j2:1"),
        ("readme.txt", "", "no template"),
    ],
)
def test_wrong_templates_are_told_by_name(
    name: str, text: str, said: str, bifilar: Bifilar, tmp_path: Path
) -> None:
    template = tmp_path / name
    template.parent.mkdir(exist_ok=True)
    template.write_text(text, encoding="utf-8")
    answer = bifilar("render", INTENT, "--device", "spine1", "--templates", tmp_path)
    assert answer.status == 2
    assert said in answer.err
    assert "hint: " in answer.err
