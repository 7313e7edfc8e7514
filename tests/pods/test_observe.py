from ipaddress import ip_address, ip_network

import pytest

from bifilar.kernel.routes import UNREACHABLE, KernelNextHop
from bifilar.pods.model import Addresses, Attachment, Key, PoolName
from bifilar.pods.observe import PodInterface
from pods.hosts import Host

POOL, KEY = PoolName("default"), Key("c1", "eth0")
V4, OTHER_V4, V6 = ip_address("10.64.0.1"), ip_address("10.64.0.2"), ip_address("fd64::1")


def interface(*addresses: object, pool: PoolName | None = POOL, key: Key | None = KEY) -> PodInterface:
    return PodInterface("veth0", 7, 2, pool, key, addresses)  # type: ignore[arg-type] - as the cases have them


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (interface(V4), Addresses(ipv4=V4)),
        (interface(V6), Addresses(ipv6=V6)),
        (interface(V4, V6), Addresses(V4, V6)),
        (interface(V6, V4), Addresses(V4, V6)),
        (interface(), None),
        (interface(V4, OTHER_V4), None),
        (interface(V4, pool=None, key=None), None),
    ],
)
def test_what_is_complete(seen: PodInterface, expected: Addresses | None) -> None:
    assert seen.attachment == (None if expected is None else Attachment(KEY, POOL, expected))


@pytest.mark.lab
def test_nothing_of_pods(host: Host) -> None:
    seen = host.observation()
    assert (seen.interfaces, seen.guards, seen.strays, seen.exports) == ((), (), (), ())
    assert seen.rule_families == {4, 6}


@pytest.mark.lab
def test_attachments_are_known_again(host: Host) -> None:
    """By alias and routes alone: neither name nor group matters."""
    orders = [host.attached("4"), host.attached("6"), host.attached("46", pod="nginx")]
    host.ip("link", "set", orders[0].host_interface, "name", "renamed", "group", "default")
    seen = host.observation()
    assert set(seen.attachments) == {order.attachment for order in orders}
    assert seen.incomplete == ()
    assert [found.name for found in seen.interfaces] == [
        "renamed",
        orders[1].host_interface,
        orders[2].host_interface,
    ]


@pytest.mark.lab
def test_what_is_half_made_or_half_removed(host: Host) -> None:
    complete, without_routes, without_alias = (host.attached() for _ in range(3))
    for family, address in zip(("-4", "-6"), without_routes.attachment.addresses, strict=True):
        host.ip(family, "route", "del", str(address), "table", "116")
    host.ip("link", "set", without_alias.host_interface, "alias", "")
    host.ip("link", "add", "fresh", "group", "116", "type", "veth", "peer", "name", "other")
    host.ip("link", "add", "alien", "type", "bridge")
    seen = host.observation()
    assert seen.attachments == (complete.attachment,)
    assert {found.name: found.key for found in seen.incomplete} == {
        without_routes.host_interface: without_routes.attachment.key,
        without_alias.host_interface: None,
        "fresh": None,
    }


@pytest.mark.lab
def test_tables_of_blocks(host: Host) -> None:
    host.attached()
    for family, block, stray in (("-4", "10.64.0.0/27", "10.64.1.1"), ("-6", "fd64::/123", "fd64::1:1")):
        host.ip(family, "route", "add", "unreachable", block, "table", "116", "proto", "30", "metric", "4096")
        host.ip(family, "route", "add", stray, "dev", "node0", "table", "116", "proto", "30")
        host.ip(family, "route", "add", block, "dev", "lo", "table", "119", "proto", "30")
        # Others' routes are none of ours.
        host.ip(
            family, "route", "add", "unreachable", f"{stray}", "table", "116", "proto", "31", "metric", "9"
        )
        host.ip(family, "route", "add", stray, "dev", "lo", "table", "119", "proto", "31")
    seen = host.observation()
    blocks = [ip_network("10.64.0.0/27"), ip_network("fd64::/123")]
    assert [(guard.prefix, guard.kind, guard.metric) for guard in seen.guards] == [
        (block, UNREACHABLE, 4096) for block in blocks
    ]
    assert [(route.prefix, route.next_hops) for route in seen.exports] == [
        (block, (KernelNextHop(None, "lo"),)) for block in blocks
    ]
    assert [route.prefix for route in seen.strays] == [ip_network("10.64.1.1"), ip_network("fd64::1:1")]
