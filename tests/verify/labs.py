"""Labs of the examples, for checks of running fabrics."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bifilar.fabric import design
from bifilar.intent import load_intent
from bifilar.lab import Lab

EXAMPLES = Path(__file__).parents[2] / "examples"
CONVERGENCE_S = 120
"""A deadline for a machine that does much else, not an expectation."""


@contextmanager
def running_lab(example: str, overrides: Mapping[str, str] | None = None) -> Iterator[Lab]:
    """An example's lab, converged; removed at the end."""
    file = EXAMPLES / f"{example}.yaml"
    name = f"vt-{example}"
    Lab.remove(name)
    lab = Lab.up(design(load_intent(file)), file.read_text(), name, overrides=overrides)
    try:
        lab.wait_converged(CONVERGENCE_S)
        yield lab
    finally:
        Lab.remove(name)
