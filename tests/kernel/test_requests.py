"""Requests, read back by somebody else's decoder."""

from ipaddress import ip_address, ip_interface, ip_network
from socket import AF_INET, AF_INET6
from typing import Any

import pytest
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from bifilar.kernel import requests
from bifilar.kernel.requests import Request

HEADER_BYTES = 16


def decoded(request: Request, layout: type) -> dict[str, Any]:
    """Fields and attributes of a request, by the names that the kernel's headers give them."""
    size = HEADER_BYTES + len(request.body)
    header = size.to_bytes(4, "little") + request.kind.to_bytes(2, "little") + bytes(10)
    message = layout(header + request.body)
    message.decode()
    fields = {key: value for key, value in message.items() if key not in ("attrs", "header")}
    return fields | _attributes(message["attrs"])


def _attributes(pairs: Any) -> dict[str, Any]:
    return {
        name: _attributes(value["attrs"]) if isinstance(value, dict) and "attrs" in value else value
        for name, value in pairs
    }


def test_a_pair_of_interfaces() -> None:
    found = decoded(requests.add_veth("veth0", "eth0", 7, namespace=5, mtu=9000), ifinfmsg)
    assert (found["IFLA_IFNAME"], found["IFLA_NET_NS_FD"], found["IFLA_MTU"]) == ("veth0", 5, 9000)
    assert found["IFLA_LINKINFO"]["IFLA_INFO_KIND"] == "veth"
    peer = found["IFLA_LINKINFO"]["IFLA_INFO_DATA"]["VETH_INFO_PEER"]
    assert (peer["IFLA_IFNAME"], peer["IFLA_NET_NS_FD"], peer["IFLA_MTU"]) == ("eth0", 7, 9000)


def test_a_pair_whose_first_end_is_marked() -> None:
    mac = bytes.fromhex("eeeeeeeeeeee")
    found = decoded(requests.add_veth("veth0", "eth0", 7, group=116, link_address=mac), ifinfmsg)
    assert (found["IFLA_GROUP"], found["IFLA_ADDRESS"]) == (116, "ee:ee:ee:ee:ee:ee")
    peer = found["IFLA_LINKINFO"]["IFLA_INFO_DATA"]["VETH_INFO_PEER"]
    assert not {"IFLA_GROUP", "IFLA_ADDRESS"} & peer.keys()


def test_a_bridge() -> None:
    found = decoded(requests.add_bridge("br0", mtu=1400), ifinfmsg)
    assert (found["IFLA_IFNAME"], found["IFLA_MTU"]) == ("br0", 1400)
    assert found["IFLA_LINKINFO"] == {
        "IFLA_INFO_KIND": "bridge",
        "IFLA_INFO_DATA": {"IFLA_BR_FORWARD_DELAY": 0, "IFLA_BR_STP_STATE": 0, "IFLA_BR_MCAST_SNOOPING": 0},
    }


@pytest.mark.parametrize(("up", "flags", "change"), [(True, 1, 1), (False, 0, 1), (None, 0, 0)])
def test_only_what_is_given_of_a_link_changes(up: bool | None, flags: int, change: int) -> None:
    found = decoded(requests.change_link(3, up=up, alias="COIL:default:c:eth0"), ifinfmsg)
    assert (found["index"], found["flags"], found["change"]) == (3, flags, change)
    assert found["IFLA_IFALIAS"] == "COIL:default:c:eth0"
    assert not {"IFLA_MTU", "IFLA_MASTER"} & found.keys()


def test_a_link_gets_another_name_and_no_address_of_its_own() -> None:
    found = decoded(requests.change_link(3, name="veth1", makes_own_addresses=False), ifinfmsg)
    assert found["IFLA_IFNAME"] == "veth1"
    assert found["IFLA_AF_SPEC"]["AF_INET6"]["IFLA_INET6_ADDR_GEN_MODE"] == 1
    assert "IFLA_AF_SPEC" not in decoded(requests.change_link(3, up=True), ifinfmsg)


def test_a_question_about_a_link_leaves_statistics_out() -> None:
    by_name, by_index = requests.get_link(name="veth0"), requests.get_link(index=7)
    assert (decoded(by_name, ifinfmsg)["IFLA_IFNAME"], decoded(by_index, ifinfmsg)["index"]) == ("veth0", 7)
    for request in (by_name, by_index, requests.get_links()):
        assert decoded(request, ifinfmsg)["IFLA_EXT_MASK"] == 8


