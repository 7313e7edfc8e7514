"""Edge: a ToR falls silent under the traffic of two pods.

The ToR is one that carries their packets, and it keeps its links up: only BFD can tell its neighbours. Nothing else is
harder to survive, and BFD's timers are the promise that is held against what the pods see.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bifilar.fabric.model import Device, DeviceName, Fabric, InterfaceName, Role
from bifilar.kernel import counters
from bifilar.lab.faults import silenced
from bifilar.lab.records import Pod
from bifilar.verify.reading import Running
from bifilar.verify.report import Check, Status, judged
from bifilar.verify.traffic.pods import End, Seats, ends_of
from bifilar.verify.traffic.stations import Flow
from bifilar.verify.traffic.stream import Interruption, Streams

SURVIVAL = "pod-survives-tor"
EXPECTED_SURVIVAL = "two pods on different racks keep contact when a ToR falls silent"
PORTS = 4
"""Flows each way, of each family: they spread over both ToRs."""
REROUTING_MS = 500
"""After BFD's verdict: BGP withdraws, every daemon chooses anew, every kernel gets its routes, on a busy machine."""
_CALM_S = 0.5
"""Packets flow so long undisturbed, before and after."""
_FLOWING_MS = 100.0
"""A flow whose newest packet that arrived is younger than that is well."""
_INTERRUPTED_MS = 10.0
"""A packet or two that a busy machine drops from a queue are no interruption."""
_POLL_S = 0.02
_RETURN_S = 120.0
"""A deadline for the ToR's sessions, which wait between attempts."""


def check_survival(
    fabric: Fabric, running: Running, pods: Sequence[Pod], progress: Callable[[int, int], None]
) -> Check:
    """Check ``pod-survives-tor``; the fabric is whole again afterwards.

    Raises:
        LabError: the fabric doesn't converge again after the ToR's return.
        MachineError: this machine can't drop packets.
    """
    pair = _apart(ends_of(fabric, pods))
    if pair is None:
        return Check(SURVIVAL, Status.SKIP, EXPECTED_SURVIVAL, "the lab has no two pods on different racks")
    sender = fabric.device(next(pod.device for pod in pods if pod.name == pair[0].pod))
    flows = list(_flows(*pair))
    with Streams(Seats(running, pair), flows) as streams:
        before = running.run_in(sender.name, counters.dump)
        time.sleep(_CALM_S)
        after = running.run_in(sender.name, counters.dump)
        tor = _busiest(fabric, sender, lambda nic: after[nic] - before[nic])
        bfd_ms = detection_ms(fabric, tor)
        limit_ms = bfd_ms + REROUTING_MS
        was_well = _all_flow(streams)
        try:
            with silenced(running, tor):
                time.sleep(_CALM_S)
                _until(partial(_all_flow, streams), 2 * limit_ms / 1000, progress)
                time.sleep(_CALM_S)
        finally:
            running.wait_converged(_RETURN_S)
    found = streams.interruptions()
    hit = [one for one in found if one.longest_ms > _INTERRUPTED_MS]
    worst_ms = max((one.longest_ms for one in hit), default=0.0)
    faults = list(_faults(found, limit_ms))
    if not was_well:
        faults.insert(0, "not every flow arrived before")
    elif not hit:
        faults.append(f"no flow was interrupted: none went through {tor.name}, or it did not fall silent")
    return judged(
        SURVIVAL,
        f"pods {pair[0].pod} and {pair[1].pod} lose contact for at most {limit_ms} ms (BFD {bfd_ms} ms + "
        f"{REROUTING_MS} ms) when {tor.name} falls silent",
        f"{len(hit)} of {len(found)} flows at 1 kHz were interrupted, the longest for {worst_ms:.0f} ms",
        faults,
        [_line(one) for one in found],
    )


def detection_ms(fabric: Fabric, device: Device) -> int:
    """How long BFD of its neighbours takes at most to notice that a device is silent (RFC 5880, 6.8.4)."""
    return max(
        max(device.bfd.interval_ms, fabric.device(session.peer).bfd.interval_ms) * device.bfd.multiplier
        for session in fabric.sessions_of(device)
    )


def _apart(ends: Sequence[End]) -> tuple[End, End] | None:
    """The first two pods of different racks."""
    for one in ends:
        for other in ends:
            if one.rack != other.rack:
                return one, other
    return None


def _flows(one: End, other: End) -> Iterator[Flow]:
    for source, destination in ((one, other), (other, one)):
        versions = {address.version for address in source.addresses}
        for address in destination.addresses:
            if address.version in versions:
                base = PORTS * (0 if source is one else 1)
                for port in range(base, base + PORTS):
                    yield Flow(source.seat, destination.seat, address, port, port)


def _busiest(fabric: Fabric, server: Device, sent: Callable[[InterfaceName], int]) -> Device:
    """The ToR to which a server sent the most packets."""
    uplinks: dict[DeviceName, InterfaceName] = {
        link.a.device: link.b.interface for link in fabric.links if link.b.device == server.name
    }
    tors = [fabric.device(name) for name in uplinks if fabric.device(name).role is Role.TOR]
    return max(tors, key=lambda tor: sent(uplinks[tor.name]))


def _all_flow(streams: Streams) -> bool:
    return all(age < _FLOWING_MS for age in streams.ages_ms())


def _until(condition: Callable[[], bool], seconds: float, progress: Callable[[int, int], None]) -> None:
    """Wait until a condition holds, or for so many seconds."""
    began = time.monotonic()
    while not condition() and (passed := time.monotonic() - began) < seconds:
        progress(round(passed * 1000), round(seconds * 1000))
        time.sleep(_POLL_S)


def _faults(found: Sequence[Interruption], limit_ms: int) -> Iterator[str]:
    for one in found:
        if not one.recovered:
            yield f"{_line(one)}, and it did not come back"
        elif one.longest_ms > limit_ms:
            yield f"{_line(one)}, longer than {limit_ms} ms"


def _line(one: Interruption) -> str:
    flow = one.flow
    return (
        f"{flow.source} to {flow.destination} ({flow.address}), flow {flow.source_port}: "
        f"{one.lost} of {one.sent} packets lost, the longest interruption {one.longest_ms:.0f} ms"
    )
