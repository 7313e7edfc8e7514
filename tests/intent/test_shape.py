from pathlib import Path

import pytest

from bifilar.intent import load_intent, parse_intent
from bifilar.intent.shape import RackPlan, device_count, device_names, racks_of

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_count_is_expanded_in_the_order_of_the_file() -> None:
    intent = parse_intent(
        "name: fabric\n"
        "addresses: {servers: 10.69.0.0/20, spine-tor: 10.72.1.0/24}\n"
        "spines: 1\n"
        "racks:\n"
        "  - {number: 5, count: 2, servers: 3}\n"
        "  - {number: 0, boot: 1}\n"
    )
    assert racks_of(intent) == (
        RackPlan(zone=None, number=5, boot=0, servers=3),
        RackPlan(zone=None, number=6, boot=0, servers=3),
        RackPlan(zone=None, number=0, boot=1, servers=0),
    )


def test_racks_know_their_zone() -> None:
    racks = racks_of(load_intent(EXAMPLES / "five-stage.yaml"))
    assert [(rack.zone, rack.number) for rack in racks] == [(number // 3, number) for number in range(9)]


def test_names_of_three_stages() -> None:
    assert list(device_names(load_intent(EXAMPLES / "dual-stack.yaml"))) == [
        "core1",
        "spine1",
        "spine2",
        "rack0-tor1",
        "rack0-tor2",
        "rack0-boot1",
        "rack0-server1",
        "rack0-server2",
        "rack1-tor1",
        "rack1-tor2",
        "rack1-server1",
        "rack1-server2",
        "rack1-server3",
    ]


def test_names_of_five_stages() -> None:
    names = list(device_names(load_intent(EXAMPLES / "five-stage.yaml")))
    assert names[:6] == ["core1", "super1", "super2", "zone0-spine1", "zone0-spine2", "zone1-spine1"]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_device_has_a_name_of_its_own(path: Path) -> None:
    intent = load_intent(path)
    assert len(set(device_names(intent))) == device_count(intent)
