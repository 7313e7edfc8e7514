"""A designed fabric agrees with itself."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given

from bifilar.fabric import Fabric, design
from bifilar.fabric.model import Family, Role, SessionKind, Source
from bifilar.intent import Intent
from fabric.intents import ADDRESSES, five_stage, intent, three_stage_documents

UNNUMBERED = {
    "addresses": {key: value for key, value in ADDRESSES.items() if not key.startswith("spine-tor")},
    "links": {"spine-tor": "unnumbered"},
}
SHAPES = {
    "article": intent(),
    "core": intent(cores=2),
    "as-per-server": intent(asn={"model": "server"}),
    "dual": intent(addresses=ADDRESSES, cores=1),
    "unnumbered": intent(**UNNUMBERED, cores=1),
    "five-stage": five_stage(),
}


@given(three_stage_documents)
def test_no_two_interfaces_share_an_address(document: dict[str, Any]) -> None:
    _assert_addresses_unique(design(Intent.model_validate(document)))


@pytest.mark.parametrize("shape", SHAPES)
def test_no_two_interfaces_of_any_shape_share_an_address(shape: str) -> None:
    _assert_addresses_unique(design(SHAPES[shape]))


def _assert_addresses_unique(fabric: Fabric) -> None:
    used = Counter(
        address.ip
        for device in fabric.devices
        for interface in device.interfaces
        for address in interface.addresses
    )
    assert [address for address, count in used.items() if count > 1] == []
    assert len({device.router_id for device in fabric.devices}) == len(fabric.devices)


@given(three_stage_documents)
def test_both_ends_of_every_session_agree(document: dict[str, Any]) -> None:
    _assert_sessions_agree(design(Intent.model_validate(document)))


@pytest.mark.parametrize("shape", SHAPES)
def test_both_ends_of_every_session_of_any_shape_agree(shape: str) -> None:
    _assert_sessions_agree(design(SHAPES[shape]))


def _assert_sessions_agree(fabric: Fabric) -> None:
    sides = {(s.device, s.peer, s.local_address): s for s in fabric.sessions}
    assert len(sides) == len(fabric.sessions)
    for session in fabric.sessions:
        other = sides[session.peer, session.device, session.remote_address]
        assert (other.local_as, other.remote_as) == (session.remote_as, session.local_as)
        assert (other.local_address, other.remote_address) == (session.remote_address, session.local_address)
        assert [c.family for c in other.channels] == [c.family for c in session.channels]
        assert session.upward is not other.upward
        assert not (session.passive and other.passive)
        own = {
            address.ip
            for interface in fabric.device(session.device).interfaces
            if interface.name == session.interface
            for address in interface.addresses
        }
        assert session.local_address in own


@pytest.mark.parametrize("shape", SHAPES)
def test_names_of_sessions_and_interfaces_are_unique_on_a_device_and_fit_the_kernel(shape: str) -> None:
    fabric = design(SHAPES[shape])
    for device in fabric.devices:
        sessions = [session.name for session in fabric.sessions_of(device)]
        interfaces = [interface.name for interface in device.interfaces]
        assert len(set(sessions)) == len(sessions)
        assert len(set(interfaces)) == len(interfaces)
        assert max(map(len, interfaces)) <= 15


def test_a_server_has_two_links_and_a_rack_has_two_tors_that_do_not_peer() -> None:
    fabric = design(intent())
    server = fabric.device("rack0-server1")
    assert [s.peer for s in fabric.sessions_of(server)] == ["rack0-tor1", "rack0-tor2"]
    assert {s.kind for s in fabric.sessions_of(server)} == {SessionKind.IBGP}
    tor = fabric.device("rack0-tor1")
    assert "rack0-tor2" not in {s.peer for s in fabric.sessions_of(tor)}
    reflected = [s for s in fabric.sessions_of(tor) if fabric.device(s.peer).role is Role.SERVER]
    assert all(s.route_reflector_client and s.passive for s in reflected)


def test_with_an_as_per_server_every_session_is_ebgp_and_nothing_is_reflected() -> None:
    fabric = design(SHAPES["as-per-server"])
    assert {s.kind for s in fabric.sessions} == {SessionKind.EBGP}
    assert not any(s.route_reflector_client for s in fabric.sessions)
    servers = [d for d in fabric.devices if d.role.is_server]
    assert len({d.asn for d in servers}) == len(servers)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_comes_from_above_is_never_announced_upwards(shape: str) -> None:
    for session in design(SHAPES[shape]).sessions:
        for channel in session.channels:
            assert not (session.upward and Source.ABOVE in channel.announce)


def test_an_unnumbered_link_carries_both_families_in_one_session() -> None:
    fabric = design(SHAPES["unnumbered"])
    links = [s for s in fabric.sessions if s.unnumbered]
    assert links
    for session in links:
        assert [c.family for c in session.channels] == [Family.V4, Family.V6]
        assert [c.next_hop_over_v6 for c in session.channels] == [True, False]


def test_the_address_plan_is_neco_s() -> None:
    """ToR +1, boot server +3, servers +4 and on; /31s with the spine even and the ToR odd."""
    addresses = {"servers": "10.69.0.0/20", "spine-tor": "10.72.1.0/24", "core-spine": "10.72.2.0/24"}
    fabric = design(
        intent(addresses=addresses, limits={}, cores=1, racks=[{"number": 1, "boot": 1, "servers": 1}])
    )

    def first(device: str, interface: str) -> str:
        return str(fabric.device(device).interface(interface).addresses[0])

    assert first("rack1-boot1", "node0") == "10.69.0.195/32"
    assert first("rack1-server1", "node0") == "10.69.0.196/32"
    assert first("rack1-server1", "eth0") == "10.69.1.4/26"
    assert first("rack1-server1", "eth1") == "10.69.1.68/26"
    assert first("rack1-tor2", "rack") == "10.69.1.65/26"
    assert first("spine1", "rack1-tor1") == "10.72.1.4/31"
    assert first("rack1-tor1", "spine1") == "10.72.1.5/31"
    assert first("core1", "spine2") == "10.72.2.2/31"
