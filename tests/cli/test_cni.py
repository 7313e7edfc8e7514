"""``cni install`` and ``cni uninstall``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Bifilar = Callable[..., Any]


@pytest.fixture
def where(tmp_path: Path) -> tuple[str, ...]:
    """Options that keep the machine's own directories out of it."""
    return ("--bin-dir", str(tmp_path / "bin"), "--conf-dir", str(tmp_path / "net.d"))


def test_install_says_what_it_did(bifilar: Bifilar, where: tuple[str, ...], tmp_path: Path) -> None:
    answer = bifilar("cni", "install", *where)
    assert answer.status == 0
    assert answer.out.splitlines() == [
        f"added: {tmp_path / 'bin/bifilar'}",
        f"added: {tmp_path / 'net.d/10-bifilar.conflist'}",
    ]
    assert answer.err == ""


def test_every_option_is_in_the_list(bifilar: Bifilar, where: tuple[str, ...], tmp_path: Path) -> None:
    options = ("--name", "pods", "--socket", "/run/a", "--cni-version", "1.1.0", "--chain", "tuning")
    answer = bifilar("cni", "install", *where, *options)
    assert json.loads((tmp_path / "net.d/10-bifilar.conflist").read_text()) == {
        "cniVersion": "1.1.0",
        "name": "pods",
        "plugins": [{"type": "bifilar", "socket": "/run/a"}, {"type": "tuning"}],
    }
    assert answer.err == f"note: {tmp_path / 'bin'} has no tuning: no pod will start\n"


def test_a_dry_run_changes_nothing(bifilar: Bifilar, where: tuple[str, ...], tmp_path: Path) -> None:
    answer = bifilar("cni", "install", *where, "--dry-run")
    assert answer.out.startswith("would be added: ")
    assert list(tmp_path.iterdir()) == []


def test_json_tells_the_same(bifilar: Bifilar, where: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "net.d").mkdir()
    (tmp_path / "net.d/05-other.conf").touch()
    document = json.loads(bifilar("cni", "install", *where, "--json").out)
    assert document == {
        "applied": True,
        "files": [
            {"path": str(tmp_path / "bin/bifilar"), "effect": "added"},
            {"path": str(tmp_path / "net.d/10-bifilar.conflist"), "effect": "added"},
        ],
        "remarks": ["05-other.conf comes first: runtimes take that network"],
    }


def test_uninstall_removes_what_install_brought(
    bifilar: Bifilar, where: tuple[str, ...], tmp_path: Path
) -> None:
    bifilar("cni", "install", *where)
    answer = bifilar("cni", "uninstall", *where)
    assert answer.out.count("removed: ") == 2
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert bifilar("cni", "uninstall", *where).out == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cni-version", "0.2.0"), "one of 0.3.1, 0.4.0, 1.0.0, 1.1.0"),
        (("--chain", "flannel"), "none of bandwidth, portmap, tuning"),
        (("--name", "a b"), "'a b' is not of letters"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(
    bifilar: Bifilar, where: tuple[str, ...], tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    answer = bifilar("cni", "install", *where, *options)
    assert answer.status == 2
    assert said in answer.err
    assert list(tmp_path.iterdir()) == []
