"""Pure module: the requests that wire an attachment, in the order in which they are sent.

Each group is sent at once. A refused request of a group doesn't keep the rest from being done, so what a group
depends on is sent before, and awaited: above all the pair itself, because the others name it by its index.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

from bifilar.kernel import requests
from bifilar.kernel.requests import CREATE, EXCLUSIVE, SCOPE_LINK, UNICAST, Request
from bifilar.pods.model import Address, Addresses, Attachment, Prefix
from bifilar.pods.numbers import INTERFACE_GROUP, POD_TABLE, ROUTE_PROTOCOL
from bifilar.pods.wiring.order import GATEWAY6, HOST_LINK_ADDRESS, Ends, Order

_PROTOCOL_BOOT = 3
"""Of routes that nobody else tells about: what ``ip route`` writes too."""
_HOST6 = IPv6Interface((GATEWAY6.packed, 64))
_EVERYTHING4, _EVERYTHING6 = IPv4Network("0.0.0.0/0"), IPv6Network("::/0")


def pair(order: Order, ends: Ends, namespace: int, mtu: int) -> Request:
    """Make both ends, each in its place; ``namespace`` is an open descriptor of the container's.

    With one queue: a pair has no use for more (it takes no lock to send, and the receiving processor is the sending
    one), but each has an entry in sysfs, and a server's many processors would make the pair many times dearer.
    """
    return requests.add_veth(
        order.host_interface,
        order.attachment.key.interface,
        namespace,
        mtu=mtu,
        queues=1,
        group=INTERFACE_GROUP,
        indexes=(ends.host, ends.container),
        link_address=HOST_LINK_ADDRESS,
        peer_link_address=ends.container_link_address,
    )


def host_side(attachment: Attachment, index: int, *, has_ipv6: bool = True) -> tuple[Request, ...]:
    """Whose the host's end is, and bring it up.

    Args:
        attachment: whose it is.
        index: of the host's end.
        has_ipv6: whether the host's end can have IPv6 addresses.
    """
    # The kernel would make a link-local address from the MAC address when the other end comes up, and ask around for
    # a second whether somebody else has it; pods without IPv6 could speak to the node by it, past all policy.
    own = requests.change_link(
        index, alias=attachment.alias, up=True, makes_own_addresses=False if has_ipv6 else None
    )
    return (own,) if attachment.addresses.ipv6 is None else (own, requests.add_address(index, _HOST6))


def container_side(attachment: Attachment, index: int, node: Addresses) -> tuple[Request, ...]:
    """Addresses and routes in the container. Loopback isn't ours: every runtime brings it up itself."""
    v4, v6 = attachment.addresses
    return (
        # First, as the kernel gets round to the rest of its work on it later, and somebody waits for that.
        *(() if v6 is None else (requests.add_address(index, IPv6Interface((v6.packed, 128))),)),
        *(() if v4 is None else (requests.add_address(index, IPv4Interface((v4.packed, 32))),)),
        requests.change_link(index, up=True),
        *(request for gateway in gateways(attachment, node) for request in _way_out(index, gateway)),
    )


def host_routes(attachment: Attachment, index: int, node: Addresses) -> tuple[Request, ...]:
    """The ways to the container. With them it is complete."""
    return tuple(
        requests.add_route(
            prefix,
            index,
            source=source_of(prefix, node),
            table=POD_TABLE,
            protocol=ROUTE_PROTOCOL,
            scope=SCOPE_LINK,
            flags=CREATE | EXCLUSIVE,
        )
        for prefix in prefixes(attachment)
    )


def withdrawals(attachment: Attachment, index: int) -> tuple[Request, ...]:
    """Undo :func:`host_routes`."""
    return tuple(
        requests.delete_route(prefix, table=POD_TABLE, protocol=ROUTE_PROTOCOL, kind=UNICAST, interface=index)
        for prefix in prefixes(attachment)
    )


def gateways(attachment: Attachment, node: Addresses) -> Iterator[Address]:
    """One for each family of the attachment."""
    if attachment.addresses.ipv4 is not None and node.ipv4 is not None:
        yield node.ipv4
    if attachment.addresses.ipv6 is not None:
        yield GATEWAY6


def prefixes(attachment: Attachment) -> tuple[Prefix, ...]:
    """The addresses of an attachment, each as a network of its own."""
    return tuple(map(_alone, attachment.addresses.each()))


def source_of(prefix: Prefix, node: Addresses) -> Address | None:
    """What packets of the node itself have as their source: only the management address is known elsewhere."""
    return node.ipv4 if prefix.version == 4 else node.ipv6  # noqa: PLR2004 - the version of IP


def _way_out(index: int, gateway: Address) -> Iterator[Request]:
    """Everything through the gateway."""
    everything: Prefix = _EVERYTHING6
    if isinstance(gateway, IPv4Address):
        everything = _EVERYTHING4
        yield requests.add_route(_alone(gateway), index, protocol=_PROTOCOL_BOOT, scope=SCOPE_LINK)
    yield requests.add_route(everything, index, gateway=gateway, protocol=_PROTOCOL_BOOT)
    yield requests.add_neighbour(index, gateway, HOST_LINK_ADDRESS)


def _alone(address: Address) -> Prefix:
    """An address as a network. From its bytes: the way over its text takes as long as the kernel takes for a route."""
    if isinstance(address, IPv4Address):
        return IPv4Network((address.packed, address.max_prefixlen))
    return IPv6Network((address.packed, address.max_prefixlen))
