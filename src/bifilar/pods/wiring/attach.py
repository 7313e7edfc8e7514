"""Edge module: a container wired, or left as it was.

First the pair of interfaces alone, then what depends on it. Whoever is killed in between leaves an interface without
a route; whoever is refused removes what he has made, and nothing else: names may be others', indexes are never given
to another.
"""

import errno
from collections.abc import Callable
from itertools import count
from os import urandom
from pathlib import Path
from time import sleep

from bifilar.kernel import interfaces, routes
from bifilar.kernel.interfaces import KernelInterface
from bifilar.kernel.netlink import RefusedError, Rtnetlink
from bifilar.pods.failpoints import Step, reach
from bifilar.pods.model import Addresses, parse_alias
from bifilar.pods.numbers import INTERFACE_GROUP
from bifilar.pods.wiring import faults, messages
from bifilar.pods.wiring.errors import InterfaceTakenError, NamespaceGoneError, WiringError, refusal
from bifilar.pods.wiring.names import move_aside
from bifilar.pods.wiring.order import GATEWAY6, HOST_LINK_ADDRESS, Ends, Order, Wired
from bifilar.pods.wiring.removal import Remover
from bifilar.pods.wiring.sockets import Doors, HostSockets, Inside

_IPV6 = Path("/proc/sys/net/ipv6")
"""Missing where the kernel has none."""
_SMALLEST_IPV6_MTU = 1280
"""RFC 8200; interfaces with less have no IPv6."""
_FIRST_INDEX = 1 << 20
"""Far above those that the kernel chooses, which count up from 1."""
_LOCAL_LINK_ADDRESS = b"\x02"
"""First byte of MAC addresses that no vendor gives."""
_ATTEMPTS = 3
"""A name that is in the way is freed once; somebody else may be about to do the same."""
_LOOKS, _LOOK_EVERY_S = 100, 0.0002
"""The first look often does it. Without success in time, whoever sends too early has to send again, no more."""


