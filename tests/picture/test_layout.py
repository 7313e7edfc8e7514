"""The layout as values: nothing overlaps, nothing is lost, nothing is too large."""

from itertools import combinations, pairwise
from typing import Any

import pytest
from fabrics import ADDRESSES, FIVE_STAGE, V6, fabric, fabrics, zones
from hypothesis import HealthCheck, given, settings

from bifilar.fabric.model import Fabric, Role
from bifilar.render.picture.layout import Scene, scene_of
from bifilar.render.picture.shapes import Box, Joint, Panel, Text, Wire
from bifilar.render.picture.text import SMALLEST

PICTURES: dict[str, dict[str, Any]] = {
    "article": {},
    "core": {"cores": 1, "racks": [{"number": 0, "count": 4, "boot": 1, "servers": 4}]},
    "dual stack": {"addresses": ADDRESSES, "cores": 2},
    "v6 only": {"addresses": V6},
    "AS per server": {"asn": {"model": "server"}, "racks": [{"number": 0, "count": 10, "servers": 30}]},
    "no servers": {"racks": [{"number": 0}, {"number": 5, "servers": 1}]},
    "five stages": FIVE_STAGE | {"zones": zones(3, 3), "cores": 1},
    "zones in rows": FIVE_STAGE | {"zones": zones(6, 6, 4), "super-spines": 16, "addresses": ADDRESSES},
    "many zones": FIVE_STAGE | {"zones": zones(30, 5, 20), "super-spines": 20, "cores": 16},
    "many spines": {"spines": 20, "cores": 2},
    "10 racks": {"racks": [{"number": 0, "count": 10, "servers": 30}]},
    "40 racks": {"racks": [{"number": 0, "count": 40, "servers": 30}], "addresses": ADDRESSES, "cores": 2},
    "250 racks": {"racks": [{"number": 0, "count": 250, "servers": 30}]},
}


@pytest.fixture(params=list(PICTURES.values()), ids=list(PICTURES), scope="module")
def scene(request: pytest.FixtureRequest) -> Scene:
    return scene_of(fabric(**request.param))


def texts(scene: Scene) -> list[Text]:
    return [shape for shape in scene.shapes if isinstance(shape, Text)]


def overlapping(labels: list[Text]) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes overlap; by a sweep, as large pictures have thousands."""
    labels = sorted(labels, key=lambda label: label.box.y)
    found = []
    for index, label in enumerate(labels):
        box = label.box
        for other in labels[index + 1 :]:
            if other.box.y >= box.bottom:
                break
            if box.overlaps(other.box):
                found.append((label.content, other.content))
    return found


def points_of(wire: Wire) -> list[tuple[float, float]]:
    """Points along a wire, closer than the height of a letter at usual lengths."""
    steps = [step / 200 for step in range(201)]
    if not wire.curved:
        return [
            (x1 + (x2 - x1) * step, y1 + (y2 - y1) * step)
            for (x1, y1), (x2, y2) in pairwise(wire.points)
            for step in steps
        ]
    (x1, y1), (x2, y2) = wire.points
    middle = (y1 + y2) / 2
    return [
        (
            x1 * ((1 - t) ** 3 + 3 * (1 - t) ** 2 * t) + x2 * (3 * (1 - t) * t**2 + t**3),
            y1 * (1 - t) ** 3 + middle * 3 * (1 - t) * t + y2 * t**3,
        )
        for t in steps
    ]


def test_no_label_overlaps_another(scene: Scene) -> None:
    assert overlapping(texts(scene)) == []


def test_no_link_runs_through_a_label(scene: Scene) -> None:
    """The fixed points of the sampled curves all lie outside of every label's box."""
    labels = texts(scene)
    touched = {
        label.content
        for wire in scene.shapes
        if isinstance(wire, Wire)
        for label in _near(wire, labels)
        for x, y in points_of(wire)
        if label.box.x < x < label.box.right and label.box.y < y < label.box.bottom
    }
    assert touched == set()


def _near(wire: Wire, labels: list[Text]) -> list[Text]:
    """The labels that overlap the rectangle which the wire spans; it never leaves it."""
    xs, ys = [x for x, _ in wire.points], [y for _, y in wire.points]
    span = Box(min(xs) - 1, min(ys) - 1, max(xs) - min(xs) + 2, max(ys) - min(ys) + 2)
    return [label for label in labels if span.overlaps(label.box)]


