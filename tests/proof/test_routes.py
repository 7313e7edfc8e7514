"""The routes that the policies of a fabric lead to."""

from typing import Any

import pytest

from bifilar.fabric import Fabric, design
from bifilar.intent import Intent
from bifilar.proof import RouteKind, Routes


def _fabric(**changes: Any) -> Fabric:
    return design(
        Intent.model_validate(
            {
                "name": "test",
                "addresses": {
                    "servers": "10.1.0.0/20",
                    "spine-tor": "10.2.0.0/20",
                    "core-spine": "10.3.0.0/24",
                    "super-spine": "10.4.0.0/20",
                },
                "spines": 2,
                "racks": [{"number": 0, "servers": 2}, {"number": 1, "servers": 2}],
            }
            | changes
        )
    )


def _routes(fabric: Fabric, device: str) -> dict[str, list[str]]:
    return {
        str(prefix): sorted(f"{hop.address}%{hop.interface}" for hop in route.next_hops) or [str(route.kind)]
        for prefix, route in Routes(fabric).of(fabric.device(device)).items()
    }


@pytest.mark.parametrize("model", ["rack", "server"])
def test_a_neighbour_in_the_rack_is_reached_at_its_nics_and_all_else_through_both_tors(model: str) -> None:
    assert _routes(_fabric(asn={"model": model}), "rack0-server1") == {
        "10.1.0.5/32": ["10.1.0.133%eth1", "10.1.0.69%eth0"],
        "10.1.0.196/32": ["10.1.0.129%eth1", "10.1.0.65%eth0"],
        "10.1.0.197/32": ["10.1.0.129%eth1", "10.1.0.65%eth0"],
    }


def test_a_tor_knows_its_rack_directly_and_the_others_over_every_spine() -> None:
    assert _routes(_fabric(), "rack0-tor1") == {
        "10.1.0.4/32": ["10.1.0.68%rack"],
        "10.1.0.5/32": ["10.1.0.69%rack"],
        "10.1.0.196/32": ["10.2.0.0%spine1", "10.2.0.84%spine2"],
        "10.1.0.197/32": ["10.2.0.0%spine1", "10.2.0.84%spine2"],
    }


def test_the_core_sees_aggregates_and_the_racks_a_default_route() -> None:
    fabric = _fabric(cores=1)
    assert _routes(fabric, "core1") == {
        "10.1.0.0/20": ["10.3.0.1%spine1", "10.3.0.3%spine2"],
        "0.0.0.0/0": [str(RouteKind.UNREACHABLE)],
    }
    assert _routes(fabric, "rack0-server1")["0.0.0.0/0"] == ["10.1.0.129%eth1", "10.1.0.65%eth0"]
    assert _routes(fabric, "spine1")["10.1.0.0/20"] == [str(RouteKind.UNREACHABLE)]
    assert "10.1.0.0/20" not in _routes(fabric, "rack0-tor1")


def test_a_drained_spine_carries_nothing() -> None:
    fabric = _fabric(devices={"spine1": {"drain": True}})
    assert _routes(fabric, "rack0-tor1")["10.1.0.196/32"] == ["10.2.0.84%spine2"]


def test_a_drained_tor_is_left_by_servers_and_spines() -> None:
    fabric = _fabric(devices={"rack0-tor1": {"drain": True}})
    assert _routes(fabric, "rack0-server1")["10.1.0.196/32"] == ["10.1.0.129%eth1"]
    assert _routes(fabric, "rack0-server1")["10.1.0.5/32"] == ["10.1.0.133%eth1"]
    assert _routes(fabric, "spine1")["10.1.0.4/32"] == ["10.2.0.3%rack0-tor2"]


def test_a_wrong_as_number_of_a_spine_makes_no_valley() -> None:
    """The announce policies hold where the loop check of the AS path is disarmed."""
    fabric = _fabric(devices={"spine2": {"asn": 64555}})
    assert _routes(fabric, "spine2")["10.1.0.4/32"] == ["10.2.0.85%rack0-tor1", "10.2.0.87%rack0-tor2"]


def test_zones_reach_each_other_over_every_super_spine() -> None:
    zones = [{"number": zone, "spines": 2, "racks": [{"number": zone, "servers": 1}]} for zone in range(2)]
    fabric = _fabric(spines=0, racks=[], zones=zones, **{"super-spines": 2})
    assert [hop.split("%")[1] for hop in _routes(fabric, "zone0-spine1")["10.1.0.196/32"]] == [
        "super1",
        "super2",
    ]
    assert [hop.split("%")[1] for hop in _routes(fabric, "super1")["10.1.0.196/32"]] == [
        "zone1-spine1",
        "zone1-spine2",
    ]