class Attacher:
    """Wires containers of the node in whose namespace it is used. Usable from any thread.

    Args:
        node: the management addresses.
        mtu: of the interfaces, in bytes.
        sockets: the host's.
        remover: for what turns out to be of no use.
    """

    def __init__(self, node: Addresses, mtu: int, sockets: HostSockets, remover: Remover) -> None:
        self._node = node
        self._mtu = mtu
        self._has_ipv6 = mtu >= _SMALLEST_IPV6_MTU and _IPV6.exists()
        self._sockets = sockets
        self._doors = Doors()
        self._remover = remover
        # Behind those that an agent before this one has given.
        self._indexes = count(max([_FIRST_INDEX, *(each.index + 1 for each in interfaces.dump())]))

    def close(self) -> None:
        """Nobody attaches any more."""
        self._doors.close()

    def attach(self, order: Order) -> Wired:
        """See :meth:`bifilar.pods.wiring.wiring.Wiring.attach`."""
        addresses = order.attachment.addresses
        if any(address and gateway is None for address, gateway in zip(addresses, self._node, strict=True)):
            what = f"has no gateway for all of {', '.join(map(str, addresses.each()))}"
            hint = "give the agent a management address of each family of the pool"
            raise WiringError("this node", what, hint)
        with self._doors.inside(order.namespace) as inside, self._sockets.one() as host:
            for _ in range(_ATTEMPTS):
                ends = self._make_pair(order, host, inside)
                if ends is not None:
                    return self._complete(order, ends, host, inside)
                standing = self._make_way(order, host, inside)
                if standing is not None:
                    return standing
        raise _taken(order.host_interface, "is taken again whenever it has been freed")

    def _make_pair(self, order: Order, host: Rtnetlink, inside: Inside) -> Ends | None:
        """The new pair; ``None`` if one of the two names is taken."""
        while True:
            ends = self._ends()
            try:
                host.request(messages.pair(order, ends, inside.namespace, self._mtu))
            except RefusedError as refused:
                if refused.errno == errno.EBUSY:
                    continue  # an agent before this one has used these indexes
                if refused.errno == errno.EEXIST:
                    return None
                raise refusal(order.host_interface, refused) from refused
            reach(Step.ADD_VETH)
            return ends

    def _ends(self) -> Ends:
        host, container = next(self._indexes), next(self._indexes)
        return Ends(host, container, _LOCAL_LINK_ADDRESS + urandom(5))

    def _complete(self, order: Order, ends: Ends, host: Rtnetlink, inside: Inside) -> Wired:
        """Make of a pair an attachment."""
        attachment = order.attachment
        index = ends.host
        try:
            host.request(*messages.host_side(attachment, index, has_ipv6=self._has_ipv6))
            reach(Step.ADD_HOST_SIDE)
            if attachment.addresses.ipv6 is not None:
                self._see_to_ipv6(order, ends, inside)
            inside.netlink.request(*messages.container_side(attachment, ends.container, self._node))
            _await_readiness(attachment.addresses, ends, host, inside)
            reach(Step.ADD_CONTAINER_SIDE)
            host.request(*messages.host_routes(attachment, index, self._node))
            reach(Step.ADD_ROUTE)
        except BaseException as error:
            self._remover.remove(index)
            if isinstance(error, OSError):
                raise refusal(order.host_interface, error) from error
            raise
        return Wired(order.host_interface, index, HOST_LINK_ADDRESS, ends.container_link_address, self._mtu)

    def _see_to_ipv6(self, order: Order, ends: Ends, inside: Inside) -> None:
        """Some runtimes switch IPv6 off in every namespace that they make."""
        container = interfaces.read(inside.netlink, index=ends.container)
        if container is None:
            what = "the new interface has gone again"
            raise NamespaceGoneError(order.namespace, what, "is the container still there?")
        if not container.has_ipv6:
            self._doors.switch_ipv6_on(inside, container.name)

    def _make_way(self, order: Order, host: Rtnetlink, inside: Inside) -> Wired | None:
        """One of the two names is taken: by this very attachment, or by what can be moved aside."""
        attachment = order.attachment
        container = interfaces.read(inside.netlink, name=attachment.key.interface)
        if container is not None:
            other = interfaces.read(host, index=container.peer) if container.peer else None
            if other is None or other.alias != attachment.alias or other.peer != container.index:
                raise _taken(attachment.key.interface, f"is in {order.namespace} already")
            return self._standing(order, other, container)
        in_the_way = interfaces.read(host, name=order.host_interface)
        if in_the_way is None:
            return None
        if in_the_way.alias == attachment.alias:
            # Its other end is in a namespace that the container has no more.
            self._remover.remove(in_the_way.index)
        elif in_the_way.group == INTERFACE_GROUP or parse_alias(in_the_way.alias):
            move_aside(host, in_the_way)
        else:
            raise _taken(in_the_way.name, "is somebody else's")
        return None

    def _standing(self, order: Order, host: KernelInterface, container: KernelInterface) -> Wired | None:
        """An attachment that was wired before; ``None`` if it wasn't right, and is gone now."""
        as_it_is = Order(order.attachment, order.namespace, host.name)
        if faults.find(as_it_is, self._node, self._mtu):
            self._remover.remove(host.index)
            return None
        return Wired(host.name, host.index, host.link_address, container.link_address, self._mtu)


def _await_readiness(addresses: Addresses, ends: Ends, host: Rtnetlink, inside: Inside) -> None:
    """Let the kernel do what it has put off, or packets of the first milliseconds are lost, questions too.

    An end that has got a carrier drops what it is to send. IPv6 listens to multicast only on an end whose carrier it
    has noticed, and takes nothing for an address that it hasn't put into its local table: so the first question where
    a neighbour is would stay without an answer, and the next one comes a second later.
    """
    _await(lambda: interfaces.is_operational(host, ends.host))
    own = addresses.ipv6
    if own is not None:
        _await(lambda: interfaces.is_operational(inside.netlink, ends.container))
        _await(lambda: routes.kind(inside.netlink, own) == routes.LOCAL)
        _await(lambda: routes.kind(host, GATEWAY6, ends.host) == routes.LOCAL)


def _await(is_so: Callable[[], bool]) -> None:
    for _ in range(_LOOKS):
        if is_so():
            return
        sleep(_LOOK_EVERY_S)


def _taken(name: str, what: str) -> InterfaceTakenError:
    return InterfaceTakenError(name, what, "remove it, or have the runtime use another name")
