"""Pure module: the routes to pods in the node's table, and who has their addresses."""

from collections.abc import Collection, Iterator, Sequence

from bifilar.kernel import requests
from bifilar.kernel.requests import Request
from bifilar.kernel.routes import SCOPE_LINK, UNICAST, KernelRoute
from bifilar.pods.audit.findings import Finding, Kind, Repair, Send, error
from bifilar.pods.audit.seats import Seat
from bifilar.pods.audit.seen import Seen
from bifilar.pods.model import Addresses
from bifilar.pods.numbers import POD_TABLE, ROUTE_PROTOCOL
from bifilar.pods.wiring import messages

_IPV4 = 4


def of_seat(seen: Seen, seat: Seat) -> Iterator[Finding]:
    """The routes over a pod's interface; nothing if it is down, and so has lost them."""
    if seat.attachment is None or not seat.interface.is_up:
        return
    node, interface = seen.node, seat.interface
    wanted = messages.prefixes(seat.attachment)
    # Both families' at once: a route that is there is refused, which does no harm.
    add = messages.host_routes(seat.attachment, interface.index, node.management)
    by_prefix = {route.prefix: route for route in seat.routes}
    for prefix in wanted:
        route = by_prefix.get(prefix)
        if route is None:
            what = f"table {POD_TABLE} has no route over {interface.name} to its pod"
            yield error(Kind.ROUTE_MISSING, node.name, prefix, what, Repair("add the route", (Send(add),)))
        elif fault := _fault(route, node.management):
            again = (_deletion(route), *add)
            yield error(Kind.ROUTE_WRONG, node.name, prefix, fault, Repair("put it right", (Send(again),)))
    for route in seat.routes:
        if route.prefix.network_address in seat.others:
            what = f"leads over {interface.name} too, whose pod doesn't have it"
            yield error(Kind.ADDRESS_TWICE, node.name, route.prefix, what, _removal(route))
        elif route.prefix not in wanted:
            what = f"leads over {interface.name}, which isn't its interface"
            yield error(Kind.ROUTE_STRAY, node.name, route.prefix, what, _removal(route))


def of_table(seen: Seen, seats: Collection[Seat]) -> Iterator[Finding]:
    """Routes that are over no pod's interface, and are no guards of ours."""
    indexes = {seat.interface.index for seat in seats}
    for route in seen.kernel.pod_routes:
        is_to_pod = len(route.next_hops) == 1 and route.next_hops[0].index in indexes
        is_ours_to_nobody = not route.next_hops and route.protocol == ROUTE_PROTOCOL
        if is_to_pod or is_ours_to_nobody:
            continue
        over = ", ".join(hop.interface for hop in route.next_hops) or f"nowhere ({route.kind})"
        what = f"leads over {over} in table {POD_TABLE}, which is no pod's interface"
        yield error(Kind.ROUTE_STRAY, seen.node.name, route.prefix, what, _removal(route))


def of_twins(seen: Seen, seats: Sequence[Seat]) -> Iterator[Finding]:
    """Addresses that two pods have with equal right."""
    first: dict[object, Seat] = {}
    for seat in seats:
        for address in seat.own.each():
            other = first.setdefault(address, seat)
            if other is not seat:
                what = f"is at {other.interface.name} and at {seat.interface.name}"
                hint = "delete one of the two pods: what is sent to the address reaches either"
                yield error(Kind.ADDRESS_TWICE, seen.node.name, address, what, hint=hint)


def _fault(route: KernelRoute, management: Addresses) -> str:
    source = messages.source_of(route.prefix, management)
    if route.protocol != ROUTE_PROTOCOL:
        return f"is from protocol {route.protocol}, not {ROUTE_PROTOCOL}"
    if route.prefix.version == _IPV4 and route.scope != SCOPE_LINK:
        return f"has scope {route.scope}, not {SCOPE_LINK} (link)"
    if route.source != source:
        return f"has the source {route.source}, not {source}"
    if route.next_hops[0].gateway is not None:
        return f"has the gateway {route.next_hops[0].gateway}, though its pod is on the link"
    return ""


def _removal(route: KernelRoute) -> Repair:
    return Repair("remove the route", (Send((_deletion(route),)),))


def _deletion(route: KernelRoute) -> Request:
    return requests.delete_route(
        route.prefix,
        table=route.table,
        protocol=route.protocol,
        kind=requests.UNICAST if route.kind == UNICAST else 0,
        interface=route.next_hops[0].index if len(route.next_hops) == 1 else None,
        metric=route.metric,
    )
