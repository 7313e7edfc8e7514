"""What a server puts into its export tables reaches the fabric, and a drain empties a device; on real daemons."""

import asyncio
import subprocess
import time
from collections.abc import Callable
from ipaddress import ip_network

import pytest

from bifilar.bird import BirdClient
from bifilar.fabric.model import Prefix
from bifilar.kernel import routes
from bifilar.lab import Lab
from verify.labs import running_lab

pytestmark = pytest.mark.lab

DEADLINE_S = 30


def _wait_until(condition: Callable[[], bool], seen: Callable[[], object]) -> None:
    """Poll until a condition holds; what was seen last stands in the failure."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, seen()
        time.sleep(0.05)


def _in(lab: Lab, device: str, *command: str) -> None:
    lab.run_in(device, lambda: subprocess.run(command, check=True))


def _interfaces(lab: Lab, device: str, prefix: Prefix) -> list[str]:
    """Interfaces over which a device's main table sends packets for exactly this prefix."""
    found = lab.run_in(device, lambda: routes.dump(protocol=routes.PROTOCOL_BIRD))
    return sorted(hop.interface for route in found if route.prefix == prefix for hop in route.next_hops)


def _expect(lab: Lab, device: str, prefix: Prefix, interfaces: list[str]) -> None:
    _wait_until(
        lambda: _interfaces(lab, device, prefix) == interfaces,
        lambda: (device, _interfaces(lab, device, prefix)),
    )


def _reconfigure(lab: Lab, device: str, old: str, new: str) -> None:
    """Change a device's configuration on its disk and reload it."""
    file = lab.bird_config(device)
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))

    async def reload() -> None:
        async with BirdClient.connect(lab.bird_socket(device), where=device) as bird:
            await bird.configure()

    asyncio.run(reload())


def test_a_pod_block_in_table_119_is_announced_and_withdrawn() -> None:
    block = ip_network("10.64.0.32/27")
    with running_lab("article") as lab:
        route = [str(block), "dev", "lo", "table", "119", "proto", "30"]
        _in(lab, "rack0-server1", "ip", "route", "add", *route)
        _expect(lab, "rack0-server2", block, ["eth0", "eth1"])
        _expect(lab, "spine1", block, ["rack0-tor1", "rack0-tor2"])
        _expect(lab, "rack1-server1", block, ["eth0", "eth1"])
        assert _interfaces(lab, "rack0-server1", block) == []
        _in(lab, "rack0-server1", "ip", "route", "del", *route)
        _expect(lab, "rack1-server1", block, [])


def test_what_is_outside_the_fabric_s_ranges_is_not_announced() -> None:
    """A server that claims the world does not get it; one that claims a block afterwards does."""
    block = ip_network("10.64.0.32/27")
    with running_lab("article") as lab:
        for prefix in ("0.0.0.0/0", "10.69.0.197/32", str(block)):
            _in(
                lab, "rack0-server1", "ip", "route", "add", prefix, "dev", "lo", "table", "119", "proto", "30"
            )
        _expect(lab, "rack0-tor1", block, ["rack"])
        assert _interfaces(lab, "rack0-tor1", ip_network("0.0.0.0/0")) == []
        assert _interfaces(lab, "rack0-tor1", ip_network("10.69.0.197/32")) == ["spine1", "spine2"]


def test_a_vip_in_table_120_of_several_servers_is_announced_by_all_of_them() -> None:
    vip = ip_network("10.72.32.1/32")
    announcers = ("rack0-server1", "rack0-server2", "rack1-server1")
    with running_lab("neco") as lab:
        for server in announcers:
            _in(lab, server, "ip", "route", "add", str(vip), "dev", "lo", "table", "120", "proto", "30")
        _expect(lab, "rack0-tor1", vip, ["rack", "rack"])
        _expect(lab, "rack1-tor1", vip, ["rack"])
        _expect(lab, "spine1", vip, ["rack0-tor1", "rack0-tor2", "rack1-tor1", "rack1-tor2"])
        for server in announcers:
            assert _interfaces(lab, server, vip) == []


@pytest.mark.parametrize(
    ("device", "switch", "observer", "towards", "before", "after"),
    [
        ("spine1", "DRAIN", "rack0-tor1", "10.69.0.196/32", ["spine1", "spine2"], ["spine2"]),
        ("rack0-tor1", "DRAIN", "rack0-server1", "10.69.0.5/32", ["eth0", "eth1"], ["eth1"]),
        ("rack0-server1", "DRAIN_TOR1", "rack0-server2", "10.69.0.4/32", ["eth0", "eth1"], ["eth1"]),
        ("rack0-server1", "DRAIN_TOR2", "rack0-server1", "10.69.0.196/32", ["eth0", "eth1"], ["eth0"]),
    ],
)
def test_a_drain_moves_traffic_away_and_back(
    device: str, switch: str, observer: str, towards: str, before: list[str], after: list[str]
) -> None:
    prefix = ip_network(towards)
    with running_lab("article") as lab:
        assert _interfaces(lab, observer, prefix) == before
        _reconfigure(lab, device, f"define {switch} = false;", f"define {switch} = true;")
        _expect(lab, observer, prefix, after)
        _reconfigure(lab, device, f"define {switch} = true;", f"define {switch} = false;")
        _expect(lab, observer, prefix, before)


def test_a_fabric_of_bird_3_converges_and_forwards() -> None:
    with running_lab("article", bird_version="3") as lab:
        assert _interfaces(lab, "rack0-server1", ip_network("10.69.0.196/32")) == ["eth0", "eth1"]
        assert _interfaces(lab, "rack0-server1", ip_network("10.69.0.5/32")) == ["eth0", "eth1"]
