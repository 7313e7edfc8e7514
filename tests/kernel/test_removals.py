import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest

from bifilar.kernel import interfaces, namespaces
from bifilar.kernel.removals import Removals

pytestmark = pytest.mark.lab


def ip(namespace: Path, words: str) -> None:
    subprocess.run(["ip", "-n", namespace.name, *words.split()], check=True)


@pytest.fixture
def removals(namespace: Path) -> Iterator[Removals]:
    with closing(namespaces.run_in(namespace, Removals)) as listening:
        yield listening


def test_only_interfaces_that_are_gone_are_heard_of(namespace: Path, removals: Removals) -> None:
    """Not those that come or change, nor a port that leaves its bridge, though that is announced as a removal."""
    ip(namespace, "link add br0 type bridge")
    ip(namespace, "link add veth0 type veth peer veth1")
    ip(namespace, "link set veth0 up master br0")
    ip(namespace, "link set veth0 nomaster")
    indexes = {each.name: each.index for each in namespaces.run_in(namespace, interfaces.dump)}
    ip(namespace, "link del veth0")
    ip(namespace, "link del br0")
    heard: list[int] = []
    while len(heard) < 3:
        heard += removals.wait()
    assert set(heard[:2]) == {indexes["veth0"], indexes["veth1"]}
    assert heard[2:] == [indexes["br0"]]


def test_other_namespaces_are_not_heard_of(namespace: Path, removals: Removals) -> None:
    other = namespaces.create(f"{namespace.name}-b")
    try:
        ip(other, "link add br0 type bridge")
        ip(other, "link del br0")
    finally:
        namespaces.delete(other.name)
    removals.wake()
    assert removals.wait() == []


def test_whoever_waits_can_be_woken(removals: Removals) -> None:
    heard: list[list[int]] = []
    waiting = Thread(target=lambda: heard.append(removals.wait()))
    waiting.start()
    removals.wake()
    waiting.join()
    assert heard == [[]]
