from dataclasses import replace

import pytest

from bifilar.kernel import namespaces, sysctl
from bifilar.kernel.sysctl import Setting
from pods.hosts import NODE, Host, ip

pytestmark = pytest.mark.lab

ON_THE_HOST = [
    ("link set {host} name renamed", "renamed should be called {host}"),
    ("link set {host} group default", "{host} is in group 0, not 116"),
    ("link set {host} mtu 1400", "{host} has an MTU of 1400, not 1480"),
    ("link set {host} address 02:00:00:00:00:01", "{host} has the MAC address 02:00:00:00:00:01"),
    ("addr del fe80::1/64 dev {host}", "{host} doesn't have the address fe80::1"),
    ("link set {host} alias nobody", "0 interfaces of the host have the alias {alias}"),
    ("route del {v4} table 116", "table 116 has no route to {v4}/32"),
    ("route del {v6} table 116", "table 116 has no route to {v6}/128"),
    (
        "route replace {v4} dev node0 table 116 proto 30",
        "the route to {v4}/32 in table 116 isn't over {host}",
    ),
    (
        "route replace {v4} dev {host} table 116 proto 31",
        "the route to {v4}/32 in table 116 isn't over {host}",
    ),
    (
        "route replace {v4} dev {host} table 116 proto 30 scope link",
        "the route to {v4}/32 in table 116 has the source None",
    ),
    (
        "route add 10.64.9.9 dev {host} table 116 proto 30",
        "table 116 has a route to 10.64.9.9/32 over {host}",
    ),
    ("-4 rule del pref 2000", "there is no rule 2000 for table 116 of IPv4"),
    ("-6 rule del pref 2000", "there is no rule 2000 for table 116 of IPv6"),
]
IN_THE_CONTAINER = [
    ("link set eth0 mtu 1481", "eth0 has an MTU of 1481, above 1480"),
    ("link set eth0 name net7", "the container has no interface eth0"),
    ("addr del {v6}/128 dev eth0", "eth0 doesn't have the address {v6}/128"),
    ("addr add 10.64.9.9/32 dev eth0", "eth0 has the address 10.64.9.9/32 too"),
    ("route del default", "the container has no default route via {gateway} over eth0"),
    ("-6 route del default", "the container has no default route via fe80::1 over eth0"),
    ("neigh del {gateway} dev eth0", "the container has no permanent neighbour {gateway} on eth0"),
    ("neigh del fe80::1 dev eth0", "the container has no permanent neighbour fe80::1 on eth0"),
]


@pytest.mark.parametrize(
    ("place", "damage", "told"),
    [
        *(("host", *case) for case in ON_THE_HOST),
        *(("container", *case) for case in IN_THE_CONTAINER),
    ],
)
def test_damage_is_told(host: Host, place: str, damage: str, told: str) -> None:
    order, untouched = host.attached(), host.attached()
    words = {
        "host": order.host_interface,
        "alias": order.attachment.alias,
        "v4": order.attachment.addresses.ipv4,
        "v6": order.attachment.addresses.ipv6,
        "gateway": NODE.ipv4,
    }
    ip(host.namespace if place == "host" else order.namespace, *damage.format(**words).split())
    faults = host.run(lambda: host.wiring.check(order))
    assert len(faults) == 1
    assert faults[0].startswith(told.format(**words))
    others = host.run(lambda: host.wiring.check(untouched))
    assert others == (faults if "rule" in told else [])


@pytest.mark.parametrize("place", ["host", "container"])
def test_an_interface_that_is_down(host: Host, place: str) -> None:
    """Its routes and its neighbours are gone with that."""
    order = host.attached("4")
    name = order.host_interface if place == "host" else "eth0"
    ip(host.namespace if place == "host" else order.namespace, "link", "set", name, "down")
    assert f"{name} is down" in host.run(lambda: host.wiring.check(order))


def test_the_last_ipv4_address_of_an_interface(host: Host) -> None:
    """With it the kernel takes away all else of IPv4."""
    order = host.attached()
    ip(order.namespace, "addr", "del", f"{order.attachment.addresses.ipv4}/32", "dev", "eth0")
    assert host.run(lambda: host.wiring.check(order)) == [
        f"eth0 doesn't have the address {order.attachment.addresses.ipv4}/32",
        f"the container has no default route via {NODE.ipv4} over eth0",
        f"the container has no permanent neighbour {NODE.ipv4} on eth0",
    ]


def test_another_containers_interface_by_that_name(host: Host) -> None:
    order, other = host.attached(), host.attached()
    mixed_up = replace(order, namespace=other.namespace)
    assert f"eth0 isn't the other end of {order.host_interface}" in host.run(
        lambda: host.wiring.check(mixed_up)
    )


def test_a_namespace_that_is_gone(host: Host) -> None:
    order = host.attached()
    elsewhere = replace(order, namespace=str(namespaces.path_of("pw-none")))
    (fault,) = host.run(lambda: host.wiring.check(elsewhere))
    assert fault.startswith(elsewhere.namespace)


def test_a_node_that_does_not_forward(host: Host) -> None:
    order = host.attached("6")
    host.run(lambda: sysctl.apply([Setting("net.ipv6.conf.all.forwarding", "0")]))
    assert host.run(lambda: host.wiring.check(order)) == [
        "the node doesn't forward: net.ipv6.conf.all.forwarding is 0"
    ]
