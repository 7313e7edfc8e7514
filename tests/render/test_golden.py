"""Rendered files, held against golden ones in ``golden/``; ``REGENERATE=1`` writes them anew."""

import os
from pathlib import Path

import pytest

from render.rendered import files_of

GOLDEN = Path(__file__).parent / "golden"
DEVICES = {
    "article": ["spine1", "rack0-tor1", "rack0-server1"],
    "neco": ["core1", "spine1", "rack0-tor1", "rack0-boot1", "rack0-server1"],
    "as-per-server": ["rack0-tor1", "rack0-server1"],
    "dual-stack": ["spine1", "rack0-tor1", "rack0-server1"],
    "unnumbered": ["spine1", "rack0-tor1"],
    "five-stage": ["super1", "zone0-spine1"],
    "ipv6-only": ["rack0-server1"],
}
CASES = [(example, device) for example, devices in DEVICES.items() for device in devices]


@pytest.mark.parametrize(("example", "device"), CASES)
def test_the_files_of_a_device_are_as_reviewed(example: str, device: str) -> None:
    rendered = files_of(example)[device]
    home = GOLDEN / example / device
    if os.environ.get("REGENERATE"):
        for path, text in rendered.items():
            file = home / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    golden = {f"/{file.relative_to(home)}": file.read_text() for file in home.rglob("*") if file.is_file()}
    assert rendered == golden
