"""Labs of this directory's tests, and what a lab could leave behind."""

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from bifilar.fabric import Fabric, design
from bifilar.intent import load_intent
from bifilar.lab import Lab

EXAMPLES = Path(__file__).parents[2] / "examples"
CONVERGENCE_S = 120
"""A deadline for a machine that does much else, not an expectation."""

Traces = Callable[[str], dict[str, list[str]]]
Example = Callable[[str], tuple[Fabric, str]]
_numbers = count()


@pytest.fixture(scope="session")
def example() -> Example:
    """The fabric and the text of an example."""

    def read(name: str) -> tuple[Fabric, str]:
        file = EXAMPLES / f"{name}.yaml"
        return design(load_intent(file)), file.read_text()

    return read


@pytest.fixture
def lab_name() -> Iterator[str]:
    """A name that no other lab has; its lab is removed at the end."""
    name = f"kl-{os.getpid()}-{next(_numbers)}"
    yield name
    Lab.remove(name)


@pytest.fixture
def other_name() -> Iterator[str]:
    """Another one."""
    name = f"kl-{os.getpid()}-{next(_numbers)}"
    yield name
    Lab.remove(name)


@pytest.fixture(scope="module")
def article(example: Example) -> Iterator[Lab]:
    """The article's fabric, converged; for tests that only look."""
    name = f"kl-{os.getpid()}-article"
    try:
        lab = Lab.up(*example("article"), name)
        lab.wait_converged(CONVERGENCE_S)
        yield lab
    finally:
        Lab.remove(name)


@pytest.fixture(scope="session")
def traces() -> Traces:
    """What there is of a lab on this machine, by kind; all empty after its end."""

    def look(name: str) -> dict[str, list[str]]:
        prefix = f"bf-{name}-"
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        return {
            "namespaces": [path.name for path in Path("/run/netns").glob(f"{prefix}*")],
            "mounts": [line for line in mounts if f"/{prefix}" in line or f"/run/bifilar/{name}" in line],
            "processes": [str(path) for path in Path("/proc").glob("[0-9]*") if _belongs(path, name)],
            "files": _files_of(name),
        }

    return look


NOTHING: dict[str, list[str]] = {"namespaces": [], "mounts": [], "processes": [], "files": []}


@pytest.fixture(scope="session")
def nothing() -> dict[str, list[str]]:
    """No traces."""
    return NOTHING


def _files_of(lab: str) -> list[str]:
    """Everything below the directory of labs, in which others come and go, that has this lab's name in its path."""
    walked = (
        Path(directory) / name
        for directory, below, files in os.walk("/run/bifilar")
        for name in below + files
    )
    return [str(path) for path in walked if lab in path.parts]


def _belongs(process: Path, lab: str) -> bool:
    try:
        return f"BIFILAR_LAB={lab}".encode() in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        # It has ended meanwhile.
        return False
