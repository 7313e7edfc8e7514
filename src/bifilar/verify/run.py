"""Edge: all the checks of a running fabric, in order."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property

from bifilar.errors import InputError
from bifilar.fabric.model import Fabric
from bifilar.proof.routes import Routes
from bifilar.verify.checks import hygiene, sessions
from bifilar.verify.checks import pods as pod_checks
from bifilar.verify.checks import routes as route_checks
from bifilar.verify.observation import Observation
from bifilar.verify.reading import Running, observe, sent_packets
from bifilar.verify.report import Check, Report, Status
from bifilar.verify.traffic.pods import REACHABILITY, check_pods
from bifilar.verify.traffic.reachability import check_reachability
from bifilar.verify.traffic.redirects import check_redirects
from bifilar.verify.traffic.spread import check_paths
from bifilar.verify.traffic.survival import EXPECTED_SURVIVAL, SURVIVAL, check_survival

Progress = Callable[[str, int, int], None]
"""Called with a step's name, how much of it is done, and how much there is."""

CHECKS = (
    "bgp-sessions",
    "bfd-sessions",
    "kernel-routes",
    "daemon-routes",
    "reachability",
    "source-address",
    "icmp-redirects",
    "ecmp-spread",
    "address-scopes",
    "full-size",
    "no-valleys",
    "pod-exports",
    *REACHABILITY,
)
"""Every check that changes nothing, in the order of a report."""
DISRUPTIVE = (SURVIVAL,)
"""Checks that break something and mend it again: made only when asked for."""
_OF_WHAT_IS_SEEN: Mapping[str, Callable[[Fabric, Observation], Check]] = {
    "bgp-sessions": sessions.bgp_sessions,
    "bfd-sessions": sessions.bfd_sessions,
    "address-scopes": hygiene.address_scopes,
    "no-valleys": hygiene.no_valleys,
}
_OF_ROUTES: Mapping[str, Callable[[Fabric, Routes, Observation], Check]] = {
    "kernel-routes": route_checks.kernel_routes,
    "daemon-routes": route_checks.daemon_routes,
}
_OF_PODS: Mapping[str, str] = {
    "pod-exports": "every pod's address is in a block of its server, which every device reaches like the server",
    **REACHABILITY,
    SURVIVAL: EXPECTED_SURVIVAL,
}
"""What is expected where there are pods."""


def verify(running: Running, only: Collection[str] = (), progress: Progress = lambda *_: None) -> Report:
    """Hold a running fabric against its design.

    Args:
        running: the fabric; it must have converged, or the checks say what is missing.
        only: names of the checks to make; all that change nothing if empty.
        progress: told how far it is.

    Raises:
        InputError: there is no check of a name in ``only``.
    """
    known = (*CHECKS, *DISRUPTIVE)
    for name in only:
        if name not in known:
            raise InputError(name, "no check of this name", f"the checks: {', '.join(known)}")
    start = time.monotonic()
    wanted = frozenset(only or CHECKS)
    made = {check.name: check for check in _Verification(running, progress).checks(wanted)}
    return Report(
        tuple(made[name] for name in known if name in wanted),
        time.monotonic() - start,
    )


class _Verification:
    def __init__(self, running: Running, progress: Progress) -> None:
        self._running = running
        self._fabric = running.fabric
        self._progress = progress
        self._routes = Routes(running.fabric)

    @cached_property
    def _seen(self) -> Observation:
        return observe(self._running, lambda done, total: self._progress("read", done, total))

    def checks(self, wanted: frozenset[str]) -> Iterator[Check]:
        """The wanted checks, and those that come with them for free."""
        for name, check in _OF_WHAT_IS_SEEN.items():
            if name in wanted:
                yield check(self._fabric, self._seen)
        for name, check_routes in _OF_ROUTES.items():
            if name in wanted:
                yield check_routes(self._fabric, self._routes, self._seen)
        if wanted & {"reachability", "source-address"}:
            yield from check_reachability(self._fabric, self._running, self._told("reach"))
        if "icmp-redirects" in wanted:
            yield check_redirects(self._fabric, self._running, self._told("redirects"))
        if wanted & {"full-size", "ecmp-spread"}:
            yield from check_paths(
                self._fabric, self._running, lambda: sent_packets(self._running), self._told("paths")
            )
        if wanted & _OF_PODS.keys():
            yield from self._pod_checks(wanted)

    def _pod_checks(self, wanted: frozenset[str]) -> Iterator[Check]:
        pods = self._running.pods.all()
        if not pods:
            for name in wanted & _OF_PODS.keys():
                yield Check(name, Status.SKIP, _OF_PODS[name], "the lab has no pods")
            return
        if "pod-exports" in wanted:
            yield pod_checks.pod_exports(self._fabric, self._routes, self._seen, pods)
        if wanted & REACHABILITY.keys():
            yield from check_pods(self._fabric, self._running, pods, self._told("pods"))
        if SURVIVAL in wanted:
            yield check_survival(self._fabric, self._running, pods, self._told("survival"))

    def _told(self, step: str) -> Callable[[int, int], None]:
        return lambda done, total: self._progress(step, done, total)
