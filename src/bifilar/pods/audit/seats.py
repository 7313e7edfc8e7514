"""Pure module: which addresses each interface of a pod has, in spite of contradictions.

The assignment is the route in the table of pods. Where that is missing, or two interfaces have a route to the same
address, what the pod itself has decides. An interface that stays without any address was left half made or half removed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bifilar.kernel.interfaces import KernelInterface
from bifilar.kernel.routes import UNICAST, KernelRoute
from bifilar.pods.audit.seen import Inside, KernelSeen, Stock
from bifilar.pods.model import Address, Addresses, Attachment, Key, PoolName, Prefix, parse_alias
from bifilar.pods.pool_specs import overlap


@dataclass(frozen=True, slots=True)
class Seat:
    """An interface of a pod, on the host.

    Attributes:
        interface: the host's end.
        pool: where its addresses come from, as its alias says; ``None`` without an alias.
        key: whose it is, as its alias says; ``None`` without an alias.
        routes: those over it in the table of pods.
        inside: the namespace of the other end, if it could be entered.
        own: its addresses.
        others: addresses that have a route over it and are another interface's.
    """

    interface: KernelInterface
    pool: PoolName | None
    key: Key | None
    routes: tuple[KernelRoute, ...]
    inside: Inside | None
    own: Addresses
    others: frozenset[Address]

    @property
    def attachment(self) -> Attachment | None:
        """What it is, if it has both an alias and an address."""
        if self.key is None or self.pool is None or self.own == Addresses():
            return None
        return Attachment(self.key, self.pool, self.own)


def seats(kernel: KernelSeen, stock: Stock) -> tuple[Seat, ...]:
    """Every interface of a pod, by index."""
    ways: defaultdict[int, list[KernelRoute]] = defaultdict(list)
    for route in kernel.pod_routes:
        if route.kind == UNICAST and len(route.next_hops) == 1:
            ways[route.next_hops[0].index].append(route)
    claims = _Claims(
        {one.index: _targets(ways[one.index]) for one in kernel.interfaces},
        {
            one.index: _addresses_inside(one, kernel.insides.get(one.index), stock)
            for one in kernel.interfaces
        },
    )
    return tuple(
        _seat(one, tuple(ways[one.index]), kernel.insides.get(one.index), claims) for one in kernel.interfaces
    )


def container_end(interface: KernelInterface, inside: Inside) -> KernelInterface | None:
    """The other end of a host's interface."""
    return next(
        (each for each in inside.interfaces if (each.index, each.peer) == (interface.peer, interface.index)),
        None,
    )


@dataclass(frozen=True, slots=True)
class _Claims:
    """What the routes say and what the pods have, by the index of the host's interface."""

    routed: Mapping[int, tuple[Address, ...]]
    inside: Mapping[int, tuple[Address, ...]]

    def own(self, index: int) -> tuple[Address, ...]:
        """One address of a family at most."""
        routed = [address for address in self.routed[index] if not self.is_of_another(index, address)]
        # A pod that has one of several addresses decides which is its own; if it has more, what nobody else claims.
        routed.sort(key=lambda address: (address not in self.inside[index], self._is_shared(index, address)))
        unclaimed = [
            address
            for address in self.inside[index]
            if not any(address in routed for routed in self.routed.values())
        ]
        found: dict[int, Address] = {}
        for address in (*routed, *unclaimed):
            found.setdefault(address.version, address)
        return tuple(found.values())

    def _is_shared(self, index: int, address: Address) -> bool:
        return any(address in routed for other, routed in self.routed.items() if other != index)

    def is_of_another(self, index: int, address: Address) -> bool:
        """Whether another interface has the route and its pod the address, and this one's pod doesn't."""
        return address not in self.inside[index] and any(
            address in self.routed[other] and address in self.inside[other]
            for other in self.routed
            if other != index
        )


def _seat(
    interface: KernelInterface, routes: tuple[KernelRoute, ...], inside: Inside | None, claims: _Claims
) -> Seat:
    pool, key = parse_alias(interface.alias) or (None, None)
    index = interface.index
    return Seat(
        interface,
        pool,
        key,
        routes,
        inside,
        _addresses(claims.own(index)),
        frozenset(address for address in claims.routed[index] if claims.is_of_another(index, address)),
    )


def _addresses(found: Iterable[Address]) -> Addresses:
    families = {address.version: address for address in found}
    v4, v6 = families.get(4), families.get(6)
    assert v4 is None or v4.version == 4  # noqa: S101, PLR2004 - for the type checker
    assert v6 is None or v6.version == 6  # noqa: S101, PLR2004 - the same
    return Addresses(v4, v6)


def _targets(routes: Iterable[KernelRoute]) -> tuple[Address, ...]:
    return tuple(
        route.prefix.network_address
        for route in routes
        if route.prefix.prefixlen == route.prefix.max_prefixlen
    )


def _addresses_inside(interface: KernelInterface, inside: Inside | None, stock: Stock) -> tuple[Address, ...]:
    """Addresses of pools on the other end; other plugins of a chain may have added others."""
    end = None if inside is None else container_end(interface, inside)
    if inside is None or end is None:
        return ()
    return tuple(
        address.ip
        for name, address in inside.addresses
        if name == end.name and is_of_pool(address.network, stock)
    )


def is_of_pool(prefix: Prefix, stock: Stock) -> bool:
    """Whether a prefix has an address of a pool."""
    return any(
        overlap(prefix, known)
        for pool in stock.pools.values()
        for subnet in pool.subnets
        for known in subnet.prefixes()
    )
