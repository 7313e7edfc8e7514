"""A node's kernel, for tests of what is done in it."""

from collections.abc import Iterator

import pytest

from pods.hosts import Host


@pytest.fixture
def host() -> Iterator[Host]:
    """A node without pods."""
    made = Host()
    yield made
    made.close()
