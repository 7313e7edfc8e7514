"""Edge module: an attachment as it is, held against what it should be.

What other plugins of the chain may have changed is none of our business: the container's MAC address, a smaller MTU
there, further routes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_interface, ip_network
from pathlib import Path

from bifilar.errors import MachineError
from bifilar.kernel import addresses, interfaces, namespaces, neighbours, routes, rules, sysctl
from bifilar.kernel.addresses import KernelAddress
from bifilar.kernel.interfaces import KernelInterface
from bifilar.kernel.neighbours import KernelNeighbour
from bifilar.kernel.routes import KernelNextHop, KernelRoute
from bifilar.pods.model import Address, Addresses, Attachment
from bifilar.pods.numbers import FORWARDING, INTERFACE_GROUP, POD_RULE_PRIORITY, POD_TABLE, ROUTE_PROTOCOL
from bifilar.pods.observe import is_pod_rule
from bifilar.pods.wiring import messages
from bifilar.pods.wiring.order import GATEWAY6, HOST_LINK_ADDRESS, Order

_DEFAULT = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


@dataclass(frozen=True, slots=True)
class _Inside:
    """What there is in the container."""

    interfaces: list[KernelInterface]
    addresses: list[KernelAddress]
    routes: list[KernelRoute]
    neighbours: list[KernelNeighbour]

    @classmethod
    def read(cls) -> "_Inside":
        return cls(interfaces.dump(), addresses.dump(), routes.dump(), neighbours.dump())


def find(order: Order, node: Addresses, mtu: int) -> list[str]:
    """All that is wrong with an attachment, in words; nothing if it is as :meth:`Wiring.attach` made it.

    To be called in the host's namespace.

    Args:
        order: the attachment.
        node: the management addresses.
        mtu: of the interfaces, in bytes.
    """
    attachment = order.attachment
    alike = [interface for interface in interfaces.dump() if interface.alias == attachment.alias]
    if len(alike) != 1:
        return [f"{len(alike)} interfaces of the host have the alias {attachment.alias}"]
    host = alike[0]
    found = [*_of_host(order, host, mtu), *_of_host_routes(attachment, host, node), *_of_node(attachment)]
    try:
        inside = namespaces.run_in(Path(order.namespace), _Inside.read)
    except MachineError as error:
        return [*found, f"{error.where}: {error.what}"]
    name = attachment.key.interface
    container = next((interface for interface in inside.interfaces if interface.name == name), None)
    if container is None:
        return [*found, f"the container has no interface {name}"]
    return [
        *found,
        *_of_container(attachment, container, host, mtu),
        *_of_ways(attachment, container, inside, node),
    ]


def _of_host(order: Order, host: KernelInterface, mtu: int) -> Iterator[str]:
    if host.name != order.host_interface:
        yield f"{host.name} should be called {order.host_interface}"
    if host.group != INTERFACE_GROUP:
        yield f"{host.name} is in group {host.group}, not {INTERFACE_GROUP}"
    if not host.is_up:
        yield f"{host.name} is down"
    if host.mtu != mtu:
        yield f"{host.name} has an MTU of {host.mtu}, not {mtu}"
    if host.link_address != HOST_LINK_ADDRESS:
        yield f"{host.name} has the MAC address {host.link_address.hex(':')}, not {HOST_LINK_ADDRESS.hex(':')}"
    if order.attachment.addresses.ipv6 is not None and not any(
        seen.address.ip == GATEWAY6 for seen in addresses.dump() if seen.interface == host.name
    ):
        yield f"{host.name} doesn't have the address {GATEWAY6}"


def _of_host_routes(attachment: Attachment, host: KernelInterface, node: Addresses) -> Iterator[str]:
    ways = routes.dump(POD_TABLE)
    hops = (KernelNextHop(None, host.name),)
    wanted = set(messages.prefixes(attachment))
    for prefix in wanted:
        route = next((way for way in ways if way.prefix == prefix and way.kind == routes.UNICAST), None)
        if route is None:
            yield f"table {POD_TABLE} has no route to {prefix}"
        elif route.next_hops != hops or route.protocol != ROUTE_PROTOCOL:
            yield f"the route to {prefix} in table {POD_TABLE} isn't over {host.name}, of protocol {ROUTE_PROTOCOL}"
        elif route.source != messages.source_of(prefix, node):
            yield f"the route to {prefix} in table {POD_TABLE} has the source {route.source}"
    for way in ways:
        if way.next_hops == hops and way.prefix not in wanted:
            yield f"table {POD_TABLE} has a route to {way.prefix} over {host.name}"


def _of_node(attachment: Attachment) -> Iterator[str]:
    families = {address.version for address in attachment.addresses.each()}
    known = {rule.version for rule in rules.dump() if is_pod_rule(rule)}
    for version in sorted(families - known):
        yield f"there is no rule {POD_RULE_PRIORITY} for table {POD_TABLE} of IPv{version}"
    for version in sorted(families):
        if sysctl.read(FORWARDING[version]) == "0":
            yield f"the node doesn't forward: {FORWARDING[version]} is 0"


def _of_container(
    attachment: Attachment, container: KernelInterface, host: KernelInterface, mtu: int
) -> Iterator[str]:
    name = attachment.key.interface
    if (container.peer, container.index) != (host.index, host.peer):
        yield f"{name} isn't the other end of {host.name}"
    if not container.is_up:
        yield f"{name} is down"
    if container.mtu > mtu:
        yield f"{name} has an MTU of {container.mtu}, above {mtu}"


def _of_ways(
    attachment: Attachment, container: KernelInterface, inside: _Inside, node: Addresses
) -> Iterator[str]:
    name = attachment.key.interface
    has = {
        seen.address
        for seen in inside.addresses
        if seen.interface == name and not seen.address.ip.is_link_local
    }
    wanted = {ip_interface(address) for address in attachment.addresses.each()}
    yield from (f"{name} doesn't have the address {address}" for address in sorted(wanted - has, key=str))
    yield from (f"{name} has the address {address} too" for address in sorted(has - wanted, key=str))
    for gateway in messages.gateways(attachment, node):
        hop = KernelNextHop(gateway, name)
        ways = (way for way in inside.routes if way.prefix == _DEFAULT[gateway.version])
        if not any(hop in way.next_hops for way in ways):
            yield f"the container has no default route via {gateway} over {name}"
        if not _is_known(gateway, container, inside):
            yield f"the container has no permanent neighbour {gateway} on {name}"


def _is_known(gateway: Address, container: KernelInterface, inside: _Inside) -> bool:
    wanted = KernelNeighbour(gateway, container.index, HOST_LINK_ADDRESS, is_permanent=True)
    return wanted in inside.neighbours
