"""What this machine can't run is skipped, with what is missing as the reason."""

import os
import signal

import pytest


def pytest_configure() -> None:
    """Have Ctrl-C end the commands that tests start, also where the tests run in a script's background.

    A shell without job control lets what it starts there ignore it, and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Labs need root."""
    if os.geteuid() == 0:
        return
    for item in items:
        if item.get_closest_marker("lab"):
            item.add_marker(pytest.mark.skip(reason="needs root, to make network namespaces"))
