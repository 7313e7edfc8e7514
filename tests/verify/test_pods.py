"""The checks of pods; first what they conclude, then on real pods of a real fabric."""

import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifilar.errors import InputError
from bifilar.fabric import Fabric, design
from bifilar.fabric.model import POD_EXPORT_TABLE, DeviceName, Prefix, Role
from bifilar.intent import load_intent, parse_intent
from bifilar.kernel import routes
from bifilar.lab import Lab
from bifilar.lab.records import Pod
from bifilar.proof.routes import Route, RouteKind, Routes
from bifilar.verify import CHECKS, DISRUPTIVE, Check, Status, verify
from bifilar.verify.checks.pods import pod_exports
from bifilar.verify.observation import DeviceState, Observation
from bifilar.verify.traffic.stations import Flow
from bifilar.verify.traffic.stream import interruption
from bifilar.verify.traffic.survival import detection_ms
from verify.labs import EXAMPLES, running_lab

DEADLINE_S = 30

ON = DeviceName("rack0-server1")
BLOCK = ip_network("10.64.0.32/27")
FLOW = Flow(DeviceName("pod a"), DeviceName("pod b"), ip_address("10.64.0.33"))
POD = Pod(
    name="a",
    namespace="default",
    device=ON,
    container="c0ffee",
    netns=Path("/run/netns/a"),
    addresses=(ip_address("10.64.0.33"),),
)


@pytest.fixture(scope="module")
def fabric() -> Fabric:
    """The article's."""
    return design(load_intent(EXAMPLES / "article.yaml"))


@pytest.fixture
def seen(fabric: Fabric) -> dict[DeviceName, DeviceState]:
    """Every device as it should be while one server exports a block."""
    routes = Routes(fabric)
    [management] = fabric.device(ON).management
    found = {}
    for device in fabric.devices:
        ways = dict(routes.of(device))
        if device.name == ON:
            learnt = {**ways, BLOCK: Route(RouteKind.UNICAST)}
            found[device.name] = DeviceState(chosen=learnt, kernel=ways, exported=frozenset({BLOCK}))
        else:
            ways[BLOCK] = ways[ip_network(management)]
            found[device.name] = DeviceState(chosen=ways, kernel=ways)
    return found


def _without(routes: Mapping[Prefix, Route], prefix: Prefix) -> dict[Prefix, Route]:
    return {other: route for other, route in routes.items() if other != prefix}


def _judge(fabric: Fabric, seen: Observation, pod: Pod = POD) -> Check:
    return pod_exports(fabric, Routes(fabric), seen, [pod])


def test_a_block_that_everybody_reaches_like_its_server_passes(fabric: Fabric, seen: Observation) -> None:
    check = _judge(fabric, seen)
    assert (check.status, check.detail) == (Status.PASS, ())
    assert check.observed == f"{len(fabric.devices) - 1} as expected"


@pytest.mark.parametrize("device", ["spine1", "rack0-tor2", "rack0-server2", "rack1-server3"])
def test_a_daemon_or_kernel_without_the_block_is_named(
    fabric: Fabric, seen: dict[DeviceName, DeviceState], device: str
) -> None:
    name = DeviceName(device)
    whole = seen[name]
    seen[name] = replace(whole, chosen=_without(whole.chosen, BLOCK))
    assert _judge(fabric, seen).detail == (f"{device}: its daemon lacks {BLOCK} of {ON}",)
    seen[name] = replace(whole, kernel=_without(whole.kernel, BLOCK))
    [fault] = _judge(fabric, seen).detail
    assert fault.startswith(f"{device}: its kernel has another way to {BLOCK}")


def test_a_block_that_its_own_daemon_has_not_learnt_is_named(
    fabric: Fabric, seen: dict[DeviceName, DeviceState]
) -> None:
    seen[ON] = replace(seen[ON], chosen=_without(seen[ON].chosen, BLOCK))
    assert _judge(fabric, seen).detail == (f"{ON}: its daemon has not learnt its own block {BLOCK}",)


def test_an_address_outside_every_exported_block_is_named(fabric: Fabric, seen: Observation) -> None:
    stray = replace(POD, addresses=(ip_address("10.64.0.64"),))
    assert _judge(fabric, seen, stray).detail == (f"{ON}: exports no block with 10.64.0.64 of pod a",)


def test_a_pod_that_is_not_attached_is_named(fabric: Fabric, seen: Observation) -> None:
    assert _judge(fabric, seen, replace(POD, addresses=())).detail == (f"pod a on {ON} is not attached",)


def test_a_core_that_sees_aggregates_needs_no_route_to_a_block() -> None:
    fabric = design(load_intent(EXAMPLES / "dual-stack.yaml"))
    routes = Routes(fabric)
    management = next(address for address in fabric.device(ON).management if address.version == 4)
    seen = {}
    for device in fabric.devices:
        ways = dict(routes.of(device))
        if ip_network(management) in ways:
            ways[BLOCK] = ways[ip_network(management)]
        exported = frozenset({BLOCK}) if device.name == ON else frozenset()
        chosen = {**ways, BLOCK: Route(RouteKind.UNICAST)} if device.name == ON else ways
        seen[device.name] = DeviceState(chosen=chosen, kernel=ways, exported=exported)
    assert BLOCK not in seen[DeviceName("core1")].chosen
    assert _judge(fabric, seen).status is Status.PASS


