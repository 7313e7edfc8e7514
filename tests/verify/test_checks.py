"""The pure checks pass on what the fabric says, and fail on each thing that is otherwise."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_interface, ip_network

import pytest

from bifilar.fabric import Fabric, design
from bifilar.fabric.model import DeviceName, InterfaceName, Scope
from bifilar.intent import Intent
from bifilar.proof import NextHop, Route, RouteKind, Routes
from bifilar.verify.checks.hygiene import address_scopes, no_valleys
from bifilar.verify.checks.routes import daemon_routes, kernel_routes
from bifilar.verify.checks.sessions import bfd_sessions, bgp_sessions
from bifilar.verify.observation import AddressState, BfdState, DeviceState, ForeignRoute, Observation
from bifilar.verify.report import Check, Status

FABRIC = design(
    Intent.model_validate(
        {
            "name": "test",
            "addresses": {
                "servers": "10.1.0.0/20",
                "servers6": "fd00:1::/48",
                "spine-tor": "10.2.0.0/20",
                "spine-tor6": "fd00:2::/64",
                "pods": "10.64.0.0/14",
            },
            "spines": 2,
            "racks": [{"number": 0, "servers": 2}, {"number": 1, "servers": 2}],
        }
    )
)
ROUTES = Routes(FABRIC)
Change = Callable[[DeviceState], DeviceState]


def _healthy(fabric: Fabric) -> dict[DeviceName, DeviceState]:
    return {
        device.name: DeviceState(
            bgp={session.name: "Established" for session in fabric.sessions_of(device)},
            bfd=tuple(BfdState(s.remote_address, s.interface, up=True) for s in fabric.sessions_of(device)),
            chosen=ROUTES.of(device),
            kernel=ROUTES.of(device),
            addresses=tuple(
                AddressState(
                    interface.name,
                    address,
                    "link" if interface.scope is Scope.LINK and address.version == 4 else "global",
                    deprecated=interface.scope is Scope.LINK and address.version == 6,
                )
                for interface in device.interfaces
                for address in interface.addresses
            ),
        )
        for device in fabric.devices
    }


def _all_checks(seen: Observation) -> dict[str, Check]:
    checks = (
        bgp_sessions(FABRIC, seen),
        bfd_sessions(FABRIC, seen),
        kernel_routes(FABRIC, ROUTES, seen),
        daemon_routes(FABRIC, ROUTES, seen),
        address_scopes(FABRIC, seen),
        no_valleys(FABRIC, seen),
    )
    return {check.name: check for check in checks}


def _without_one_path(state: DeviceState) -> DeviceState:
    prefix = ip_network("10.1.0.196/32")
    route = state.kernel[prefix]
    narrow = Route(route.kind, frozenset(list(route.next_hops)[:1]))
    return replace(state, kernel={**state.kernel, prefix: narrow})


def _with_kernel_route(prefix: str, route: Route) -> Change:
    return lambda state: replace(state, kernel={**state.kernel, ip_network(prefix): route})


def _with_global_nic(state: DeviceState) -> DeviceState:
    return replace(
        state, addresses=tuple(replace(a, scope="global", deprecated=False) for a in state.addresses)
    )


def _with_wide_node0(state: DeviceState) -> DeviceState:
    wide = AddressState("node0", ip_interface("10.1.0.4/26"), "global", deprecated=False)
    return replace(state, addresses=(*(a for a in state.addresses if a.interface != "node0"), wide))


ASTRAY = Route(
    RouteKind.UNICAST, frozenset({NextHop(ip_interface("10.2.0.1/31").ip, InterfaceName("rack0-tor1"))})
)

FAULTS: dict[str, tuple[str, Change, set[str]]] = {
    "a session is down": (
        "rack0-tor1",
        lambda s: replace(s, bgp={**s.bgp, "server1": "Active"}),
        {"bgp-sessions"},
    ),
    "a session was never configured": (
        "rack0-tor1",
        lambda s: replace(s, bgp={name: state for name, state in s.bgp.items() if name != "server1"}),
        {"bgp-sessions"},
    ),
    "a session is in no plan": (
        "spine1",
        lambda s: replace(s, bgp={**s.bgp, "stranger": "Established"}),
        {"bgp-sessions"},
    ),
    "BFD is down": (
        "rack0-server1",
        lambda s: replace(s, bfd=(replace(s.bfd[0], up=False), *s.bfd[1:])),
        {"bfd-sessions"},
    ),
    "BFD is missing": ("rack0-server1", lambda s: replace(s, bfd=s.bfd[1:]), {"bfd-sessions"}),
    "one of two paths is missing": ("rack0-server1", _without_one_path, {"kernel-routes"}),
    "a route is missing": ("rack0-server1", lambda s: replace(s, kernel={}), {"kernel-routes"}),
    "the daemon chose nothing": ("rack0-server1", lambda s: replace(s, chosen={}), {"daemon-routes"}),
    "an unplanned route": (
        "rack0-server1",
        _with_kernel_route("192.0.2.0/24", ASTRAY),
        {"kernel-routes"},
    ),
    "somebody else's route": (
        "rack0-server1",
        lambda s: replace(s, foreign=(ForeignRoute(ip_network("192.0.2.0/24"), 4),)),
        {"kernel-routes"},
    ),
    "a connected network is announced": (
        "rack1-server1",
        _with_kernel_route("10.1.0.64/26", ASTRAY),
        {"kernel-routes", "address-scopes"},
    ),
    "a NIC address of global scope": ("rack0-server1", _with_global_nic, {"address-scopes"}),
    "a management address with a network": ("rack0-server1", _with_wide_node0, {"address-scopes"}),
    "a device cannot be read": (
        "rack0-server1",
        lambda _: DeviceState(fault="no answer"),
        {"bgp-sessions", "bfd-sessions", "kernel-routes", "daemon-routes", "address-scopes"},
    ),
}


def test_all_pass_on_a_fabric_that_is_as_designed() -> None:
    assert {check.status for check in _all_checks(_healthy(FABRIC)).values()} == {Status.PASS}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_fails_its_checks_and_no_other(fault: str) -> None:
    name, change, failing = FAULTS[fault]
    seen = _healthy(FABRIC)
    seen[DeviceName(name)] = change(seen[DeviceName(name)])
    checks = _all_checks(seen)
    assert {check.name for check in checks.values() if check.status is Status.FAIL} == failing
    for check in failing:
        assert any(name in line for line in checks[check].detail)


def test_a_rack_that_carries_traffic_between_spines_is_a_valley() -> None:
    """spine2 sends packets for rack 1 to a ToR of rack 0, which sends them up to spine 1."""
    seen = _healthy(FABRIC)
    down = NextHop(
        FABRIC.device("rack0-tor1").interface("spine2").addresses[0].ip, InterfaceName("rack0-tor1")
    )
    spine2 = seen[DeviceName("spine2")]
    route = Route(RouteKind.UNICAST, frozenset({down}))
    seen[DeviceName("spine2")] = replace(spine2, kernel={**spine2.kernel, ip_network("10.1.0.196/32"): route})
    check = no_valleys(FABRIC, seen)
    assert check.status is Status.FAIL
    assert any("spine2 sends down to rack0-tor1" in line for line in check.detail)


def test_pod_blocks_in_the_kernel_are_not_judged() -> None:
    seen = _healthy(FABRIC)
    name = DeviceName("rack0-server1")
    seen[name] = _with_kernel_route("10.64.0.32/27", ASTRAY)(seen[name])
    assert kernel_routes(FABRIC, ROUTES, seen).status is Status.PASS
