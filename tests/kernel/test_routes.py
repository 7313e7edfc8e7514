import socket
import subprocess
from functools import partial
from ipaddress import IPv4Address, ip_address, ip_interface, ip_network
from pathlib import Path
from struct import pack

import pytest

from bifilar.kernel import namespaces, routes
from bifilar.kernel.links import Links, configure
from bifilar.kernel.netlink import Rtnetlink, attribute
from bifilar.kernel.routes import KernelNextHop, KernelRoute, merged, parse

NAMES = {7: "eth0", 8: "eth1"}
A, B = (KernelNextHop(ip_address(gateway), "eth0") for gateway in ("10.0.0.2", "10.0.0.3"))


def message(
    family: int, prefix: bytes, length: int, *attributes: bytes, protocol: int = 12, kind: int = 1
) -> bytes:
    """An RTM_NEWROUTE of the main table, as the kernel writes it."""
    body = pack("=BBBBBBBBI", family, length, 0, 0, 254, protocol, 0, kind, 0) + attribute(1, prefix)
    body += b"".join(attributes)
    return pack("=IHHII", 16 + len(body), 24, 2, 1, 0) + body


def part(gateway: bytes, interface: int, weight: int = 1) -> bytes:
    """One next hop of RTA_MULTIPATH."""
    nested = attribute(5, gateway)
    return pack("=HBBi", 8 + len(nested), 0, weight - 1, interface) + nested


def test_parse_one_next_hop_with_metric_and_source() -> None:
    prefix, gateway, source = bytes([10, 1, 0, 0]), bytes([10, 0, 0, 2]), bytes([10, 9, 9, 9])
    datagram = message(
        socket.AF_INET,
        prefix,
        16,
        attribute(5, gateway),
        attribute(4, pack("=I", 7)),
        attribute(6, pack("=I", 32)),
        attribute(7, source),
    )
    assert list(parse(datagram, NAMES)) == [
        KernelRoute(
            ip_network("10.1.0.0/16"), 254, 12, 0, "unicast", 32, (A,), source=IPv4Address("10.9.9.9")
        )
    ]


def test_parse_sorts_equal_paths_and_keeps_weights() -> None:
    paths = part(bytes([10, 0, 0, 3]), 7, weight=3) + part(bytes([10, 0, 0, 2]), 7)
    (route,) = parse(message(socket.AF_INET, bytes([10, 1, 0, 0]), 16, attribute(9, paths)), NAMES)
    assert route.next_hops == (A, KernelNextHop(ip_address("10.0.0.3"), "eth0", 3))


def test_parse_a_v4_route_via_a_v6_gateway() -> None:
    gateway = ip_address("fe80::1")
    via = pack("=H", socket.AF_INET6) + gateway.packed
    datagram = message(
        socket.AF_INET, bytes([10, 1, 0, 0]), 16, attribute(18, via), attribute(4, pack("=I", 8))
    )
    (route,) = parse(datagram, NAMES)
    assert route.next_hops == (KernelNextHop(gateway, "eth1"),)


def test_parse_several_messages_and_an_interface_that_is_gone_meanwhile() -> None:
    first = message(socket.AF_INET, bytes([10, 1, 0, 0]), 16, attribute(4, pack("=I", 99)))
    second = message(socket.AF_INET6, bytes(16), 0, kind=7)
    done = pack("=IHHII", 20, 3, 2, 1, 0) + bytes(4)
    one, other = parse(first + second + done, NAMES)
    assert one.next_hops == (KernelNextHop(None, "#99"),)
    assert (other.prefix, other.kind, other.next_hops) == (ip_network("::/0"), "unreachable", ())


def test_a_kind_without_a_name_is_its_number() -> None:
    (route,) = parse(message(socket.AF_INET, bytes(4), 0, kind=77), NAMES)
    assert route.kind == "77"


def v6(*gateways: str, metric: int = 32, prefix: str = "fd00::/64") -> KernelRoute:
    hops = tuple(KernelNextHop(ip_address(gateway), "eth0") for gateway in gateways)
    return KernelRoute(ip_network(prefix), 254, 12, 0, "unicast", metric, hops)


def test_equal_paths_that_came_as_routes_of_their_own_become_one() -> None:
    assert merged([v6("fe80::2"), v6("fe80::1"), v6("fe80::3")]) == [v6("fe80::1", "fe80::2", "fe80::3")]


@pytest.mark.parametrize("other", [v6("fe80::2", metric=64), v6("fe80::2", prefix="fd01::/64")])
def test_routes_of_another_metric_or_prefix_are_not_merged(other: KernelRoute) -> None:
    assert merged([v6("fe80::1"), other]) == [v6("fe80::1"), other]


def test_v4_routes_are_never_merged() -> None:
    one = KernelRoute(ip_network("10.0.0.0/8"), 254, 12, 0, "unicast", 0, (A,))
    other = KernelRoute(ip_network("10.0.0.0/8"), 254, 12, 0, "unicast", 0, (B,))
    assert merged([one, other]) == [one, other]


@pytest.fixture
def router(namespace: Path) -> Path:
    """A namespace with two interfaces that are up."""
    for name, *given in (("eth0", "10.0.0.1/24", "fd00::1/64"), ("eth1", "10.0.1.1/24", "fd00:0:0:1::1/64")):
        configure(
            namespace,
            partial(Links.add_bridge, name=name),
            partial(Links.set_up, name=name),
            *(partial(Links.add_address, name=name, address=ip_interface(text)) for text in given),
        )
    return namespace


def add(namespace: Path, *commands: str) -> None:
    """Routes by somebody else's code."""
    text = "".join(f"route add {command}\n" for command in commands)
    subprocess.run(["ip", "-n", namespace.name, "-batch", "-"], input=text, text=True, check=True)


