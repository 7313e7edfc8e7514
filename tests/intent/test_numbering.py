"""Growth renumbers nothing, and no two things share a number."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifilar.intent import Intent, numbering
from bifilar.intent.model import AsnModel


def fabric(**changes: object) -> Intent:
    intent: dict[str, object] = {
        "name": "fabric",
        "addresses": {"servers": "10.69.0.0/20"},
        "limits": {"racks": 7, "spines": 4, "super_spines": 5, "zones": 3},
    }
    return Intent.model_validate(intent | changes)


def test_the_plan_of_neco() -> None:
    """Rack 2 of Neco: node0 in 10.69.1.128/26, that is network 6; boot +3, first worker +4."""
    assert numbering.management_network_index(2) == 6
    assert [numbering.tor_network_index(2, tor) for tor in (1, 2)] == [7, 8]
    assert (numbering.TOR_OFFSET, numbering.BOOT_OFFSET, numbering.server_host(1)) == (1, 3, 4)


def test_networks_of_racks_are_apart() -> None:
    indices = [
        index
        for rack in range(50)
        for index in (
            numbering.management_network_index(rack),
            *(numbering.tor_network_index(rack, tor) for tor in (1, 2)),
        )
    ]
    assert indices == list(range(150))


@pytest.mark.parametrize(
    ("addresses", "held"),
    [
        ({"servers": "10.69.0.0/20"}, {"servers": 21}),
        ({"servers": "10.69.0.0/24"}, {"servers": 1}),
        ({"servers": "10.69.0.0/25"}, {"servers": 0}),
        ({"servers": "10.69.0.0/30"}, {"servers": 0}),
        ({"servers": "10.0.0.0/8", "network_bits": 3}, {"servers": 65_536}),
        ({"servers6": "fd00::/56"}, {"servers6": 85}),
        ({"servers6": "fd00::/62"}, {"servers6": 1}),
        ({"servers6": "fd00::/96"}, {"servers6": 0}),
        ({"servers6": "fd00::/16"}, {"servers6": 65_536}),
        ({"servers": "10.69.0.0/20", "servers6": "fd00::/56"}, {"servers": 21, "servers6": 85}),
    ],
)
def test_racks_that_a_range_holds(addresses: dict[str, object], held: dict[str, int]) -> None:
    assert numbering.racks_held(fabric(addresses=addresses)) == held


def test_the_limit_of_racks() -> None:
    assert numbering.racks_limit(fabric()) == 7
    assert numbering.racks_limit(fabric(limits={})) == 21
    assert numbering.racks_limit(fabric(limits={}, addresses={"servers6": "fd00::/56"})) == 85


def test_spine_tor_links_fill_their_blocks() -> None:
    """Spine by spine, rack by rack, ToR 1 then ToR 2: the order of Neco's /31s."""
    intent = fabric()
    links = product(range(1, 5), range(7), (1, 2))
    assert [numbering.spine_tor_index(intent, *link) for link in links] == list(range(4 * 7 * 2))


def test_super_spine_links_fill_their_blocks() -> None:
    intent = fabric()
    links = product(range(1, 6), range(3), range(1, 5))
    assert [numbering.super_spine_index(intent, *link) for link in links] == list(range(5 * 3 * 4))


@pytest.mark.parametrize(("super_spines", "below"), [(0, 4), (2, 5)])
def test_core_links_fill_their_blocks(super_spines: int, below: int) -> None:
    intent = fabric(super_spines=super_spines)
    links = product(range(1, 4), range(1, below + 1))
    assert [numbering.core_spine_index(intent, *link) for link in links] == list(range(3 * below))


@given(st.integers(0, 16), st.integers(1, 4), st.integers(0, 6), st.integers(1, 2))
def test_growth_does_not_move_a_link(grown: int, spine: int, rack: int, tor: int) -> None:
    small = fabric(spines=1)
    large = fabric(
        cores=grown,
        spines=4 + grown,
        racks=[{"number": number, "servers": 1} for number in range(grown)],
    )
    assert numbering.spine_tor_index(small, spine, rack, tor) == numbering.spine_tor_index(
        large, spine, rack, tor
    )
    assert numbering.core_spine_index(small, 1, spine) == numbering.core_spine_index(large, 1, spine)


def test_as_numbers() -> None:
    per_rack, per_server = fabric(), fabric(asn={"model": AsnModel.SERVER})
    assert numbering.rack_asn(per_rack, 3) == numbering.host_asn(per_rack, 3, 4) == 64603
    assert numbering.zone_asn(per_rack, 2) == 64802
    assert numbering.rack_asn(per_server, 3) == 64603
    assert numbering.host_asn(per_server, 3, 4) == 4_200_000_000 + 3 * 64 + 4


@given(st.sets(st.tuples(st.integers(0, 1000), st.integers(3, 62)), min_size=2))
def test_servers_have_as_numbers_of_their_own(hosts: set[tuple[int, int]]) -> None:
    intent = fabric(asn={"model": AsnModel.SERVER})
    assert len({numbering.host_asn(intent, rack, host) for rack, host in hosts}) == len(hosts)
