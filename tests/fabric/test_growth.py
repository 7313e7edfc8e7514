"""Growing or shrinking a fabric renumbers nothing that stays."""

from copy import deepcopy
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from bifilar.fabric import Fabric, design
from bifilar.fabric.model import Device, Link, Session
from bifilar.intent import Intent
from fabric.intents import racks, three_stage_documents


def _designed(document: dict[str, Any]) -> Fabric:
    return design(Intent.model_validate(document))


def _identity(device: Device) -> object:
    """Everything of a device but the interfaces, which come and go with its neighbours."""
    return device.asn, device.router_id, device.management


def _assert_what_stays_is_the_same(before: Fabric, after: Fabric) -> None:
    staying = before.by_name.keys() & after.by_name.keys()
    for name in staying:
        assert _identity(before.by_name[name]) == _identity(after.by_name[name])
    assert _links_between(before, staying) == _links_between(after, staying)
    assert _sessions_between(before, staying) == _sessions_between(after, staying)
    for link in _links_between(before, staying):
        for end in (link.a, link.b):
            assert before.device(end.device).interface(end.interface) == after.device(end.device).interface(
                end.interface
            )


def _links_between(fabric: Fabric, names: set[Any]) -> set[Link]:
    return {link for link in fabric.links if {link.a.device, link.b.device} <= names}


def _sessions_between(fabric: Fabric, names: set[Any]) -> set[Session]:
    return {session for session in fabric.sessions if {session.device, session.peer} <= names}


@given(three_stage_documents, st.data())
def test_removing_a_rack_renumbers_nothing_else(document: dict[str, Any], data: st.DataObject) -> None:
    assume(len(document["racks"]) > 1)
    smaller = deepcopy(document)
    smaller["racks"].pop(data.draw(st.integers(0, len(document["racks"]) - 1)))
    _assert_what_stays_is_the_same(_designed(document), _designed(smaller))


@given(three_stage_documents, racks)
def test_adding_racks_renumbers_nothing_else(document: dict[str, Any], more: list[dict[str, int]]) -> None:
    taken = {rack["number"] for rack in document["racks"]}
    larger = deepcopy(document)
    larger["racks"] = [rack for rack in more if rack["number"] not in taken] + document["racks"]
    _assert_what_stays_is_the_same(_designed(document), _designed(larger))


@given(three_stage_documents, st.integers(0, 4), st.integers(0, 1))
def test_more_or_fewer_servers_renumber_nothing_else(
    document: dict[str, Any], servers: int, boot: int
) -> None:
    changed = deepcopy(document)
    changed["racks"][0] |= {"servers": servers + 1, "boot": boot}
    _assert_what_stays_is_the_same(_designed(document), _designed(changed))


@given(three_stage_documents, st.integers(1, 8), st.integers(0, 3))
def test_more_or_fewer_spines_and_cores_renumber_nothing_else(
    document: dict[str, Any], spines: int, cores: int
) -> None:
    _assert_what_stays_is_the_same(
        _designed(document), _designed(document | {"spines": spines, "cores": cores})
    )
