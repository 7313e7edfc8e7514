from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from bifilar.pods.exports import Changes, apply, plan
from bifilar.pods.exports.kernel import ExportError
from bifilar.pods.model import Prefix
from pods.hosts import Host, monitored

pytestmark = pytest.mark.lab

BLOCKS: tuple[Prefix, ...] = (ip_network("10.64.0.0/27"), ip_network("fd64::/123"))


def sync(host: Host, exported: tuple[Prefix, ...], guarded: tuple[Prefix, ...] = ()) -> Changes:
    """Make the tables hold these; what had to be changed for it."""
    seen = host.observation()
    changes = plan(exported, guarded, seen.exports, (*seen.guards, *seen.strays))
    host.run(lambda: apply(changes))
    return changes


def tables(host: Host) -> tuple[set[Prefix], set[Prefix]]:
    seen = host.observation()
    return {route.prefix for route in seen.exports}, {route.prefix for route in seen.guards}


def test_a_block_comes_and_goes(host: Host) -> None:
    assert sync(host, BLOCKS)
    assert tables(host) == (set(BLOCKS), set(BLOCKS))
    assert not sync(host, BLOCKS)
    sync(host, (), BLOCKS)
    assert tables(host) == (set(), set(BLOCKS))
    sync(host, ())
    assert tables(host) == (set(), set())


@pytest.mark.parametrize(
    "damage",
    [
        "route replace blackhole {block} table 116 proto 30 metric 4096",
        "route add unreachable {block} table 116 proto 30 metric 9",
        "route del {block} table 116 proto 30 metric 4096",
        "route add {address} dev node0 table 116 proto 30",
        "route add {foreign} dev lo table 119 proto 30",
        "route replace {block} dev node0 table 119 proto 30",
        "route del {block} table 119 proto 30",
    ],
)
@pytest.mark.parametrize("family", [0, 1])
def test_damage_is_repaired_and_nobody_elses_route_is_touched(host: Host, damage: str, family: int) -> None:
    block = BLOCKS[family]
    pod = host.attached()
    theirs = str(block.network_address + 99)
    for table in ("116", "119"):
        host.ip("route", "add", theirs, "dev", "lo", "table", table, "proto", "31")
    sync(host, BLOCKS)
    whole = host.observation()
    words = {"block": block, "address": block.network_address + 9, "foreign": block.network_address + 64}
    host.ip(*damage.format(**words).split())
    assert sync(host, BLOCKS)
    assert host.observation() == whole
    assert host.run(lambda: host.wiring.check(pod)) == []
    for table in ("116", "119"):
        family_flag = "-4" if block.version == 4 else "-6"
        assert theirs in host.ip(family_flag, "route", "show", "table", table)


def test_a_block_of_one_address_guards_what_no_pod_has(host: Host) -> None:
    """Its guard has the prefix of its pod's own route, and neither removes the other."""
    order = host.attached()
    blocks = tuple(ip_network(address) for address in order.attachment.addresses.each())
    sync(host, blocks)
    assert host.run(lambda: host.wiring.check(order)) == []
    sync(host, ())
    assert host.run(lambda: host.wiring.check(order)) == []
    sync(host, blocks)
    host.run(lambda: host.wiring.detach(order.attachment))
    assert tables(host) == (set(blocks), set(blocks))


def test_a_block_is_guarded_before_it_is_announced_and_for_longer(host: Host) -> None:
    with monitored(host, "route") as told:
        sync(host, BLOCKS)
        assert list(until(told, 4)) == [
            ("added", "116"),
            ("added", "116"),
            ("added", "119"),
            ("added", "119"),
        ]
        sync(host, ())
        assert list(until(told, 4)) == [
            ("removed", "119"),
            ("removed", "119"),
            ("removed", "116"),
            ("removed", "116"),
        ]


def test_what_the_kernel_refuses(host: Host) -> None:
    host.ip("link", "set", "lo", "down")
    with pytest.raises(ExportError, match=r"10\.64\.0\.0/27"):
        sync(host, BLOCKS)
    assert tables(host)[0] == set()
    host.ip("link", "set", "lo", "up")
    sync(host, BLOCKS)
    assert tables(host) == (set(BLOCKS), set(BLOCKS))


def until(lines: Iterator[str], count: int) -> Iterator[tuple[str, str]]:
    """So many changes of blocks' routes: what happened, and in which table."""
    while count:
        line = next(lines)
        if any(str(block) in line for block in BLOCKS):
            count -= 1
            yield "removed" if line.startswith("Deleted") else "added", line.split("table ")[1].split()[0]