def test_every_label_is_inside_the_picture_and_legible(scene: Scene) -> None:
    for label in texts(scene):
        assert label.box.x >= 0
        assert label.box.y >= 0
        assert label.box.right <= scene.width
        assert label.box.bottom <= scene.height
        assert label.style.value.size >= SMALLEST


def test_boxes_are_nested_or_apart(scene: Scene) -> None:
    """A server stands in its rack, a rack in its zone; no two of a kind overlap, but sheets of a pile."""
    panels = [shape for shape in scene.shapes if isinstance(shape, Panel)]
    for one, other in combinations(panels, 2):
        if one.kind is other.kind and one.box.overlaps(other.box):
            assert one.box.x == other.box.x
            assert abs(one.box.y - other.box.y) < 10


@pytest.mark.parametrize("racks", [1, 4, 5, 7, 12, 13, 40])
def test_every_switch_and_every_server_is_there(racks: int) -> None:
    three = fabric(cores=1, spines=4, racks=[{"number": 3, "count": racks, "boot": 1, "servers": 6}])
    _assert_complete(three, scene_of(three))


@pytest.mark.parametrize(("count", "racks"), [(2, 2), (3, 3), (4, 10), (40, 1)])
def test_every_switch_and_server_of_five_stages_is_there(count: int, racks: int) -> None:
    five = fabric(**FIVE_STAGE | {"zones": zones(count, racks, spines=4)})
    _assert_complete(five, scene_of(five))


def _assert_complete(whole: Fabric, scene: Scene) -> None:
    """Every device is named; servers may be counted instead."""
    contents = [label.content for label in texts(scene)]
    for device in whole.devices:
        if device.role is not Role.SERVER:
            assert contents.count(device.name) >= 1, device.name
    named = sum(device.name in set(contents) for device in whole.devices if device.role is Role.SERVER)
    piled = sum(
        int(content.removesuffix(" servers"))
        for content in contents
        if content.removesuffix(" servers").isdigit() and content.endswith(" servers")
    )
    assert named + piled == sum(device.role is Role.SERVER for device in whole.devices)


def test_each_link_of_a_small_fabric_is_drawn_once() -> None:
    """Between switches one line a link; every server hangs on both of its rack's rails."""
    small = fabric(cores=1)
    wires = [shape for shape in scene_of(small).shapes if isinstance(shape, Wire)]
    switch_links = [link for link in small.links if not small.device(link.b.device).role.is_server]
    assert sum(wire.curved for wire in wires) == len(switch_links)
    ends = [shape for shape in scene_of(small).shapes if isinstance(shape, Joint)]
    assert len(ends) == len(small.links) - len(switch_links)


def test_an_own_asn_of_a_server_or_a_tor_is_told() -> None:
    own = fabric(devices={"rack0-tor2": {"asn": 65001}, "rack1-server3": {"asn": 65002}})
    contents = [label.content for label in texts(scene_of(own))]
    assert contents.count("AS 65001") == 1
    assert contents.count("AS 65002") == 1


def test_a_drained_device_and_its_own_timers_are_told() -> None:
    drained = fabric(devices={"spine1": {"drain": True}, "rack0-tor1": {"bfd": {"interval-ms": 100}}})
    contents = [label.content for label in texts(scene_of(drained))]
    assert contents.count("draining") == 1
    assert "1 device with other timers" in contents


def test_a_large_fabric_is_told_by_its_first_and_last_racks_and_totals() -> None:
    large = fabric(racks=[{"number": 0, "count": 250, "servers": 30}])
    contents = [label.content for label in texts(scene_of(large))]
    assert "… 247 more racks …" in contents
    assert f"{247 * 30} servers" in contents
    assert {"rack 0", "rack 1", "rack 249"} <= set(contents)
    assert "rack 2" not in contents


def test_a_zone_counts_its_boot_servers_apart() -> None:
    five = fabric(**FIVE_STAGE | {"zones": zones(2, 2, servers=4)})
    contents = [label.content for label in texts(scene_of(five))]
    assert contents.count("2 racks, 2 boot servers, 8 servers") == 2


@given(fabrics)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_fabric_is_drawn_in_bounded_size_without_overlap(any_fabric: Fabric) -> None:
    scene = scene_of(any_fabric)
    assert scene.width <= 6000
    assert scene.height <= 12_000
    assert len(scene.shapes) <= 6000
    assert overlapping(texts(scene)) == []


def test_size_does_not_grow_with_the_number_of_racks() -> None:
    sizes = {
        len(scene_of(fabric(racks=[{"number": 0, "count": racks, "servers": 2}])).shapes)
        for racks in (41, 200, 999)
    }
    assert len(sizes) == 1
