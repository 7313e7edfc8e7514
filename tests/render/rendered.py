"""The examples, designed and rendered once."""

from functools import cache
from pathlib import Path

from bifilar.fabric import Fabric, design
from bifilar.intent import load_intent
from bifilar.render import Renderer

EXAMPLES = Path(__file__).parents[2] / "examples"
SHAPES = ["article", "neco", "as-per-server", "dual-stack", "unnumbered", "five-stage", "ipv6-only"]


@cache
def fabric_of(example: str) -> Fabric:
    """The fabric of an example."""
    return design(load_intent(EXAMPLES / f"{example}.yaml"))


@cache
def files_of(example: str) -> dict[str, dict[str, str]]:
    """Every file of every device of an example, by device and path."""
    return {name: dict(files) for name, files in Renderer(fabric_of(example)).all()}
