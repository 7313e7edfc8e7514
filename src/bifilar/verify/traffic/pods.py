"""Edge: pods reach each other and the servers, and are known by their own addresses.

Nothing translates addresses inside the fabric, so what a receiver sees is the sender's own address.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bifilar.fabric.model import Address, DeviceName, Fabric
from bifilar.lab.records import Pod
from bifilar.verify.reading import Running
from bifilar.verify.report import Check, Status, judged
from bifilar.verify.traffic.pairs import ALL_PAIRS_UP_TO, sample
from bifilar.verify.traffic.stations import Arrival, Flow, Stations

T = TypeVar("T")

REACHABILITY = {
    "pods-in-rack": "pods of a rack reach each other, and are known by their own addresses",
    "pods-across-racks": "pods of different racks reach each other, and are known by their own addresses",
    "pods-to-servers": "pods and management addresses reach each other, and are known by their own addresses",
}
"""The checks of this module, and what they expect."""


@dataclass(frozen=True, slots=True)
class End:
    """A pod or a server: where packets come from and go to. A pod's seat has a name that no device has."""

    seat: DeviceName
    rack: int | None
    addresses: tuple[Address, ...]
    pod: str | None = None


class Seats:
    """Runs functions inside pods and devices, by the names of their seats."""

    def __init__(self, running: Running, ends: Sequence[End]) -> None:
        self._running = running
        self._pods = {end.seat: end.pod for end in ends if end.pod is not None}

    def run_in(self, device: DeviceName, function: Callable[[], T]) -> T:
        """Call a function inside the namespace of a seat."""
        pod = self._pods.get(device)
        return (
            self._running.run_in(device, function)
            if pod is None
            else self._running.pods.run_in(pod, function)
        )


def ends_of(fabric: Fabric, pods: Sequence[Pod]) -> list[End]:
    """The pods that are attached."""
    return [
        End(DeviceName(f"pod {pod.name}"), fabric.device(pod.device).rack, pod.addresses, pod.name)
        for pod in pods
        if pod.addresses
    ]


def check_pods(
    fabric: Fabric, running: Running, pods: Sequence[Pod], progress: Callable[[int, int], None]
) -> Iterator[Check]:
    """Checks ``pods-in-rack``, ``pods-across-racks`` and ``pods-to-servers``, from one exchange of packets."""
    ends = ends_of(fabric, pods)
    servers = [
        End(device.name, device.rack, device.management) for device in fabric.devices if device.role.is_server
    ]
    flows: list[Flow] = []
    checks: list[str] = []
    for check, one, other in _pairs(ends, servers):
        families = {address.version for address in one.addresses}
        found = [Flow(one.seat, other.seat, a) for a in other.addresses if a.version in families]
        flows += found
        checks += [check] * len(found)
    everybody = [*ends, *servers]
    with Stations(Seats(running, ends), [end.seat for end in everybody], fabric.families) as opened:
        arrived = opened.exchange(flows, progress=lambda done: progress(done, len(flows)))
    own = {end.seat: end.addresses for end in everybody}
    for name, expected in REACHABILITY.items():
        mine = [index for index, check in enumerate(checks) if check == name]
        if mine:
            faults = [fault for index in mine for fault in _faults(flows[index], arrived.get(index), own)]
            reached = sum(index in arrived for index in mine)
            yield judged(name, f"{expected}: {len(mine)} packets", f"{reached} arrived", faults)
        else:
            yield Check(name, Status.SKIP, expected, "the lab has no such pods")


def _pairs(pods: Sequence[End], servers: Sequence[End]) -> Iterator[tuple[str, End, End]]:
    """Ordered pairs, and the check that each is for."""
    racks: defaultdict[int | None, list[End]] = defaultdict(list)
    for pod in pods:
        racks[pod.rack].append(pod)
    if len(pods) <= ALL_PAIRS_UP_TO:
        couples = [(one, other) for one in pods for other in pods if one is not other]
    else:
        couples = list(sample(list(racks.values())))
    for one, other in couples:
        yield "pods-in-rack" if one.rack == other.rack else "pods-across-racks", one, other
    if len(servers) > ALL_PAIRS_UP_TO:
        # The first of each rack: how servers reach each other is another check's business.
        servers = list({server.rack: server for server in reversed(servers)}.values())
    for pod in pods:
        for server in servers:
            yield "pods-to-servers", pod, server
            yield "pods-to-servers", server, pod


def _faults(flow: Flow, arrival: Arrival | None, own: dict[DeviceName, tuple[Address, ...]]) -> Iterator[str]:
    if arrival is None:
        yield f"{flow.source} does not reach {flow.destination} ({flow.address})"
    elif arrival.source not in own[flow.source]:
        yield f"{flow.source} to {flow.destination} ({flow.address}): the source is {arrival.source}"