@pytest.mark.parametrize(
    ("arrived", "lost", "longest_ms", "recovered"),
    [
        ("++++++", 0, 0, True),
        ("++---+", 3, 3, True),
        ("-+----+-", 6, 4, False),
        ("+--+---", 5, 2, False),
        ("---+", 3, 3, True),
        ("----", 4, 3, False),
        ("", 0, 0, True),
    ],
)
def test_an_interruption_is_measured_from_the_first_loss_to_the_next_arrival(
    arrived: str, lost: int, longest_ms: int, recovered: bool
) -> None:
    sent_ns = [1_000_000 * number for number in range(len(arrived))]
    found = interruption(FLOW, sent_ns, [number for number, sign in enumerate(arrived) if sign == "+"])
    assert (found.sent, found.lost, found.longest_ms, found.recovered) == (
        len(arrived),
        lost,
        longest_ms,
        recovered,
    )


@given(st.lists(st.tuples(st.integers(1, 5_000_000), st.booleans())))
def test_no_interruption_is_longer_than_the_whole_and_none_comes_from_nothing(
    packets: list[tuple[int, bool]],
) -> None:
    sent_ns = [sum(gap for gap, _ in packets[: place + 1]) for place in range(len(packets))]
    found = interruption(FLOW, sent_ns, [number for number, (_, there) in enumerate(packets) if there])
    assert (found.longest_ms > 0) <= (found.lost > 0)
    assert found.longest_ms <= sum(gap for gap, _ in packets) / 1e6
    assert found.recovered == (not packets or packets[-1][1])


def test_the_slower_end_of_a_bfd_session_decides_how_long_it_takes() -> None:
    text = (EXAMPLES / "article.yaml").read_text()
    slow = "devices: {rack0-server2: {bfd: {interval-ms: 1000, multiplier: 2}}}\n"
    fabric = design(parse_intent(text + slow))
    assert detection_ms(fabric, fabric.device("rack1-tor1")) == 400 * 5
    assert detection_ms(fabric, fabric.device("rack0-tor1")) == 1000 * 5


POD_CHECKS = ("pod-exports", "pods-in-rack", "pods-across-racks", "pods-to-servers")


def _statuses(checks: tuple[Check, ...]) -> dict[str, Status]:
    return {check.name: check.status for check in checks}


@pytest.mark.lab
def test_without_pods_their_checks_are_skipped_and_say_why() -> None:
    with running_lab("article") as lab:
        report = verify(lab, [*POD_CHECKS, *DISRUPTIVE])
    assert _statuses(report.checks) == dict.fromkeys((*POD_CHECKS, *DISRUPTIVE), Status.SKIP)
    assert {check.observed for check in report.checks} == {"the lab has no pods"}


def test_a_check_that_breaks_something_is_made_only_when_asked_for() -> None:
    assert set(POD_CHECKS) <= set(CHECKS)
    assert not set(DISRUPTIVE) & set(CHECKS)


@pytest.mark.lab
def test_an_unknown_check_is_refused_with_all_names() -> None:
    with running_lab("article") as lab, pytest.raises(InputError) as refused:
        verify(lab, ["pods"])
    assert all(name in refused.value.hint for name in (*CHECKS, *DISRUPTIVE))


@contextmanager
def _lab_with_pods(example: str) -> Iterator[Lab]:
    """Two pods on a rack, on one server and another if it has two, and one on another rack."""
    with running_lab(example) as lab:
        racks: defaultdict[int | None, list[DeviceName]] = defaultdict(list)
        for device in lab.fabric.devices:
            if device.role is Role.SERVER:
                racks[device.rack].append(device.name)
        first, second = list(racks.values())[:2]
        for name, device in (("a", first[0]), ("b", first[-1]), ("c", second[0])):
            lab.pods.run(name, device)
        # The blocks reach the last kernel some milliseconds after the pods were made.
        deadline = time.monotonic() + DEADLINE_S
        while not (report := verify(lab, ["pod-exports"])).good:
            assert time.monotonic() < deadline, report.checks
        yield lab


@pytest.mark.lab
@pytest.mark.parametrize("example", ["article", "dual-stack", "unnumbered", "as-per-server"])
def test_pods_pass_every_check_and_disturb_no_other(example: str) -> None:
    with _lab_with_pods(example) as lab:
        report = verify(lab)
    assert {check.name: check.detail for check in report.checks if check.status is not Status.PASS} == {}


@pytest.mark.lab
def test_a_pod_survives_a_silent_tor_within_the_limit_of_bfd() -> None:
    with _lab_with_pods("article") as lab:
        report = verify(lab, DISRUPTIVE)
        assert _statuses(report.checks) == dict.fromkeys(DISRUPTIVE, Status.PASS), report.checks
        # The ToR is back.
        assert lab.status().good
        assert _statuses(verify(lab, ["kernel-routes"]).checks) == {"kernel-routes": Status.PASS}


@pytest.mark.lab
def test_damage_to_pods_is_found_out() -> None:
    with _lab_with_pods("article") as lab:
        [address] = lab.pods.named("a").addresses
        lab.pods.run_in("a", lambda: subprocess.run(["ip", "route", "del", "default"], check=True))
        block = next(
            route.prefix
            for route in lab.run_in(lab.pods.named("c").device, lambda: routes.dump(POD_EXPORT_TABLE))
        )
        # BIRD would put back a route that somebody else deletes.
        birdc = ["birdc", "-s", str(lab.bird_socket("spine1")), "disable", "kernel4"]
        subprocess.run(birdc, check=True, stdout=subprocess.DEVNULL)
        report = verify(lab, POD_CHECKS)
    failed = {check.name: check.detail for check in report.checks if check.status is Status.FAIL}
    assert set(failed) == set(POD_CHECKS)
    assert any(str(block) in line and line.startswith("spine1: ") for line in failed["pod-exports"])
    assert any("pod a does not reach pod b" in line for line in failed["pods-in-rack"])
    assert any(line.endswith(f"does not reach pod a ({address})") for line in failed["pods-to-servers"])
