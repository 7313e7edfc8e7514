"""Edge module: links and addresses of a namespace, made and changed."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path
from typing import Any, Self

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from bifilar.errors import MachineError
from bifilar.kernel import namespaces

_SCOPE_LINK = 253
_NODAD = 0x02
_EOPNOTSUPP = 95
"""The kernel was built without this type of device."""
MANAGEMENT_KINDS = ("dummy", "ifb")
"""``ifb`` stands in where the kernel has no ``dummy``: the same flags, and it drops what is sent into it."""


class Links:
    """The links of the namespace of the thread that makes and uses it. Use as a context manager.

    Not for other threads: pyroute2 opens another socket in each, and in the namespace of that thread.
    Everything raises :class:`~bifilar.errors.MachineError` when the kernel refuses.
    """

    def __init__(self) -> None:
        self._netlink: Any = IPRoute()
        self._indexes: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._netlink.close()

    def index(self, name: str) -> int:
        """The index of an interface; asked once, then remembered."""
        if name not in self._indexes:
            try:
                # Much faster than pyroute2's look-up, which is one more exchange over netlink.
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
        size = {} if mtu is None else {"mtu": mtu}
        ends = {"ifname": peer, "net_ns_fd": peer_namespace, **size}
        with _naming(f"{name} - {peer}"):
            self._netlink.link("add", kind="veth", ifname=name, net_ns_fd=namespace, peer=ends, **size)

    def add_bridge(self, name: str, *, mtu: int | None = None) -> None:
        """Make a bridge that forwards from the first packet on: no spanning tree, no delay, no multicast snooping."""
        options = {"br_stp_state": 0, "br_forward_delay": 0, "br_mcast_snooping": 0}
        if mtu is not None:
            options["mtu"] = mtu
        self._add(name, "bridge", options)

    def add_dummy(self, name: str, kind: str = MANAGEMENT_KINDS[0]) -> None:
        """Make an interface that only holds addresses; ``kind`` is what :func:`management_device_kind` says."""
        self._add(name, kind, {})

    def add(self, name: str, kind: str) -> None:
        """Make an interface of any kind that needs nothing else said, such as ``dummy``."""
        self._add(name, kind, {})

    def _add(self, name: str, kind: str, options: dict[str, int]) -> None:
        with _naming(name):
            self._netlink.link("add", kind=kind, ifname=name, **options)

    def knows(self, kind: str) -> bool:
        """Whether the kernel has this kind of device: one is made, and removed again."""
        try:
            self._netlink.link("add", kind=kind, ifname="probe")
        except NetlinkError as error:
            if error.code == _EOPNOTSUPP:
                return False
            raise _refusal(kind, error) from error
        self.delete("probe")
        return True

    def delete(self, name: str) -> None:
        """Remove an interface; with one end of a veth pair goes the other."""
        with _naming(name):
            self._netlink.link("del", index=self.index(name))
        del self._indexes[name]

    def set_up(self, name: str) -> None:
        """Bring an interface up."""
        self._set(name, state="up")

    def set_down(self, name: str) -> None:
        """Bring an interface down; the other end of a veth pair loses its carrier."""
        self._set(name, state="down")

    def set_mtu(self, name: str, mtu: int) -> None:
        """Set the size of the largest packet, in bytes, without the Ethernet header."""
        self._set(name, mtu=mtu)

    def enslave(self, name: str, bridge: str) -> None:
        """Make an interface a port of a bridge."""
        self._set(name, master=self.index(bridge))

    def _set(self, name: str, **values: str | int) -> None:
        index = self.index(name)
        with _naming(name):
            self._netlink.link("set", index=index, **values)

    def add_address(
        self,
        name: str,
        address: IPv4Interface | IPv6Interface,
        *,
        link_scope: bool = False,
        deprecated: bool = False,
    ) -> None:
        """Give an interface an address.

        Args:
            name: of the interface.
            address: IPv6 ones are usable at once, without asking whether somebody else has them.
            link_scope: never chosen as source towards other networks; IPv6 has no such setting and ignores it.
            deprecated: preferred for zero seconds, valid for ever: a source only where there is no other.
        """
        options: dict[str, int] = {}
        if isinstance(address, IPv6Interface):
            options["flags"] = _NODAD
        elif link_scope:
            options["scope"] = _SCOPE_LINK
        if deprecated:
            options["preferred_lft"] = 0
        index = self.index(name)
        with _naming(f"{name}: {address}"):
            self._netlink.addr(
                "add", index=index, address=str(address.ip), prefixlen=address.network.prefixlen, **options
            )


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


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Say which object the kernel refused."""
    try:
        yield
    except NetlinkError as error:
        raise _refusal(where, error) from error


def _refusal(where: str, error: NetlinkError) -> MachineError:
    reason = error.args[1] if len(error.args) > 1 else str(error)
    return MachineError(where, f"the kernel refuses it: {reason}", "be root, with CAP_NET_ADMIN")
