import errno
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest

from bifilar.kernel import interfaces, namespaces, requests, sysctl
from bifilar.kernel.namespaces import NAMESPACES
from bifilar.kernel.netlink import RefusedError, Rtnetlink
from bifilar.kernel.sysctl import Setting
from bifilar.pods.model import Addresses, Attachment, Key, PoolName
from bifilar.pods.wiring import (
    InterfaceTakenError,
    NamespaceGoneError,
    Order,
    Wired,
    Wiring,
    WiringError,
    host_interface_name,
    messages,
)
from pods.hosts import MTU, NODE, PORT, Host, exchange, ip, receiver

pytestmark = pytest.mark.lab

FAMILIES = ("4", "6", "46")


def attach(host: Host, order: Order) -> Wired:
    return host.run(lambda: host.wiring.attach(order))


def shown(text: str) -> list[dict[str, Any]]:
    """What ``ip -j`` prints; it leaves an empty object where it has passed over something."""
    return [entry for entry in json.loads(text) if entry]


def interfaces_in(namespace: str) -> set[str]:
    return {link["ifname"] for link in shown(ip(namespace, "-j", "link"))}


def test_a_pods_interface_has_the_name_that_calico_gives_it() -> None:
    """The others have names of their own, also two containers of one pod."""
    one, other, second = Key("c1", "eth0"), Key("c2", "eth0"), Key("c1", "net1")
    assert host_interface_name(one, "default", "nginx") == "vethc440f455693"
    assert host_interface_name(other, "default", "nginx") == "vethc440f455693"
    names = {host_interface_name(key) for key in (one, other, second)}
    names.add(host_interface_name(second, "default", "nginx"))
    assert len(names) == 3
    assert {len(name) for name in names} == {15}


@pytest.mark.parametrize("families", FAMILIES)
def test_packets_pass_between_a_pod_and_its_node_at_once(host: Host, families: str) -> None:
    """Both ways round, though nobody answers ARP for the management address on a pod's interface."""
    order = host.order(families)
    attach(host, order)
    for pod_address, node_address in zip(order.attachment.addresses, NODE, strict=True):
        if pod_address is None or node_address is None:
            continue
        with (
            closing(receiver(order.namespace, pod_address)) as pod,
            closing(receiver(host.namespace, node_address)) as node,
        ):
            exchange(pod, node)
            exchange(node, pod)


def test_the_node_speaks_to_a_pod_from_its_management_address(host: Host) -> None:
    order = host.attached()
    for address, node_address in zip(order.attachment.addresses.each(), NODE.each(), strict=True):
        (route,) = shown(host.ip("-j", "route", "get", str(address)))
        assert (route["dev"], route["prefsrc"]) == (order.host_interface, str(node_address))


@pytest.mark.parametrize("families", FAMILIES)
def test_packets_pass_between_pods(host: Host, families: str) -> None:
    one, other = host.attached(families), host.attached(families)
    for first, second in zip(one.attachment.addresses.each(), other.attachment.addresses.each(), strict=True):
        with closing(receiver(one.namespace, first)) as a, closing(receiver(other.namespace, second)) as b:
            exchange(a, b)


def test_a_pod_need_not_ask_where_its_gateway_is(host: Host) -> None:
    order = host.attached()
    neighbours = shown(ip(order.namespace, "-j", "neigh"))
    assert {entry["dst"]: (entry["lladdr"], entry["state"]) for entry in neighbours} == {
        gateway: ("ee:ee:ee:ee:ee:ee", ["PERMANENT"]) for gateway in (str(NODE.ipv4), "fe80::1")
    }


