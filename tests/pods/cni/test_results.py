"""Results: written for every version, read back, and added to those of other plugins."""

import json
from ipaddress import ip_address, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifilar.pods.cni import AssignedAddress, Dns, Interface, Result, Route, Version
from bifilar.pods.cni.result_forms import as_json, previous_of

FULL = Result(
    (Interface("veth1", "02:00:00:00:00:01", mtu=1500), Interface("eth0", sandbox="/run/netns/a", mtu=1500)),
    (
        AssignedAddress(ip_interface("10.64.0.1/32"), ip_address("10.69.0.4"), 1),
        AssignedAddress(ip_interface("fd00::1/128"), interface=0),
    ),
    (Route(ip_network("0.0.0.0/0"), ip_address("10.69.0.4"), mtu=1400, table=0, scope=0),),
    Dns(("10.0.0.53",), search=("shop",)),
)


def test_the_newest_version_tells_everything() -> None:
    assert as_json(FULL, Version.V1_1_0) == {
        "cniVersion": "1.1.0",
        "interfaces": [
            {"name": "veth1", "mac": "02:00:00:00:00:01", "mtu": 1500},
            {"name": "eth0", "sandbox": "/run/netns/a", "mtu": 1500},
        ],
        "ips": [
            {"address": "10.64.0.1/32", "gateway": "10.69.0.4", "interface": 1},
            {"address": "fd00::1/128", "interface": 0},
        ],
        "routes": [{"dst": "0.0.0.0/0", "gw": "10.69.0.4", "mtu": 1400, "table": 0, "scope": 0}],
        "dns": {"nameservers": ["10.0.0.53"], "search": ["shop"]},
    }


@pytest.mark.parametrize("version", [Version.V0_3_1, Version.V0_4_0, Version.V1_0_0])
def test_an_older_version_has_neither_mtu_nor_scope(version: Version) -> None:
    document = json.dumps(as_json(FULL, version))
    assert "mtu" not in document
    assert "scope" not in document


@pytest.mark.parametrize("version", Version)
def test_before_1_0_0_an_address_says_its_family(version: Version) -> None:
    families = [address.get("version") for address in as_json(FULL, version)["ips"]]  # type: ignore[attr-defined]
    assert families == (["4", "6"] if version.value < (1, 0, 0) else [None, None])


def test_nothing_is_written_of_what_there_is_not() -> None:
    assert as_json(Result(), Version.V1_0_0) == {"cniVersion": "1.0.0"}


def test_ours_stands_behind_that_of_the_plugins_before_us() -> None:
    previous = Result(
        (Interface("net1"), Interface("net2")),
        (AssignedAddress(ip_interface("10.1.0.2/24"), interface=0),),
        (Route(ip_network("10.2.0.0/16")),),
    )
    both = FULL.after(previous)
    assert [interface.name for interface in both.interfaces] == ["net1", "net2", "veth1", "eth0"]
    assert [address.interface for address in both.addresses] == [0, 3, 2]
    assert both.routes == previous.routes + FULL.routes
    assert both.dns == FULL.dns


def test_resolvers_of_the_plugins_before_us_stay() -> None:
    assert FULL.after(Result(dns=Dns(domain="other"))).dns == Dns(domain="other")


def test_alone_in_the_chain_nothing_changes() -> None:
    assert FULL.after(None) is FULL


TEXTS = st.text(min_size=1, max_size=5)
NUMBERS = st.none() | st.integers(0, 2**32)
GATEWAYS = st.none() | st.ip_addresses()
RESULTS = st.builds(
    Result,
    st.lists(st.builds(Interface, TEXTS, TEXTS, TEXTS, NUMBERS, TEXTS, TEXTS), max_size=3).map(tuple),
    st.lists(
        st.builds(AssignedAddress, st.ip_addresses().map(ip_interface), GATEWAYS, NUMBERS), max_size=3
    ).map(tuple),
    st.lists(
        st.builds(
            Route, st.ip_addresses().map(ip_network), GATEWAYS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS
        ),
        max_size=3,
    ).map(tuple),
    st.builds(Dns, st.lists(TEXTS).map(tuple), TEXTS, st.lists(TEXTS).map(tuple), st.lists(TEXTS).map(tuple)),
)


@given(RESULTS)
def test_the_newest_version_loses_nothing(result: Result) -> None:
    document = json.loads(json.dumps(as_json(result, Version.V1_1_0)))
    assert previous_of({"prevResult": document}, Version.V1_1_0) == result


@given(RESULTS, st.sampled_from(Version), st.sampled_from(Version))
def test_a_result_read_and_written_again_is_that_of_its_version(
    result: Result, written: Version, again: Version
) -> None:
    document = as_json(result, written)
    previous = previous_of({"prevResult": {**document, "cniVersion": again.text}}, again)
    assert previous is not None
    assert as_json(previous, written) == document
