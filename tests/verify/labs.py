"""Labs of the examples, for checks of running fabrics."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bifilar.fabric import design
from bifilar.intent import parse_intent
from bifilar.lab import Lab

EXAMPLES = Path(__file__).parents[2] / "examples"
CONVERGENCE_S = 120
"""A deadline for a machine that does much else, not an expectation."""


@contextmanager
def running_lab(
    example: str | Path, overrides: Mapping[str, str] | None = None, *, bird_version: str = "2"
) -> Iterator[Lab]:
    """The lab of an example or of an intent file, converged; removed at the end."""
    file = example if isinstance(example, Path) else EXAMPLES / f"{example}.yaml"
    name = f"vt-{file.stem}"
    Lab.remove(name)
    text = f"bird-version: {bird_version}\n{file.read_text()}"
    lab = Lab.up(design(parse_intent(text, str(file))), text, name, overrides)
    try:
        lab.wait_converged(CONVERGENCE_S)
        yield lab
    finally:
        Lab.remove(name)
