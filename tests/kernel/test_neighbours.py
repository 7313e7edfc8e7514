import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest

from bifilar.kernel import interfaces, namespaces, neighbours
from bifilar.kernel.neighbours import KernelNeighbour

pytestmark = pytest.mark.lab


def test_permanent_and_other_entries_of_both_families(namespace: Path) -> None:
    for words in (
        "link add br0 type bridge",
        "link set br0 up",
        "neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 nud permanent dev br0",
        "neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 nud reachable dev br0",
        "neigh add fe80::1 lladdr 02:00:00:00:00:03 nud permanent dev br0",
    ):
        subprocess.run(["ip", "-n", namespace.name, *words.split()], check=True)
    found = namespaces.run_in(namespace, neighbours.dump)
    (index,) = (each.index for each in namespaces.run_in(namespace, interfaces.dump) if each.name == "br0")
    expected = [("10.0.0.1", 1, True), ("10.0.0.2", 2, False), ("fe80::1", 3, True)]
    wanted = {ip_address(address) for address, _, _ in expected}
    assert sorted((each for each in found if each.address in wanted), key=lambda each: each.link_address) == [
        KernelNeighbour(ip_address(address), index, bytes([2, 0, 0, 0, 0, last]), permanent)
        for address, last, permanent in expected
    ]
