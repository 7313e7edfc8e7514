"""Which file the namespace at the other end of a link has."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bifilar.kernel import interfaces, namespaces, peers
from bifilar.kernel.links import Links

pytestmark = pytest.mark.lab


@pytest.fixture
def two() -> Iterator[tuple[Path, Path]]:
    """Two namespaces with a link between them."""
    names = [f"kp-{os.getpid()}-{letter}" for letter in "ab"]
    one, other = (namespaces.create(name) for name in names)

    def connect() -> None:
        descriptors = [os.open(path, os.O_RDONLY) for path in (one, other)]
        try:
            with Links() as links:
                links.add_veth("here", descriptors[0], "there", descriptors[1])
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    namespaces.run_in(one, connect)
    yield one, other
    for name in names:
        namespaces.delete(name)


def test_the_other_end_is_found_by_its_number(two: tuple[Path, Path]) -> None:
    one, other = two

    def look() -> dict[int, Path]:
        [number] = [each.peer_namespace for each in interfaces.dump() if each.name == "here"]
        assert number is not None
        return {number: peers.files([number])[number]}

    assert list(namespaces.run_in(one, look).values()) == [other]


def test_a_namespace_without_a_name_is_found_by_its_processes(two: tuple[Path, Path]) -> None:
    one, other = two
    inode = other.stat().st_ino
    process = namespaces.run_in(other, lambda: subprocess.Popen(["sleep", "infinity"]))
    try:
        namespaces.delete(other.name)

        def look() -> list[Path]:
            [number] = [each.peer_namespace for each in interfaces.dump() if each.name == "here"]
            assert number is not None
            return [peers.files([number])[number]]

        [path] = namespaces.run_in(one, look)
        assert path.stat().st_ino == inode
    finally:
        process.kill()
        process.wait()


def test_a_number_of_nobody_is_left_out(two: tuple[Path, Path]) -> None:
    assert namespaces.run_in(two[0], lambda: peers.files([4711])) == {}


def test_an_end_in_the_same_namespace_has_no_number(two: tuple[Path, Path]) -> None:
    def look() -> list[int | None]:
        with Links() as links:
            descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            try:
                links.add_veth("one", descriptor, "two", descriptor)
            finally:
                os.close(descriptor)
        return [each.peer_namespace for each in interfaces.dump() if each.name in ("one", "two")]

    assert namespaces.run_in(two[0], look) == [None, None]
