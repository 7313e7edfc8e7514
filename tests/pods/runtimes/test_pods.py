import json
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

import pytest

from pods.runtimes import image
from pods.runtimes.host import Host
from pods.runtimes.network import BACKLOG, RATE_BITS
from pods.runtimes.runtime import PORTS, Address, RunningPod, Runtime, Server

pytestmark = [pytest.mark.lab, pytest.mark.slow]

DEADLINE_S = 30
Execute = Callable[..., str]
Pods = tuple[RunningPod, RunningPod]


def seen_by(server: Address, execute: Execute, port: int = image.PORT) -> Address:
    """The address that a web server sees somebody come from."""
    host = f"[{server}]" if server.version == 6 else str(server)
    url = f"http://{host}:{port}/{image.PEER_PAGE}"
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            said = execute("/bin/busybox", "timeout", "5", "/bin/busybox", "wget", "-q", "-O", "-", url)
        except AssertionError:
            # The web server may not have got so far.
            if time.monotonic() > deadline:
                raise
        else:
            seen = ip_address(said.strip().strip("[]"))
            return (isinstance(seen, IPv6Address) and seen.ipv4_mapped) or seen


def test_pods_on_two_racks_reach_each_other_by_their_own_addresses(pods: Pods) -> None:
    for asking, asked in (pods, pods[::-1]):
        assert [address.version for address in asking.pod.addresses] == [4, 6]
        for own, other in zip(asking.pod.addresses, asked.pod.addresses, strict=True):
            assert seen_by(other, asking.pod.execute) == own


def test_a_port_of_a_server_leads_to_its_pod(pods: Pods) -> None:
    """By portmap, chained behind ours."""
    (here, _), (there, _) = pods
    ours, theirs = (host.lab.device(host.device).management for host in (here, there))
    (port,) = PORTS
    for own, other in zip(ours, theirs, strict=True):
        assert seen_by(other, here.run, port) == own


def test_a_pod_has_the_bandwidth_that_its_network_says(pods: Pods) -> None:
    """By the plugin bandwidth, which has to find the pod's interface on the server in our result."""
    for host, pod in pods:
        for address in pod.addresses:
            interface = interface_towards(host, address)
            queues = json.loads(host.run("tc", "-json", "qdisc", "show", "dev", interface))
            assert {"tbf", "ingress"} <= {queue["kind"] for queue in queues}
            (shaper,) = (queue for queue in queues if queue["kind"] == "tbf")
            assert shaper["options"]["rate"] * 8 == RATE_BITS


def test_a_pod_has_the_settings_that_its_network_says(pods: Pods) -> None:
    """By tuning."""
    for _, pod in pods:
        assert pod.execute("/bin/busybox", "cat", "/proc/sys/net/core/somaxconn").strip() == str(BACKLOG)


def test_a_pod_that_has_ended_leaves_nothing(
    servers: tuple[Server, Server], runtimes: tuple[Runtime, Runtime], pods: Pods
) -> None:
    host = servers[0].host
    before = links(host)
    pod = runtimes[0].run("short", {18081: image.PORT})
    assert links(host) != before
    assert all(str(address) in traces(host) for address in pod.addresses)
    pod.end()
    assert links(host) == before
    assert not any(str(address) in traces(host) for address in pod.addresses)
    # Those that stay didn't notice.
    assert seen_by(pods[0].pod.addresses[0], pods[1].pod.execute) == pods[1].pod.addresses[0]


def interface_towards(host: Host, address: Address) -> str:
    """The interface of a server that leads to a pod of its own."""
    (route,) = json.loads(host.run("ip", "-json", "route", "get", str(address)))
    return str(route["dev"])


def links(host: Host) -> set[str]:
    """The interfaces of a server."""
    return {link["ifname"] for link in json.loads(host.run("ip", "-json", "link", "show"))}


def traces(host: Host) -> str:
    """Where a server's network could know an address of a pod."""
    return "".join(
        host.run(*command)
        for command in (
            ("ip", "route", "show", "table", "all"),
            ("ip", "-6", "route", "show", "table", "all"),
            ("iptables-save",),
            ("ip6tables-save",),
        )
    )
