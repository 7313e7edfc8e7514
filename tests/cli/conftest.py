"""Runs the command line as a user does, and holds what it says against golden files."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bifilar.cli import main

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
REGENERATE = os.environ.get("REGENERATE") == "1"
"""``REGENERATE=1 uv run pytest tests/cli`` writes what the program says now; review it as part of the change."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command ended with."""

    status: int
    out: str
    err: str


@pytest.fixture
def bifilar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Run ``bifilar`` with these words, from the root of the repository."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words: str | Path) -> Answer:
        status = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Answer(status, captured.out, captured.err)

    return run


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Hold a text against a golden file."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if REGENERATE:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8"), f"{name}: review, then REGENERATE=1"

    return compare
