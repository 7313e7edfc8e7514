"""Edge module: changes made in the kernel's tables."""

import errno
from collections.abc import Iterable

from bifilar.errors import OperationError
from bifilar.kernel import requests, routes
from bifilar.kernel.netlink import RefusedError, Rtnetlink
from bifilar.kernel.requests import SCOPE_LINK, Request
from bifilar.kernel.routes import KernelRoute
from bifilar.pods.exports.plan import Changes
from bifilar.pods.model import Prefix
from bifilar.pods.numbers import EXPORT_TABLE, GUARD_METRIC, POD_TABLE, ROUTE_PROTOCOL

_LOOPBACK = 1
"""Index of ``lo`` in every namespace."""
_KINDS = {
    routes.UNICAST: requests.UNICAST,
    routes.BLACKHOLE: requests.BLACKHOLE,
    routes.UNREACHABLE: requests.UNREACHABLE,
}


class ExportError(OperationError):
    """The kernel refused a change of the tables."""


def apply(changes: Changes) -> None:
    """Make changes in the calling thread's namespace, in their order.

    Raises:
        ExportError: the kernel refuses; what comes after it is not done.
    """
    with Rtnetlink() as netlink:
        for prefix in changes.guard:
            _ask(netlink, prefix, _guard(prefix))
        for prefix in changes.export:
            _ask(netlink, prefix, _export(prefix))
        _remove(netlink, changes.withdraw)
        _remove(netlink, changes.unguard)


def _guard(prefix: Prefix) -> Request:
    return requests.add_route(
        prefix,
        None,
        table=POD_TABLE,
        protocol=ROUTE_PROTOCOL,
        kind=requests.UNREACHABLE,
        metric=GUARD_METRIC,
    )


def _export(prefix: Prefix) -> Request:
    return requests.add_route(
        prefix, _LOOPBACK, table=EXPORT_TABLE, protocol=ROUTE_PROTOCOL, scope=SCOPE_LINK
    )


def _remove(netlink: Rtnetlink, unwanted: Iterable[KernelRoute]) -> None:
    for route in unwanted:
        request = requests.delete_route(
            route.prefix,
            table=route.table,
            protocol=route.protocol,
            kind=_KINDS.get(route.kind, 0),
            interface=route.next_hops[0].index if len(route.next_hops) == 1 else None,
            metric=route.metric,
        )
        _ask(netlink, route.prefix, request, allowed=errno.ESRCH)


def _ask(netlink: Rtnetlink, prefix: Prefix, request: Request, allowed: int = 0) -> None:
    try:
        netlink.request(request)
    except RefusedError as refused:
        if refused.errno != allowed:
            what = f"the kernel refuses the change: {refused.strerror}"
            raise ExportError(str(prefix), what, "be root, with CAP_NET_ADMIN; is lo up?") from refused
