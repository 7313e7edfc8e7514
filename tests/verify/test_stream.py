"""Streams of numbered packets between two namespaces, one of which loses its way for a while."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import TypeVar

import pytest

from bifilar.fabric.model import DeviceName
from bifilar.kernel import namespaces
from bifilar.verify.traffic.stations import Flow
from bifilar.verify.traffic.stream import Streams

pytestmark = pytest.mark.lab

T = TypeVar("T")

DEADLINE_S = 30
LEFT, RIGHT = DeviceName("left"), DeviceName("right")
ADDRESSES = {LEFT: ("198.51.100.1", "2001:db8::1"), RIGHT: ("198.51.100.2", "2001:db8::2")}


class _Wire:
    """Two namespaces with a wire between them."""

    def __init__(self) -> None:
        self.paths = {end: namespaces.create(f"vs-{os.getpid()}-{end}") for end in ADDRESSES}
        left, right = (path.name for path in self.paths.values())
        self._ip(f"-n {left} link add w0 type veth peer name w0 netns {right}")
        for end, addresses in ADDRESSES.items():
            self.run(end, "link set w0 up")
            for address, length in zip(addresses, (24, 64), strict=True):
                self.run(end, f"address add {address}/{length} dev w0" + " nodad" * (length == 64))

    def run(self, end: DeviceName, words: str) -> None:
        self._ip(f"-n {self.paths[end].name} {words}")

    def _ip(self, words: str) -> None:
        subprocess.run(["ip", *words.split()], check=True)

    def run_in(self, device: DeviceName, function: Callable[[], T]) -> T:
        return namespaces.run_in(self.paths[device], function)


@pytest.fixture
def wire() -> Iterator[_Wire]:
    """Two namespaces with a wire between them."""
    try:
        yield _Wire()
    finally:
        for end in ADDRESSES:
            namespaces.delete(f"vs-{os.getpid()}-{end}")


def _eventually(condition: Callable[[], bool], seen: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, seen()


@pytest.mark.parametrize("family", [0, 1], ids=["IPv4", "IPv6"])
def test_only_the_direction_that_lost_its_way_is_interrupted_and_recovers(wire: _Wire, family: int) -> None:
    there, back = ADDRESSES[RIGHT][family], ADDRESSES[LEFT][family]
    flows = [Flow(LEFT, RIGHT, ip_address(there), 0, 0), Flow(RIGHT, LEFT, ip_address(back), 1, 1)]
    length = (32, 128)[family]
    with Streams(wire, flows) as streams:
        _eventually(lambda: max(streams.ages_ms()) < 50, streams.ages_ms)
        wire.run(LEFT, f"route add blackhole {there}/{length}")
        _eventually(lambda: streams.ages_ms()[0] > 100, streams.ages_ms)
        assert streams.ages_ms()[1] < streams.ages_ms()[0]
        wire.run(LEFT, f"route del blackhole {there}/{length}")
        _eventually(lambda: max(streams.ages_ms()) < 50, streams.ages_ms)
    broken, whole = streams.interruptions()
    assert broken.recovered
    assert broken.lost > 0
    assert broken.longest_ms > 0
    assert (whole.lost, whole.longest_ms, whole.recovered) == (0, 0, True)
    assert whole.sent == broken.sent