def test_addresses() -> None:
    v4 = decoded(requests.add_address(4, ip_interface("10.1.2.3/26"), link_scope=True), ifaddrmsg)
    assert (v4["family"], v4["prefixlen"], v4["scope"], v4["index"]) == (AF_INET, 26, 253, 4)
    assert v4["IFA_ADDRESS"] == v4["IFA_LOCAL"] == "10.1.2.3"
    v6 = decoded(
        requests.add_address(4, ip_interface("fd00::1/128"), link_scope=True, deprecated=True), ifaddrmsg
    )
    assert (v6["family"], v6["prefixlen"], v6["scope"], v6["IFA_FLAGS"]) == (AF_INET6, 128, 0, 2)
    assert v6["IFA_ADDRESS"] == "fd00::1"
    assert v6["IFA_CACHEINFO"]["ifa_preferred"] == 0
    assert v6["IFA_CACHEINFO"]["ifa_valid"] == 2**32 - 1


def test_a_route_with_everything() -> None:
    request = requests.add_route(
        ip_network("10.64.0.0/27"),
        9,
        gateway=ip_address("10.69.0.4"),
        onlink=True,
        source=ip_address("10.64.0.1"),
        table=1190,
        protocol=30,
    )
    found = decoded(request, rtmsg)
    assert (found["family"], found["dst_len"], found["table"], found["proto"]) == (AF_INET, 27, 0, 30)
    assert (found["flags"], found["type"], found["scope"]) == (4, requests.UNICAST, 0)
    assert (found["RTA_DST"], found["RTA_OIF"], found["RTA_TABLE"]) == ("10.64.0.0", 9, 1190)
    assert (found["RTA_GATEWAY"], found["RTA_PREFSRC"]) == ("10.69.0.4", "10.64.0.1")


def test_a_blackhole_has_no_interface() -> None:
    found = decoded(
        requests.add_route(ip_network("fd00::/122"), None, protocol=30, kind=requests.BLACKHOLE), rtmsg
    )
    assert (found["family"], found["type"], found["table"]) == (AF_INET6, requests.BLACKHOLE, 254)
    assert "RTA_OIF" not in found


def test_one_of_several_routes_to_a_prefix() -> None:
    prefix = ip_network("10.64.0.0/27")
    made = requests.add_route(prefix, None, protocol=30, kind=requests.UNREACHABLE, metric=4096)
    assert decoded(made, rtmsg)["RTA_PRIORITY"] == 4096
    found = decoded(requests.delete_route(prefix, table=116, protocol=30, interface=9, metric=4096), rtmsg)
    assert (found["RTA_OIF"], found["RTA_PRIORITY"], found["RTA_TABLE"]) == (9, 4096, 116)
    any_of_them = decoded(requests.delete_route(prefix, protocol=30), rtmsg)
    assert not {"RTA_OIF", "RTA_PRIORITY"} & any_of_them.keys()


def test_a_question_about_a_route() -> None:
    found = decoded(requests.get_route(ip_address("fe80::1"), 9), rtmsg)
    assert (found["family"], found["dst_len"], found["RTA_DST"], found["RTA_OIF"]) == (
        AF_INET6,
        128,
        "fe80::1",
        9,
    )
    assert "RTA_OIF" not in decoded(requests.get_route(ip_address("10.0.0.1")), rtmsg)


def test_a_rule() -> None:
    found = decoded(requests.add_rule(AF_INET6, 2000, 116, 30), fibmsg)
    assert (found["family"], found["table"], found["action"]) == (AF_INET6, 116, 1)
    assert (found["FRA_PRIORITY"], found["FRA_TABLE"], found["FRA_PROTOCOL"]) == (2000, 116, 30)


def test_a_neighbour_for_good() -> None:
    found = decoded(requests.add_neighbour(5, ip_address("10.0.0.1"), bytes.fromhex("020000000001")), ndmsg)
    assert (found["family"], found["ifindex"], found["state"]) == (AF_INET, 5, 0x80)
    assert (found["NDA_DST"], found["NDA_LLADDR"]) == ("10.0.0.1", "02:00:00:00:00:01")
