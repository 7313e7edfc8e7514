from collections.abc import Callable
from ipaddress import ip_interface

import pytest

from bifilar.errors import InputError, LabError
from bifilar.fabric import Fabric, design
from bifilar.fabric.model import Scope
from bifilar.intent import parse_intent
from bifilar.kernel import addresses, namespaces, sysctl
from bifilar.lab import Lab
from bifilar.render import BIRD_CONFIG, Renderer

pytestmark = pytest.mark.lab

Example = Callable[[str], tuple[Fabric, str]]
Traces = Callable[[str], dict[str, list[str]]]
CONVERGENCE_S = 120

SMALL = """
name: small
bird-version: {version}
addresses: {{servers: 10.69.0.0/20, spine-tor: 10.72.1.0/24, pods: 10.64.0.0/14, load-balancer: 10.72.32.0/20}}
spines: 1
racks: [{{number: 0, servers: 2}}]
"""


def small(version: int = 2) -> tuple[Fabric, str]:
    text = SMALL.format(version=version)
    return design(parse_intent(text)), text


@pytest.mark.parametrize("name", ["article", "dual-stack", "unnumbered"])
def test_a_fabric_comes_up_whole_and_goes_without_a_trace(
    name: str, example: Example, lab_name: str, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    fabric, text = example(name)
    lab = Lab.up(fabric, text, lab_name)
    seconds = lab.wait_converged(CONVERGENCE_S)
    status = lab.status()
    assert status.good
    assert status.sessions_up == status.sessions_expected == len(fabric.sessions)
    assert [device.name for device in status.devices] == [device.name for device in fabric.devices]
    assert status.converged_s == Lab.open(lab_name).status().converged_s == seconds
    assert status.memory_bytes > 0

    removal = Lab.remove(lab_name)
    assert removal.found
    assert removal.processes == removal.namespaces == len(fabric.devices)
    assert traces(lab_name) == nothing


def test_bird_3_runs_where_the_intent_says_so(lab_name: str) -> None:
    lab = Lab.up(*small(version=3), lab_name)
    lab.wait_converged(CONVERGENCE_S)
    assert {device.daemon for device in lab.status().devices} == {"bird 3"}
    assert lab.status().good
    removal = Lab.remove(lab_name)
    assert removal.processes == len(lab.fabric.devices)


def test_every_daemon_reads_the_rendered_configuration(article: Lab) -> None:
    renderer = Renderer(article.fabric)
    for device in article.fabric.devices:
        assert article.bird_config(device.name).read_text() == renderer.files(device)[BIRD_CONFIG]


def test_interfaces_have_the_fabrics_addresses_and_scopes(article: Lab) -> None:
    for device in article.fabric.devices:
        seen = {
            (state.interface, state.address, state.scope)
            for state in article.run_in(device.name, addresses.dump)
            if state.interface != "lo"
        }
        expected = {
            (interface.name, ip_interface(address), "link" if interface.scope is Scope.LINK else "global")
            for interface in device.interfaces
            for address in interface.addresses
        }
        assert seen == expected


def test_settings_are_applied_in_each_namespace_and_not_outside(article: Lab) -> None:
    key = "net.ipv4.fib_multipath_hash_policy"
    assert article.run_in("rack0-server1", lambda: sysctl.read(key)) == "3"
    assert namespaces.run_apart(lambda: sysctl.read(key)) == "0"


def test_a_second_lab_of_the_same_name_is_refused_and_the_first_goes_on(article: Lab) -> None:
    with pytest.raises(LabError, match="there is a lab of this name"):
        Lab.up(*small(), article.name)
    assert article.status().good


def test_a_namespace_of_somebody_else_is_not_taken_over(
    lab_name: str, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    taken = f"bf-{lab_name}-spine1"
    namespaces.create(taken)
    try:
        with pytest.raises(LabError, match=taken):
            Lab.up(*small(), lab_name)
        assert taken in namespaces.names()
    finally:
        namespaces.delete(taken)
    assert traces(lab_name) == nothing


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "..", "a" * 32, "-a"])
def test_a_name_that_could_leave_the_directory_of_labs_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="no name of a lab"):
        Lab.up(*small(), name)


def test_whatever_goes_wrong_while_building_nothing_is_left(
    lab_name: str, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    with pytest.raises(InputError):
        Lab.up(*small(), lab_name, {"bird/tor.conf.j2": "{{ no_such_value }}"})
    assert traces(lab_name) == nothing


def test_a_daemon_that_refuses_its_configuration_is_named_with_its_words(lab_name: str) -> None:
    lab = Lab.up(*small(), lab_name, {"bird/spine.conf.j2": "nonsense;\n"})
    with pytest.raises(LabError, match=r"spine1: the daemon has died: .*bird\.conf:1:.*syntax error"):
        lab.wait_converged(CONVERGENCE_S)
    assert Lab.open(lab_name).templates == {"bird/spine.conf.j2": "nonsense;\n"}


def test_what_has_not_converged_in_time_is_said(lab_name: str) -> None:
    lab = Lab.up(*small(), lab_name)
    with pytest.raises(LabError, match="not converged in time; "):
        lab.wait_converged(0)
