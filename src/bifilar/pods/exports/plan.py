"""Pure module: what is to be changed in the tables for them to hold what they should."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

from bifilar.kernel.routes import UNREACHABLE, KernelNextHop, KernelRoute
from bifilar.pods.model import Prefix
from bifilar.pods.numbers import GUARD_METRIC

_LOOPBACK = (KernelNextHop(None, "lo"),)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be done, in this order: a block is guarded before it is announced, and for longer.

    Attributes:
        guard: prefixes that get a guard.
        export: prefixes that the routing daemon is to announce.
        withdraw: routes that it is to announce no more.
        unguard: guards that are needed no more, and what else has no business among the pods' routes.
    """

    guard: tuple[Prefix, ...] = ()
    export: tuple[Prefix, ...] = ()
    withdraw: tuple[KernelRoute, ...] = ()
    unguard: tuple[KernelRoute, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.guard or self.export or self.withdraw or self.unguard)


def plan(
    exported: Iterable[Prefix],
    guarded: Iterable[Prefix],
    seen_exports: Collection[KernelRoute],
    seen_guards: Collection[KernelRoute],
) -> Changes:
    """How to get from what is seen to what should be.

    Args:
        exported: what the routing daemon is to announce; it is guarded too.
        guarded: what else is to be guarded: blocks that are being given back.
        seen_exports: our routes in the daemon's table.
        seen_guards: our routes in the table of pods that lead to no pod.
    """
    exports = set(exported)
    guards = exports.union(guarded)
    right_exports = {route.prefix for route in seen_exports if _is_export(route)}
    right_guards = {route.prefix for route in seen_guards if _is_guard(route)}
    return Changes(
        guard=_sorted(guards - right_guards),
        export=_sorted(exports - right_exports),
        # A wrong route to a right prefix is no route to remove: the right one takes its place.
        withdraw=tuple(
            route
            for route in seen_exports
            if route.prefix not in exports or (route.prefix in right_exports and not _is_export(route))
        ),
        unguard=tuple(route for route in seen_guards if route.prefix not in guards or not _has_place(route)),
    )


def _is_export(route: KernelRoute) -> bool:
    return route.next_hops == _LOOPBACK


def _has_place(route: KernelRoute) -> bool:
    """Whether it is a guard, or what a guard takes the place of."""
    return not route.next_hops and route.metric == GUARD_METRIC


def _is_guard(route: KernelRoute) -> bool:
    return (route.kind, route.metric) == (UNREACHABLE, GUARD_METRIC)


def _sorted(prefixes: Iterable[Prefix]) -> tuple[Prefix, ...]:
    return tuple(
        sorted(
            prefixes, key=lambda prefix: (not isinstance(prefix, IPv4Network), int(prefix.network_address))
        )
    )
