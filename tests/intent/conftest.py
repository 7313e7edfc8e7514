"""Golden files beside the tests, and the switch that writes them anew."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

REGENERATE = os.environ.get("REGENERATE") == "1"
"""``REGENERATE=1 uv run pytest tests/intent`` writes what the program says now; review it as part of the change."""


# A busy machine may take its time; what is slow by nature shows in the whole run.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def golden() -> Callable[[Path, str], None]:
    """Hold a text against a file in the repository."""

    def compare(file: Path, text: str) -> None:
        if REGENERATE:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8"), f"{file.name}: review, then REGENERATE=1"

    return compare
