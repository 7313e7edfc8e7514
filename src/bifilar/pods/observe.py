"""Edge module: everything that a node's kernel knows of pods, read at once.

From it a node knows its attachments again after a restart, sees what nobody has any more, and is audited.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from bifilar.kernel import interfaces, routes, rules
from bifilar.kernel.interfaces import KernelInterface
from bifilar.kernel.routes import KernelRoute
from bifilar.kernel.rules import KernelRule
from bifilar.pods.model import Address, Addresses, Attachment, Key, PoolName, parse_alias
from bifilar.pods.numbers import (
    EXPORT_TABLE,
    INTERFACE_GROUP,
    POD_RULE_PRIORITY,
    POD_TABLE,
    ROUTE_PROTOCOL,
)


@dataclass(frozen=True, slots=True)
class PodInterface:
    """The host's end of a container's interface.

    Attributes:
        name: on the host.
        index: on the host.
        peer: index of the other end in the container's namespace.
        pool: where its addresses come from; ``None`` if it has no alias of ours (yet).
        key: whose it is; ``None`` if it has no alias of ours (yet).
        addresses: those that have a route over it in the table of pods, IPv4 first.
    """

    name: str
    index: int
    peer: int | None
    pool: PoolName | None
    key: Key | None
    addresses: tuple[Address, ...] = ()

    @property
    def attachment(self) -> Attachment | None:
        """What it is, if it is complete: it has an alias, and a route for one address of a family, or of both."""
        v4 = [address for address in self.addresses if isinstance(address, IPv4Address)]
        v6 = [address for address in self.addresses if isinstance(address, IPv6Address)]
        if self.key is None or self.pool is None or not self.addresses or len(v4) > 1 or len(v6) > 1:
            return None
        return Attachment(self.key, self.pool, Addresses(v4[0] if v4 else None, v6[0] if v6 else None))


@dataclass(frozen=True, slots=True)
class Observation:
    """A node's kernel, as far as pods are concerned.

    Attributes:
        interfaces: in the group of pods' interfaces or with an alias of ours, by index.
        guards: routes of the table of pods that let nothing pass, from us.
        strays: routes of the table of pods, from us, over interfaces that are none of pods.
        exports: routes of the table that the routing daemon reads, from us.
        rule_families: IP versions of which all packets look into the table of pods, by our rule.
    """

    interfaces: tuple[PodInterface, ...]
    guards: tuple[KernelRoute, ...]
    strays: tuple[KernelRoute, ...]
    exports: tuple[KernelRoute, ...]
    rule_families: frozenset[int]

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Everything that is complete."""
        return tuple(found for interface in self.interfaces if (found := interface.attachment) is not None)

    @property
    def incomplete(self) -> tuple[PodInterface, ...]:
        """Interfaces that are being made or removed; without an agent, those that one left half done."""
        return tuple(interface for interface in self.interfaces if interface.attachment is None)


def observe() -> Observation:
    """Look at the kernel in the calling thread's namespace.

    What is added or removed meanwhile may look incomplete, or its route like a stray.

    Raises:
        MachineError: it refuses.
    """
    # Routes first: the interface of a route that is seen has been there, so one that isn't seen has gone with it.
    pod_routes = routes.dump(POD_TABLE, ROUTE_PROTOCOL)
    exports = routes.dump(EXPORT_TABLE, ROUTE_PROTOCOL)
    ours = [each for each in interfaces.dump() if each.group == INTERFACE_GROUP or parse_alias(each.alias)]
    ways: dict[int, list[KernelRoute]] = {interface.index: [] for interface in ours}
    guards: list[KernelRoute] = []
    strays: list[KernelRoute] = []
    for route in pod_routes:
        if not route.next_hops:
            guards.append(route)
        else:
            ways.get(route.next_hops[0].index, strays).append(route)
    return Observation(
        tuple(_pod_interface(interface, ways[interface.index]) for interface in ours),
        tuple(guards),
        tuple(strays),
        tuple(exports),
        frozenset(rule.version for rule in rules.dump() if is_pod_rule(rule)),
    )


def is_pod_rule(rule: KernelRule) -> bool:
    """Whether it has all packets look into the table of pods."""
    return (rule.priority, rule.table) == (POD_RULE_PRIORITY, POD_TABLE) and rule.is_for_all


def _pod_interface(interface: KernelInterface, ways: list[KernelRoute]) -> PodInterface:
    pool, key = parse_alias(interface.alias) or (None, None)
    return PodInterface(interface.name, interface.index, interface.peer, pool, key, tuple(_addresses(ways)))


def _addresses(ways: list[KernelRoute]) -> Iterator[Address]:
    return (way.prefix.network_address for way in ways if way.prefix.prefixlen == way.prefix.max_prefixlen)
