"""Edge: who reaches whom, and with which source address.

Two checks from one exchange of packets: the sockets are unbound, so the source address that a receiver sees is
the one that the sender's kernel chose.
"""

from collections.abc import Callable

from bifilar.fabric.model import Address, Device, Fabric
from bifilar.verify.report import Check, judged
from bifilar.verify.traffic.pairs import core_pairs, server_pairs
from bifilar.verify.traffic.stations import Arrival, Flow, Namespaces, Stations


def check_reachability(
    fabric: Fabric, namespaces: Namespaces, progress: Callable[[int, int], None]
) -> tuple[Check, Check]:
    """Checks ``reachability`` (management addresses, and cores both ways) and ``source-address``."""
    pairs = server_pairs(fabric)
    flows = [
        Flow(one.name, other.name, address) for one, other in pairs.pairs for address in other.management
    ]
    for core, server in core_pairs(fabric):
        flows += (Flow(core.name, server.name, address) for address in server.management)
        flows += (Flow(server.name, core.name, address) for address in _own_addresses(core))
    stations = {flow.source for flow in flows} | {flow.destination for flow in flows}
    ordered = [device.name for device in fabric.devices if device.name in stations]
    with Stations(namespaces, ordered, fabric.families) as opened:
        arrived = opened.exchange(flows, progress=lambda count: progress(count, len(flows)))
    rule = f"pairs: {pairs.rule}"
    return _reachability(flows, arrived, rule), _sources(fabric, arrived)


def _own_addresses(core: Device) -> list[Address]:
    """A core's address on its first link, one of each family: it has no management address."""
    linked = next(interface for interface in core.interfaces if interface.addresses)
    return [address.ip for address in linked.addresses]


def _reachability(flows: list[Flow], arrived: dict[int, Arrival], rule: str) -> Check:
    faults = (
        f"{flow.source} does not reach {flow.destination} ({flow.address})"
        for index, flow in enumerate(flows)
        if index not in arrived
    )
    return judged(
        "reachability", f"{len(flows)} ordered pairs of addresses", f"{len(arrived)} reached", faults, [rule]
    )


def _sources(fabric: Fabric, arrived: dict[int, Arrival]) -> Check:
    judged_arrivals = [
        arrival for arrival in arrived.values() if fabric.by_name[arrival.flow.source].role.is_server
    ]
    faults = [
        f"{arrival.flow.source} to {arrival.flow.address}: the source is {arrival.source}"
        for arrival in judged_arrivals
        if arrival.source not in fabric.by_name[arrival.flow.source].management
    ]
    return judged(
        "source-address",
        f"{len(judged_arrivals)} packets of unbound sockets come from the sender's management address",
        f"{len(judged_arrivals) - len(faults)} do",
        faults,
    )
