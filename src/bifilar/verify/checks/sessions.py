"""Pure module: BGP and BFD sessions, counted against the fabric.

Counting matters: a neighbour that was never configured, or never came up, is in no list that a daemon prints.
"""

from collections.abc import Iterator

from bifilar.fabric.model import Device, Fabric, Session
from bifilar.verify.observation import DeviceState, Observation
from bifilar.verify.report import Check, judged

ESTABLISHED = "Established"
_SPEAKER = "lb"
"""The protocol of the separate load-balancer speaker: it is no session of the fabric."""


def bgp_sessions(fabric: Fabric, seen: Observation) -> Check:
    """Every expected BGP session is established, and there is no other."""
    up = sum(seen[session.device].bgp.get(session.name) == ESTABLISHED for session in fabric.sessions)
    faults = [fault for device in fabric.devices for fault in _bgp_faults(fabric, device, seen[device.name])]
    total = len(fabric.sessions)
    return judged("bgp-sessions", f"{total} sides established, none extra", f"{up} established", faults)


def _bgp_faults(fabric: Fabric, device: Device, state: DeviceState) -> Iterator[str]:
    if state.fault:
        yield f"{device.name}: {state.fault}"
        return
    expected = {session.name: session for session in fabric.sessions_of(device)}
    for name, session in expected.items():
        found = state.bgp.get(name, "not configured")
        if found != ESTABLISHED:
            yield f"{device.name}: session {name} with {session.peer} ({session.remote_address}) is {found}"
    for name in state.bgp.keys() - expected.keys() - {_SPEAKER}:
        yield f"{device.name}: session {name} is in no plan"


def bfd_sessions(fabric: Fabric, seen: Observation) -> Check:
    """Every BGP session has a BFD session that is up, and there is no other."""
    up = sum(state.up for device in fabric.devices for state in seen[device.name].bfd)
    faults = [fault for device in fabric.devices for fault in _bfd_faults(fabric, device, seen[device.name])]
    total = len(fabric.sessions)
    return judged("bfd-sessions", f"{total} sides up, none extra", f"{up} up", faults)


def _bfd_faults(fabric: Fabric, device: Device, state: DeviceState) -> Iterator[str]:
    if state.fault:
        yield f"{device.name}: {state.fault}"
        return
    found = {_bfd_key(bfd.neighbour, bfd.interface): bfd for bfd in state.bfd}
    expected: dict[object, Session] = {}
    for session in fabric.sessions_of(device):
        expected[_bfd_key(session.remote_address, session.interface)] = session
    for key, session in expected.items():
        if key not in found:
            yield f"{device.name}: no BFD session with {session.peer} ({session.remote_address})"
        elif not found[key].up:
            yield f"{device.name}: BFD with {session.peer} ({session.remote_address}) is down"
    for key in found.keys() - expected.keys():
        yield f"{device.name}: BFD with {found[key].neighbour} is in no plan"


def _bfd_key(neighbour: object, interface: str) -> tuple[object, str]:
    return neighbour, interface