def test_the_node_can_send_as_soon_as_it_has_a_route_to_a_pod(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent to an interface is dropped until the kernel has dealt with its carrier."""
    states: list[bool] = []
    honest = messages.host_routes

    def looking_first(attachment: Attachment, index: int, node: Addresses) -> tuple[requests.Request, ...]:
        states.extend(seen.is_operational for seen in interfaces.dump() if seen.index == index)
        return honest(attachment, index, node)

    monkeypatch.setattr(messages, "host_routes", looking_first)
    for _ in range(20):
        host.attached()
    assert states == [True] * 20


def test_a_pod_answers_the_first_question_where_it_is(host: Host) -> None:
    """The kernel would ask again after a second, which is how long a probe of a new pod would take."""
    counters = "/proc/thread-self/net/dev_snmp6"

    def attach_and_send() -> None:
        host.wiring.attach(order)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as node:
            node.sendto(b"probe", (str(order.attachment.addresses.ipv6), PORT))

    asked = []
    for order in [host.order("46") for _ in range(25)]:
        # Bound to all addresses: there is none yet.
        with closing(receiver(order.namespace, IPv6Address("::"))) as pod:
            host.run(attach_and_send)
            assert pod.recv(16) == b"probe"
        rows = host.run(Path(counters, order.host_interface).read_text).splitlines()
        asked += [int(row.split()[1]) for row in rows if row.startswith("Icmp6OutNeighborSolicits")]
    assert asked == [1] * 25


def test_nobody_waits_for_duplicate_address_detection(host: Host) -> None:
    order = host.attached()
    name = order.attachment.key.interface
    waiting = shown(
        ip(order.namespace, "-6", "-j", "addr", "show", "dev", name, "scope", "global", "tentative")
    )
    assert not waiting
    addresses = shown(host.ip("-6", "-j", "addr", "show", "dev", order.host_interface))[0]["addr_info"]
    assert [(entry["local"], entry.get("tentative")) for entry in addresses] == [("fe80::1", None)]


@pytest.mark.parametrize("mtu", [1280, 1279])
def test_a_pod_without_ipv6_cannot_speak_it_with_the_node(host: Host, mtu: int) -> None:
    """Below 1280 bytes the kernel would refuse to be told so, as there is no IPv6 anyway."""
    order = host.order("4")
    with closing(host.run(lambda: Wiring(NODE, mtu))) as wiring:
        host.run(lambda: wiring.attach(order))
        assert shown(host.ip("-6", "-j", "addr", "show", "dev", order.host_interface)) == []
        assert host.run(lambda: wiring.check(order)) == []


@pytest.mark.parametrize("families", FAMILIES)
def test_what_was_attached_is_as_it_should_be(host: Host, families: str) -> None:
    order = host.order(families)
    wired = attach(host, order)
    assert host.run(lambda: host.wiring.check(order)) == []
    (link,) = shown(host.ip("-d", "-j", "link", "show", "dev", wired.host_interface))
    assert (link["ifindex"], link["address"], link["mtu"]) == (wired.host_index, "ee:ee:ee:ee:ee:ee", MTU)
    assert (link["group"], link["ifalias"]) == ("116", order.attachment.alias)
    (inside,) = shown(ip(order.namespace, "-d", "-j", "link", "show", "dev", "eth0"))
    assert (inside["address"], inside["mtu"]) == (wired.container_link_address.hex(":"), wired.mtu)
    assert wired.host_link_address.hex(":") == link["address"]


def test_the_same_order_again_changes_nothing(host: Host) -> None:
    order = host.order()
    first = attach(host, order)
    assert attach(host, order) == first
    assert len(host.observation().interfaces) == 1


def test_an_attachment_that_is_damaged_is_made_anew(host: Host) -> None:
    order = host.order()
    first = attach(host, order)
    ip(order.namespace, "route", "del", "default")
    assert host.run(lambda: host.wiring.check(order))
    assert attach(host, order).host_index != first.host_index
    assert host.run(lambda: host.wiring.check(order)) == []
    assert len(host.observation().interfaces) == 1


def test_a_container_with_a_new_namespace_is_wired_there(host: Host) -> None:
    order = host.attached(pod="nginx")
    moved = replace(order, namespace=str(host.make_namespace()))
    attach(host, moved)
    assert host.run(lambda: host.wiring.check(moved)) == []
    assert interfaces_in(order.namespace) == {"lo"}


def test_an_interface_that_the_container_has_already_stays(host: Host) -> None:
    order = host.order()
    ip(order.namespace, "link", "add", "eth0", "type", "bridge")
    with pytest.raises(InterfaceTakenError, match="eth0"):
        attach(host, order)
    assert interfaces_in(order.namespace) == {"lo", "eth0"}
    assert host.observation().interfaces == ()


def test_another_containers_interface_is_not_taken_for_ones_own(host: Host) -> None:
    """Two keys in one namespace, as when a runtime mixes up its containers."""
    order = host.attached()
    intruder = replace(host.order(), namespace=order.namespace)
    with pytest.raises(InterfaceTakenError):
        attach(host, intruder)
    assert host.observation().attachments == (order.attachment,)
    assert host.run(lambda: host.wiring.check(order)) == []


def test_no_namespace(host: Host, tmp_path: Path) -> None:
    order = host.order()
    left = tmp_path / "left"  # as after an unmount
    left.touch()
    for path in (NAMESPACES / "pw-none", left, left / "below"):
        with pytest.raises(NamespaceGoneError, match=path.name):
            attach(host, replace(order, namespace=str(path)))
    assert host.observation().interfaces == ()


NO_SUCH_LINK = requests.delete_link(99_999)


@pytest.mark.parametrize("group", ["host_side", "container_side", "host_routes"])
def test_a_refusal_at_any_step_leaves_nothing(
    host: Host, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, order = host.attached(), host.order()
    honest = getattr(messages, group)
    monkeypatch.setattr(messages, group, lambda *given, **named: (*honest(*given, **named), NO_SUCH_LINK))
    with pytest.raises(WiringError, match=order.host_interface):
        attach(host, order)
    monkeypatch.undo()
    assert host.observation().attachments == (other.attachment,)
    assert len(host.observation().interfaces) == 1
    assert interfaces_in(order.namespace) == {"lo"}
    attach(host, order)
    assert host.run(lambda: host.wiring.check(order)) == []


def test_an_address_that_another_has_stays_his(host: Host) -> None:
    owner, thief = host.attached(), host.order()
    stolen = replace(thief, attachment=replace(thief.attachment, addresses=owner.attachment.addresses))
    with pytest.raises(WiringError, match="exists"):
        attach(host, stolen)
    assert host.observation().attachments == (owner.attachment,)
    assert interfaces_in(stolen.namespace) == {"lo"}
    assert host.run(lambda: host.wiring.check(owner)) == []


def test_a_name_that_is_too_long_for_an_alias_leaves_nothing(host: Host) -> None:
    order = host.order()
    long = replace(order, attachment=replace(order.attachment, pool=PoolName("p" * 250)))
    with pytest.raises(WiringError):
        attach(host, long)
    assert host.observation().interfaces == ()


def test_a_family_that_the_node_lacks(host: Host) -> None:
    order = host.order("46")
    wiring = host.run(lambda: Wiring(Addresses(ipv4=NODE.ipv4), MTU))
    with closing(wiring), pytest.raises(WiringError, match="no gateway"):
        host.run(lambda: wiring.attach(order))
    assert host.observation().interfaces == ()


def test_ipv6_is_switched_on_where_a_runtime_has_switched_it_off(host: Host) -> None:
    order = host.order("46")
    off = [Setting(f"net.ipv6.conf.{where}.disable_ipv6", "1") for where in ("all", "default")]
    namespaces.run_in(Path(order.namespace), lambda: sysctl.apply(off))
    attach(host, order)
    assert host.run(lambda: host.wiring.check(order)) == []
    for address, node_address in zip(order.attachment.addresses.each(), NODE.each(), strict=True):
        with (
            closing(receiver(order.namespace, address)) as pod,
            closing(receiver(host.namespace, node_address)) as node,
        ):
            exchange(pod, node)


def test_the_next_container_of_a_pod_gets_its_name_and_both_work(host: Host) -> None:
    before, after = host.attached(pod="nginx"), host.order(pod="nginx")
    assert attach(host, after).host_interface == before.host_interface
    assert {found.key for found in host.observation().attachments} == {
        before.attachment.key,
        after.attachment.key,
    }
    for one, other in zip(before.attachment.addresses.each(), after.attachment.addresses.each(), strict=True):
        with closing(receiver(before.namespace, one)) as a, closing(receiver(after.namespace, other)) as b:
            exchange(a, b)
    host.run(lambda: host.wiring.detach(before.attachment))
    assert host.observation().attachments == (after.attachment,)
    assert host.run(lambda: host.wiring.check(after)) == []


def test_the_next_container_of_a_pod_on_a_kernel_that_renames_only_what_is_down(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = host.attached(pod="nginx"), host.order(pod="nginx")
    (interface,) = host.observation().interfaces
    spare = host_interface_name(before.attachment.key)
    renaming = requests.change_link(interface.index, name=spare)
    request, refused = Rtnetlink.request, []

    def as_before_6_3(netlink: Rtnetlink, *given: tuple[int, int, bytes]) -> None:
        if given == (renaming,):
            refused.append(given)
            raise RefusedError(errno.EBUSY, 0, "")
        request(netlink, *given)

    monkeypatch.setattr(Rtnetlink, "request", as_before_6_3)
    attach(host, after)
    assert refused
    (link,) = shown(host.ip("-j", "link", "show", "dev", spare))
    assert (link["ifindex"], "UP" in link["flags"]) == (interface.index, True)
    assert host.run(lambda: host.wiring.check(after)) == []


def test_what_a_killed_agent_left_half_made_is_moved_aside(host: Host) -> None:
    order = host.order(pod="nginx")
    host.ip("link", "add", order.host_interface, "group", "116", "type", "veth", "peer", "name", "left")
    attach(host, order)
    assert host.run(lambda: host.wiring.check(order)) == []
    (leftover,) = host.observation().incomplete
    assert leftover.name != order.host_interface
    host.run(lambda: host.wiring.remove(leftover))
    assert host.observation().attachments == (order.attachment,)
    assert host.observation().incomplete == ()


def test_somebody_elses_interface_stays(host: Host) -> None:
    order = host.order()
    host.ip("link", "add", order.host_interface, "type", "bridge")
    with pytest.raises(InterfaceTakenError, match=order.host_interface):
        attach(host, order)
    assert order.host_interface in interfaces_in(str(host.namespace))
    assert interfaces_in(order.namespace) == {"lo"}


def test_many_at_once_leave_nothing(host: Host) -> None:
    """Two hundred containers by sixteen threads, each of which is at home afterwards."""
    orders = [host.order("46" if number % 2 else "4") for number in range(200)]
    gone = replace(host.order(), namespace="/run/netns/pw-none")

    def there_and_back(order: Order) -> tuple[str, list[str]]:
        host.wiring.attach(order)
        faults = host.wiring.check(order)
        with pytest.raises(NamespaceGoneError):
            host.wiring.attach(gone)
        host.wiring.detach(order.attachment)
        return str(Path("/proc/thread-self/ns/net").readlink()), faults

    def everything() -> tuple[str, list[tuple[str, list[str]]]]:
        with ThreadPoolExecutor(16) as threads:
            return str(Path("/proc/thread-self/ns/net").readlink()), list(threads.map(there_and_back, orders))

    home, results = host.run(everything)
    assert results == [(home, [])] * len(orders)
    seen = host.observation()
    assert (seen.interfaces, seen.strays, seen.guards) == ((), (), ())
    assert {interface for order in orders for interface in interfaces_in(order.namespace)} == {"lo"}


def test_rules_are_made_once_for_each_family(host: Host) -> None:
    assert host.observation().rule_families == {4, 6}
    for family in ("-4", "-6"):
        host.ip(family, "rule", "del", "pref", "2000")
        # Of the same priority, but not for all packets.
        host.ip(family, "rule", "add", "pref", "2000", "iif", "lo", "lookup", "116")
    assert host.observation().rule_families == frozenset()
    for _ in range(2):
        host.run(host.wiring.ensure_rules)
        assert host.observation().rule_families == {4, 6}
    for family in ("-4", "-6"):
        rules = shown(host.ip(family, "-j", "rule", "show", "pref", "2000"))
        assert len([rule for rule in rules if "iif" not in rule]) == 1
