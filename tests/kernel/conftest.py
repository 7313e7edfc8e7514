"""Namespaces of this directory's tests: made for one test, gone after it."""

from collections.abc import Callable, Iterator
from itertools import count
from os import getpid
from pathlib import Path

import pytest

from bifilar.kernel import namespaces

_numbers = count()


@pytest.fixture
def make_namespace() -> Iterator[Callable[[], Path]]:
    """Makes namespaces whose names nobody else has."""
    made: list[Path] = []

    def make() -> Path:
        made.append(namespaces.create(f"kt-{getpid()}-{next(_numbers)}"))
        return made[-1]

    yield make
    for path in made:
        namespaces.delete(path.name)


@pytest.fixture
def namespace(make_namespace: Callable[[], Path]) -> Path:
    """An empty namespace."""
    return make_namespace()
