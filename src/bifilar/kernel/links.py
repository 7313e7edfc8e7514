"""Edge module: links and addresses of a namespace, made and changed."""

import errno
import socket
from collections.abc import Callable
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path
from typing import Self

from bifilar.errors import MachineError
from bifilar.kernel import namespaces, requests
from bifilar.kernel.netlink import RefusedError, Rtnetlink
from bifilar.kernel.requests import Request

MANAGEMENT_KINDS = ("dummy", "ifb")
"""``ifb`` stands in where the kernel has no ``dummy``: the same flags, and it drops what is sent into it."""


class Links:
    """The links of the namespace of the thread that makes it. Use as a context manager, in that thread.

    Everything raises :class:`~bifilar.errors.MachineError` when the kernel refuses.
    """

    def __init__(self) -> None:
        self._netlink = Rtnetlink()
        self._indexes: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._netlink.close()

    def index(self, name: str) -> int:
        """The index of an interface; asked once, then remembered."""
        if name not in self._indexes:
            try:
                self._indexes[name] = socket.if_nametoindex(name)
            except OSError as error:
                raise MachineError(
                    name, "there is no such interface", "see 'ip link' in the namespace"
                ) from error
        return self._indexes[name]

    def add_veth(
        self, name: str, namespace: int, peer: str, peer_namespace: int, *, mtu: int | None = None
    ) -> None:
        """Make a pair of interfaces, each right in its namespace (given by an open descriptor).

        One message makes both, so that neither is ever seen elsewhere, nor clashes with a name there.
        """
        request = requests.add_veth(name, peer, peer_namespace, namespace=namespace, mtu=mtu)
        self._ask(f"{name} - {peer}", request)

    def add_bridge(self, name: str, *, mtu: int | None = None) -> None:
        """Make a bridge that forwards from the first packet on: no spanning tree, no delay, no multicast snooping."""
        self._ask(name, requests.add_bridge(name, mtu=mtu))

    def add_dummy(self, name: str, kind: str = MANAGEMENT_KINDS[0]) -> None:
        """Make an interface that only holds addresses; ``kind`` is what :func:`management_device_kind` says."""
        self.add(name, kind)

    def add(self, name: str, kind: str) -> None:
        """Make an interface of any kind that needs nothing else said, such as ``dummy``."""
        self._ask(name, requests.add_link(name, kind))

    def knows(self, kind: str) -> bool:
        """Whether the kernel has this kind of device: one is made, and removed again."""
        try:
            self._netlink.request(requests.add_link("probe", kind))
        except RefusedError as error:
            if error.errno == errno.EOPNOTSUPP:
                return False
            raise _refusal(kind, error) from error
        self.delete("probe")
        return True

    def delete(self, name: str) -> None:
        """Remove an interface; with one end of a veth pair goes the other."""
        self._ask(name, requests.delete_link(self.index(name)))
        del self._indexes[name]

    def set_up(self, name: str) -> None:
        """Bring an interface up."""
        self._ask(name, requests.change_link(self.index(name), up=True))

    def set_down(self, name: str) -> None:
        """Bring an interface down; the other end of a veth pair loses its carrier."""
        self._ask(name, requests.change_link(self.index(name), up=False))

    def set_mtu(self, name: str, mtu: int) -> None:
        """Set the size of the largest packet, in bytes, without the Ethernet header."""
        self._ask(name, requests.change_link(self.index(name), mtu=mtu))

    def enslave(self, name: str, bridge: str) -> None:
        """Make an interface a port of a bridge."""
        self._ask(name, requests.change_link(self.index(name), master=self.index(bridge)))

    def add_address(
        self,
        name: str,
        address: IPv4Interface | IPv6Interface,
        *,
        link_scope: bool = False,
        deprecated: bool = False,
    ) -> None:
        """Give an interface an address; see :func:`bifilar.kernel.requests.add_address`."""
        request = requests.add_address(
            self.index(name), address, link_scope=link_scope, deprecated=deprecated
        )
        self._ask(f"{name}: {address}", request)

    def _ask(self, where: str, request: Request) -> None:
        """Send a request; a refusal says which object it is about."""
        try:
            self._netlink.request(request)
        except RefusedError as error:
            raise _refusal(where, error) from error


Operation = Callable[[Links], object]
"""One thing to do, such as ``lambda links: links.set_up("lo")``."""


def configure(namespace: Path, *operations: Operation) -> None:
    """Do things in a namespace, one after the other, over one socket.

    Raises:
        MachineError: what the kernel refused first; the rest is not done.
    """

    def work() -> None:
        with Links() as links:
            for operation in operations:
                operation(links)

    namespaces.run_in(namespace, work)


def management_device_kind() -> str:
    """The kind of device that holds management addresses: ``dummy``, or ``ifb`` where the kernel has none.

    Raises:
        MachineError: it has neither.
    """

    def probe() -> str | None:
        with Links() as links:
            return next((kind for kind in MANAGEMENT_KINDS if links.knows(kind)), None)

    kind = namespaces.run_apart(probe)
    if kind is None:
        kinds = " or ".join(MANAGEMENT_KINDS)
        raise MachineError("kernel", f"no device of type {kinds}", "modprobe dummy, or a kernel that has it")
    return kind


def _refusal(where: str, error: RefusedError) -> MachineError:
    return MachineError(where, f"the kernel refuses it: {error.strerror}", "be root, with CAP_NET_ADMIN")
