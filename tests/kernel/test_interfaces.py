import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bifilar.kernel import interfaces, namespaces
from bifilar.kernel.interfaces import KernelInterface
from bifilar.kernel.netlink import Rtnetlink

pytestmark = pytest.mark.lab


def ip(namespace: Path, *words: str) -> None:
    subprocess.run(["ip", "-n", namespace.name, *words], check=True)


def dumped(namespace: Path) -> dict[str, KernelInterface]:
    return {found.name: found for found in namespaces.run_in(namespace, interfaces.dump)}


def test_everything_about_an_interface(namespace: Path) -> None:
    ip(
        namespace,
        "link",
        "add",
        "veth0",
        "address",
        "02:00:00:00:00:07",
        "type",
        "veth",
        "peer",
        "name",
        "veth1",
    )
    ip(namespace, "link", "set", "veth0", "group", "116", "alias", "COIL:p:c:eth0", "mtu", "1400", "up")
    found = dumped(namespace)
    assert found["veth0"] == KernelInterface(
        name="veth0",
        index=found["veth0"].index,
        is_up=True,
        is_operational=False,  # its peer is down
        mtu=1400,
        group=116,
        link_address=bytes.fromhex("020000000007"),
        alias="COIL:p:c:eth0",
        peer=found["veth1"].index,
    )
    assert (found["veth1"].is_up, found["veth1"].group, found["veth1"].alias) == (False, 0, "")
    assert found["lo"].peer is None
    assert [each.index for each in found.values()] == sorted(each.index for each in found.values())


def test_both_ends_of_a_pair_that_is_up_take_packets(make_namespace: Callable[[], Path]) -> None:
    one, other = make_namespace(), make_namespace()
    ip(one, "link", "add", "veth0", "type", "veth", "peer", "name", "veth1", "netns", other.name)
    ip(one, "link", "set", "veth0", "up")
    ip(other, "link", "set", "veth1", "up")
    for namespace, name in ((one, "veth0"), (other, "veth1")):
        with namespaces.run_in(namespace, Rtnetlink) as netlink:
            found = interfaces.read(netlink, name=name)
        assert found is not None
        assert found.is_operational
    assert dumped(one)["veth0"].peer == dumped(other)["veth1"].index


def test_ipv6_that_is_switched_off(namespace: Path) -> None:
    ip(namespace, "link", "add", "on", "type", "bridge")
    ip(namespace, "link", "add", "off", "type", "bridge")
    ip(namespace, "link", "add", "small", "mtu", "1000", "type", "bridge")
    setting = ["ip", "netns", "exec", namespace.name, "sh", "-c"]
    subprocess.run([*setting, "echo 1 > /proc/sys/net/ipv6/conf/off/disable_ipv6"], check=True)
    found = dumped(namespace)
    assert {name: found[name].has_ipv6 for name in ("on", "off", "small")} == {
        "on": True,
        "off": False,
        "small": False,
    }


def test_one_interface_by_name_or_index(namespace: Path) -> None:
    ip(namespace, "link", "add", "br0", "type", "bridge")
    with namespaces.run_in(namespace, Rtnetlink) as netlink:
        found = interfaces.read(netlink, name="br0")
        assert found == dumped(namespace)["br0"]
        assert interfaces.read(netlink, index=found.index) == found
        assert interfaces.read(netlink, name="none") is None
        assert interfaces.read(netlink, index=9999) is None
