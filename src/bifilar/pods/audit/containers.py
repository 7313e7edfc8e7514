"""Pure module: what pods have in their own network namespaces.

What other plugins of the chain may have changed is none of our business: the MAC address, a smaller MTU, further
addresses and routes.
"""

from collections.abc import Iterator
from ipaddress import ip_interface, ip_network

from bifilar.kernel.interfaces import KernelInterface
from bifilar.kernel.neighbours import KernelNeighbour
from bifilar.kernel.requests import Request
from bifilar.kernel.routes import KernelNextHop
from bifilar.pods.audit.findings import Finding, Kind, Repair, Send, error, warning
from bifilar.pods.audit.seats import Seat, container_end
from bifilar.pods.audit.seen import Inside, Seen
from bifilar.pods.model import Attachment
from bifilar.pods.wiring import messages
from bifilar.pods.wiring.order import HOST_LINK_ADDRESS

_EVERYTHING = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


def of_seat(seen: Seen, seat: Seat) -> Iterator[Finding]:
    """What is wrong at the other end of a pod's interface."""
    attachment, node, host = seat.attachment, seen.node, seat.interface
    if attachment is None:
        return
    if seat.inside is None:
        what = "leads into a network namespace that has no name and no process here"
        hint = "its pod may have ended without its runtime: have the runtime delete it, or collect garbage"
        yield warning(Kind.POD_NOT_ENTERED, node.name, host.name, what, hint=hint)
        return
    end = container_end(host, seat.inside)
    if end is None or end.name != attachment.key.interface:
        what = f"its pod has no interface {attachment.key.interface} at the other end"
        hint = "somebody renamed it: have its runtime delete the pod"
        yield error(Kind.POD_END_MISSING, node.name, host.name, what, hint=hint)
        return
    again = messages.container_side(attachment, end.index, node.management)
    for kind, what in _faults(seen, attachment, seat.inside, end):
        yield error(kind, node.name, host.name, what, _repair(seat.inside, again))


def _repair(inside: Inside, requests: tuple[Request, ...]) -> Repair:
    return Repair("give the pod its addresses and routes again", (Send(requests, inside.path),))


def _faults(
    seen: Seen, attachment: Attachment, inside: Inside, end: KernelInterface
) -> Iterator[tuple[Kind, str]]:
    if not end.is_up:
        # What it has lost by that comes back with it.
        yield Kind.POD_END_DOWN, f"{end.name} in its pod is down"
        return
    missing = [
        address
        for address in attachment.addresses.each()
        if (end.name, ip_interface(address)) not in inside.addresses
    ]
    for address in missing:
        yield Kind.POD_ADDRESS_MISSING, f"{end.name} in its pod doesn't have {address}"
    # With the last address of a family the kernel forgets its routes and neighbours: they come back together.
    bare = {address.version for address in missing}
    for gateway in messages.gateways(attachment, seen.node.management):
        if gateway.version in bare:
            continue
        hop = KernelNextHop(gateway, end.name)
        ways = (way for way in inside.routes if way.prefix == _EVERYTHING[gateway.version])
        if not any(hop in way.next_hops for way in ways):
            yield Kind.POD_ROUTE_MISSING, f"its pod has no default route via {gateway} over {end.name}"
        if KernelNeighbour(gateway, end.index, HOST_LINK_ADDRESS, is_permanent=True) not in inside.neighbours:
            yield Kind.POD_NEIGHBOUR_MISSING, f"its pod has no permanent neighbour {gateway} on {end.name}"
