"""Edge: all the checks of a running fabric, in order."""

import time
from collections.abc import Callable, Collection, Iterator
from functools import cached_property

from bifilar.errors import InputError
from bifilar.proof.routes import Routes
from bifilar.verify.checks import hygiene, sessions
from bifilar.verify.checks import routes as route_checks
from bifilar.verify.observation import Observation
from bifilar.verify.reading import Running, observe, sent_packets
from bifilar.verify.report import Check, Report
from bifilar.verify.traffic.reachability import check_reachability
from bifilar.verify.traffic.redirects import check_redirects
from bifilar.verify.traffic.spread import check_paths

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
)
"""Every check, in the order of a report."""


def verify(running: Running, only: Collection[str] = (), progress: Progress = lambda *_: None) -> Report:
    """Hold a running fabric against its design.

    Args:
        running: the fabric; it must have converged, or the checks say what is missing.
        only: names of the checks to make; all of them if empty.
        progress: told how far it is.

    Raises:
        InputError: there is no check of a name in ``only``.
    """
    for name in only:
        if name not in CHECKS:
            raise InputError(name, "no check of this name", f"the checks: {', '.join(CHECKS)}")
    start = time.monotonic()
    wanted = frozenset(only or CHECKS)
    made = {check.name: check for check in _Verification(running, progress).checks(wanted)}
    return Report(
        tuple(made[name] for name in CHECKS if name in wanted),
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
        if "bgp-sessions" in wanted:
            yield sessions.bgp_sessions(self._fabric, self._seen)
        if "bfd-sessions" in wanted:
            yield sessions.bfd_sessions(self._fabric, self._seen)
        if "kernel-routes" in wanted:
            yield route_checks.kernel_routes(self._fabric, self._routes, self._seen)
        if "daemon-routes" in wanted:
            yield route_checks.daemon_routes(self._fabric, self._routes, self._seen)
        if "address-scopes" in wanted:
            yield hygiene.address_scopes(self._fabric, self._seen)
        if "no-valleys" in wanted:
            yield hygiene.no_valleys(self._fabric, self._seen)
        if wanted & {"reachability", "source-address"}:
            yield from check_reachability(self._fabric, self._running, self._told("reach"))
        if "icmp-redirects" in wanted:
            yield check_redirects(self._fabric, self._running, self._told("redirects"))
        if wanted & {"full-size", "ecmp-spread"}:
            yield from check_paths(
                self._fabric, self._running, lambda: sent_packets(self._running), self._told("paths")
            )

    def _told(self, step: str) -> Callable[[int, int], None]:
        return lambda done, total: self._progress(step, done, total)
