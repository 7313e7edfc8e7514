"""Pure module: interfaces of pods, on the host's side."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from bifilar.kernel import requests
from bifilar.kernel.interfaces import KernelInterface
from bifilar.pods.audit.findings import Finding, Kind, Repair, Send, error, warning
from bifilar.pods.audit.seats import Seat, container_end
from bifilar.pods.audit.seen import Seen
from bifilar.pods.model import Addresses, Attachment, Key, PoolName
from bifilar.pods.numbers import INTERFACE_GROUP
from bifilar.pods.wiring import messages
from bifilar.pods.wiring.order import GATEWAY6, HOST_LINK_ADDRESS


def without_twins(node: str, seats: Sequence[Seat]) -> tuple[list[Finding], list[Seat]]:
    """Interfaces with a key that another has too, and the seats without them.

    The one stays whose pod has the address and the name of the key; of equals, the youngest.
    """
    by_key: defaultdict[Key, list[Seat]] = defaultdict(list)
    for seat in seats:
        if seat.key is not None:
            by_key[seat.key].append(seat)
    findings, left = [], list(seats)
    for alike in by_key.values():
        right = max(alike, key=_rightness)
        for seat in alike:
            if seat is not right:
                left.remove(seat)
                what = f"has the alias of {right.interface.name} too: {seat.interface.alias}"
                findings.append(
                    error(Kind.KEY_TWICE, node, seat.interface.name, what, _remove(seat.interface))
                )
    return findings, left


def _rightness(seat: Seat) -> tuple[bool, bool, int]:
    end = None if seat.inside is None else container_end(seat.interface, seat.inside)
    has_name = end is not None and seat.key is not None and end.name == seat.key.interface
    return has_name, bool(seat.routes), seat.interface.index


def of_seat(seen: Seen, seat: Seat) -> Iterator[Finding]:
    """What is wrong with a host's end itself; nothing about its routes."""
    node, interface = seen.node.name, seat.interface
    if seat.key is None:
        yield _without_alias(seen, seat)
        return
    if seat.attachment is None:
        yield _leftover(
            Kind.INCOMPLETE, node, seat, "has no address: somebody left it half made or half removed"
        )
        return
    if interface.group != INTERFACE_GROUP:
        yield error(
            Kind.GROUP_WRONG,
            node,
            interface.name,
            f"is in group {interface.group}, not {INTERFACE_GROUP}",
            _change(interface, f"put it into group {INTERFACE_GROUP}", group=INTERFACE_GROUP),
        )
    if interface.mtu != seen.node.mtu:
        yield error(
            Kind.MTU_WRONG,
            node,
            interface.name,
            f"has an MTU of {interface.mtu}, not {seen.node.mtu}",
            _change(interface, f"set its MTU to {seen.node.mtu}", mtu=seen.node.mtu),
        )
    if interface.link_address != HOST_LINK_ADDRESS:
        mac = HOST_LINK_ADDRESS.hex(":")
        yield error(
            Kind.MAC_WRONG,
            node,
            interface.name,
            f"has the MAC address {interface.link_address.hex(':')}, and its pod sends to {mac}",
            _change(interface, f"give it {mac}", link_address=HOST_LINK_ADDRESS),
        )
    yield from _of_link(seen, seat, seat.attachment)


def _of_link(seen: Seen, seat: Seat, attachment: Attachment) -> Iterator[Finding]:
    """Down, or without the address that is the pod's gateway."""
    node, interface = seen.node.name, seat.interface
    host_side = messages.host_side(attachment, interface.index, has_ipv6=interface.has_ipv6)
    if not interface.is_up:
        # What is down has lost its IPv4 routes, and its IPv6 addresses.
        again = (*host_side, *messages.host_routes(attachment, interface.index, seen.node.management))
        repair = Repair("bring it up, with its addresses and routes", (Send(again),))
        yield error(Kind.HOST_END_DOWN, node, interface.name, "is down", repair)
    elif attachment.addresses.ipv6 is not None and not _has_gateway(seen, interface):
        what = f"doesn't have {GATEWAY6}, which is its pod's gateway"
        yield error(
            Kind.GATEWAY_MISSING, node, interface.name, what, Repair(f"add {GATEWAY6}", (Send(host_side),))
        )


def _has_gateway(seen: Seen, interface: KernelInterface) -> bool:
    return any(name == interface.name and each.ip == GATEWAY6 for name, each in seen.kernel.addresses)


def _without_alias(seen: Seen, seat: Seat) -> Finding:
    node, interface = seen.node.name, seat.interface
    what = "is in the group of pods' interfaces and has no alias of ours"
    if seat.own == Addresses():
        return _leftover(Kind.ALIAS_MISSING, node, seat, what)
    key = None if seat.inside is None else seen.node.containers.get(seat.inside.inode)
    pool = _pool_of(seen, seat)
    if key is None or pool is None:
        hint = "nobody here knows whose it is: have its runtime delete the pod"
        return error(Kind.ALIAS_MISSING, node, interface.name, what, hint=hint)
    alias = Attachment(key, pool, seat.own).alias
    return error(
        Kind.ALIAS_MISSING, node, interface.name, what, _change(interface, f"note {alias}", alias=alias)
    )


def _leftover(kind: Kind, node: str, seat: Seat, what: str) -> Finding:
    """An interface of no use. One whose pod can't be looked into may be of use to that."""
    if seat.inside is None and seat.interface.peer_namespace is not None:
        hint = "its pod can't be looked into: have its runtime delete it, or collect garbage"
        return warning(kind, node, seat.interface.name, what, hint=hint)
    return warning(kind, node, seat.interface.name, what, _remove(seat.interface))


def _pool_of(seen: Seen, seat: Seat) -> PoolName | None:
    return next(
        (block.pool for block in seen.stock.held(seen.node.name) if block.offset(seat.own) is not None), None
    )


def _change(
    interface: KernelInterface,
    words: str,
    *,
    alias: str | None = None,
    group: int | None = None,
    mtu: int | None = None,
    link_address: bytes | None = None,
) -> Repair:
    request = requests.change_link(
        interface.index, alias=alias, group=group, mtu=mtu, link_address=link_address
    )
    return Repair(words, (Send((request,)),))


def _remove(interface: KernelInterface) -> Repair:
    return Repair(f"remove {interface.name}", (Send((requests.delete_link(interface.index),)),))
