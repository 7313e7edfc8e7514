import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

import pytest

from bifilar.errors import MachineError
from bifilar.kernel import addresses, counters, namespaces
from bifilar.kernel.addresses import KernelAddress
from bifilar.kernel.links import MANAGEMENT_KINDS, Links, configure, management_device_kind

pytestmark = pytest.mark.lab


@contextmanager
def opened(*paths: Path) -> Iterator[list[int]]:
    descriptors = [os.open(path, os.O_RDONLY) for path in paths]
    yield descriptors
    for descriptor in descriptors:
        os.close(descriptor)


def link(namespace: Path, name: str) -> dict[str, Any]:
    """What ``ip`` says of an interface."""
    arguments = ["ip", "-n", namespace.name, "-d", "-j", "link", "show", "dev", name]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return found


def test_both_ends_of_a_pair_are_made_in_their_namespaces(make_namespace: Callable[[], Path]) -> None:
    """They have the name that an interface of the maker's own namespace has too, and don't clash with it."""
    here, a, b = make_namespace(), make_namespace(), make_namespace()
    configure(here, lambda links: links.add_bridge("eth0"))
    with opened(a, b) as (first, second):
        configure(here, lambda links: links.add_veth("eth0", first, "eth1", second, mtu=9000))
    configure(a, lambda links: links.set_up("eth0"))
    configure(b, lambda links: links.set_up("eth1"))
    assert link(a, "eth0")["mtu"] == link(b, "eth1")["mtu"] == 9000
    assert "LOWER_UP" in link(a, "eth0")["flags"]
    assert namespaces.run_in(here, counters.dump).keys() == {"lo", "eth0"}
    assert namespaces.run_in(a, counters.dump).keys() == {"lo", "eth0"}
    assert namespaces.run_in(b, counters.dump).keys() == {"lo", "eth1"}


def test_a_bridge_forwards_at_once(make_namespace: Callable[[], Path]) -> None:
    rack, server = make_namespace(), make_namespace()
    with opened(rack, server) as (first, second):
        configure(
            rack,
            lambda links: links.add_bridge("br0", mtu=1400),
            lambda links: links.add_veth("port0", first, "eth0", second, mtu=1400),
            lambda links: links.enslave("port0", "br0"),
            lambda links: links.set_up("port0"),
            lambda links: links.set_up("br0"),
        )
    bridge = link(rack, "br0")
    options = bridge["linkinfo"]["info_data"]
    assert (options["stp_state"], options["forward_delay"], options["mcast_snooping"]) == (0, 0, 0)
    assert bridge["mtu"] == 1400
    assert link(rack, "port0")["master"] == "br0"


def test_a_device_that_only_holds_addresses(namespace: Path) -> None:
    kind = management_device_kind()
    assert kind in MANAGEMENT_KINDS
    configure(
        namespace,
        lambda links: links.add_dummy("node0", kind),
        lambda links: links.set_mtu("node0", 1300),
        lambda links: links.set_up("node0"),
    )
    assert link(namespace, "node0")["linkinfo"]["info_kind"] == kind
    assert link(namespace, "node0")["mtu"] == 1300
    assert "UP" in link(namespace, "node0")["flags"]


def test_addresses_come_back_as_they_were_given(namespace: Path) -> None:
    v4, linked = ip_interface("10.1.0.1/26"), ip_interface("10.1.0.65/26")
    v6, old = ip_interface("fd00::1/64"), ip_interface("fd00::2/128")
    configure(
        namespace,
        lambda links: links.add_bridge("eth0"),
        lambda links: links.add_address("eth0", v4),
        lambda links: links.add_address("eth0", linked, link_scope=True),
        lambda links: links.add_address("eth0", v6, link_scope=True),
        lambda links: links.add_address("eth0", old, deprecated=True),
    )
    found = namespaces.run_in(namespace, addresses.dump)
    assert set(found) == {
        KernelAddress("eth0", v4, "global", deprecated=False),
        KernelAddress("eth0", linked, "link", deprecated=False),
        KernelAddress("eth0", v6, "global", deprecated=False),
        KernelAddress("eth0", old, "global", deprecated=True),
    }


def test_a_deleted_interface_is_gone_and_its_name_free(namespace: Path) -> None:
    def twice(links: Links) -> None:
        for _ in range(2):
            links.add_bridge("br0")
            links.set_up("br0")
            links.delete("br0")

    configure(namespace, twice)
    assert namespaces.run_in(namespace, counters.dump).keys() == {"lo"}


def test_a_link_that_is_down_has_no_carrier_at_the_other_end(make_namespace: Callable[[], Path]) -> None:
    a, b = make_namespace(), make_namespace()
    with opened(a, b) as (first, second):
        configure(a, lambda links: links.add_veth("eth0", first, "eth0", second))
    for path in (a, b):
        configure(path, lambda links: links.set_up("eth0"))
    configure(a, lambda links: links.set_down("eth0"))
    assert "NO-CARRIER" in link(b, "eth0")["flags"]


def test_the_kernels_refusal_names_the_object_and_ends_the_batch(namespace: Path) -> None:
    v4 = ip_interface("10.1.0.1/26")
    with pytest.raises(
        MachineError, match=r"lo: 10\.1\.0\.1/26: the kernel refuses it: ipv4: Address already assigned"
    ):
        configure(
            namespace,
            lambda links: links.add_address("lo", v4),
            lambda links: links.add_address("lo", v4),
            lambda links: links.add_bridge("br0"),
        )
    assert namespaces.run_in(namespace, counters.dump).keys() == {"lo"}


def test_an_interface_that_is_not_there_is_named(namespace: Path) -> None:
    with pytest.raises(MachineError, match="eth7: there is no such interface"):
        configure(namespace, lambda links: links.set_up("eth7"))


def test_a_kind_of_device_that_no_kernel_has(namespace: Path) -> None:
    assert not namespaces.run_in(namespace, _knows_nonsense)


def _knows_nonsense() -> bool:
    with Links() as links:
        return links.knows("nonsense")