def bird_routes(namespace: Path) -> dict[str, KernelRoute]:
    found = namespaces.run_in(namespace, lambda: routes.dump(protocol=routes.PROTOCOL_BIRD))
    return {str(route.prefix): route for route in found}


@pytest.mark.lab
def test_equal_paths_of_both_families(router: Path) -> None:
    add(
        router,
        "10.9.0.0/16 proto bird metric 32 nexthop via 10.0.1.2 dev eth1 nexthop via 10.0.0.2 dev eth0",
        "fd09::/32 proto bird metric 32 nexthop via fd00:0:0:1::2 dev eth1 nexthop via fd00::2 dev eth0",
    )
    found = bird_routes(router)
    v4_hops = (
        KernelNextHop(ip_address("10.0.0.2"), "eth0"),
        KernelNextHop(ip_address("10.0.1.2"), "eth1"),
    )
    v6_hops = (
        KernelNextHop(ip_address("fd00::2"), "eth0"),
        KernelNextHop(ip_address("fd00:0:0:1::2"), "eth1"),
    )
    assert found == {
        "10.9.0.0/16": KernelRoute(ip_network("10.9.0.0/16"), 254, 12, 0, "unicast", 32, v4_hops),
        "fd09::/32": KernelRoute(ip_network("fd09::/32"), 254, 12, 0, "unicast", 32, v6_hops),
    }


@pytest.mark.lab
def test_v4_via_v6_gateways(router: Path) -> None:
    add(
        router,
        "10.8.0.0/16 proto bird via inet6 fe80::8 dev eth0",
        "10.9.0.0/16 proto bird nexthop via inet6 fe80::9 dev eth1 nexthop via inet6 fe80::9 dev eth0",
    )
    found = bird_routes(router)
    assert found["10.8.0.0/16"].next_hops == (KernelNextHop(ip_address("fe80::8"), "eth0"),)
    assert found["10.9.0.0/16"].next_hops == (
        KernelNextHop(ip_address("fe80::9"), "eth0"),
        KernelNextHop(ip_address("fe80::9"), "eth1"),
    )


@pytest.mark.lab
def test_routes_that_forward_nothing_have_no_next_hops(router: Path) -> None:
    kinds = ("unreachable", "blackhole", "prohibit")
    add(router, *(f"{kind} 10.{n}.0.0/16 proto bird" for n, kind in enumerate(kinds)))
    add(router, *(f"{kind} fd0{n}:1::/32 proto bird" for n, kind in enumerate(kinds)))
    found = bird_routes(router)
    assert {prefix: (route.kind, route.next_hops) for prefix, route in found.items()} == {
        **{f"10.{n}.0.0/16": (kind, ()) for n, kind in enumerate(kinds)},
        **{f"fd0{n}:1::/32": (kind, ()) for n, kind in enumerate(kinds)},
    }


@pytest.mark.lab
def test_connected_networks_are_the_kernels_own(router: Path) -> None:
    found = namespaces.run_in(router, lambda: routes.dump(protocol=routes.PROTOCOL_KERNEL))
    connected = next(route for route in found if str(route.prefix) == "10.0.0.0/24")
    assert connected.scope == routes.SCOPE_LINK
    assert connected.next_hops == (KernelNextHop(None, "eth0"),)
    assert connected.source == ip_address("10.0.0.1")


@pytest.mark.lab
def test_tables_are_apart_and_an_empty_one_is_no_error(router: Path) -> None:
    add(router, "10.9.0.0/16 via 10.0.0.2 table 1000", "10.8.0.0/16 via 10.0.0.2 proto bird")
    (route,) = namespaces.run_in(router, lambda: routes.dump(table=1000))
    assert (route.prefix, route.table) == (ip_network("10.9.0.0/16"), 1000)
    assert bird_routes(router).keys() == {"10.8.0.0/16"}
    assert namespaces.run_in(router, lambda: routes.dump(table=77)) == []


@pytest.mark.lab
def test_a_dump_of_many_datagrams_is_whole(router: Path) -> None:
    count = 3000
    paths = "nexthop via 10.0.0.2 dev eth0 nexthop via 10.0.1.2 dev eth1"
    prefixes = [f"10.{100 + n // 250}.{n % 250}.0/24" for n in range(count)]
    add(router, *(f"{prefix} proto bird {paths}" for prefix in prefixes))
    found = bird_routes(router)
    assert found.keys() == set(prefixes)
    assert {len(route.next_hops) for route in found.values()} == {2}
    assert namespaces.run_in(router, lambda: routes.count(protocol=routes.PROTOCOL_BIRD)) == count


@pytest.mark.lab
def test_what_becomes_of_a_packet(router: Path) -> None:
    add(router, "unreachable 10.7.0.0/16", "10.8.0.0/16 via 10.0.0.2")
    (index,) = (index for index, name in namespaces.run_in(router, socket.if_nameindex) if name == "eth1")
    with namespaces.run_in(router, Rtnetlink) as netlink:
        kinds = {
            text: routes.kind(netlink, ip_address(text))
            for text in ("10.0.0.1", "10.8.0.1", "10.7.0.1", "192.0.2.1", "fd00::1", "fd00::9", "fd09::1")
        }
        assert routes.kind(netlink, ip_address("fe80::9"), index) == routes.UNICAST
    assert kinds == {
        "10.0.0.1": routes.LOCAL,
        "10.8.0.1": routes.UNICAST,
        "10.7.0.1": None,
        "192.0.2.1": None,
        "fd00::1": routes.LOCAL,
        "fd00::9": routes.UNICAST,
        "fd09::1": None,
    }
