"""Edge module: links and addresses of a namespace, made and changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any, Self

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from bifilar.errors import MachineError

SCOPE_GLOBAL, SCOPE_LINK = 0, 253
_NODAD = 0x02
_NO_DEVICE_TYPE = 95
"""EOPNOTSUPP: the kernel was built without this type of device."""


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
        """The index of an interface."""
        if name not in self._indexes:
            with _naming(name):
                found = self._netlink.link_lookup(ifname=name)
            if not found:
                raise MachineError(name, "there is no such interface", "see 'ip link' in the namespace")
            self._indexes[name] = found[0]
        return self._indexes[name]

    def add_veth(self, name: str, namespace: int, peer: str, peer_namespace: int, mtu: int) -> None:
        """Make a pair of interfaces, each right in its namespace (given by open descriptors)."""
        with _naming(f"{name} - {peer}"):
            self._netlink.link(
                "add",
                kind="veth",
                ifname=name,
                mtu=mtu,
                net_ns_fd=namespace,
                peer={"ifname": peer, "mtu": mtu, "net_ns_fd": peer_namespace},
            )

    def add_bridge(self, name: str, mtu: int) -> None:
        """Make a bridge that forwards from the first packet on: without spanning tree, delay and IGMP snooping."""
        with _naming(name):
            self._netlink.link(
                "add", kind="bridge", ifname=name, mtu=mtu, br_stp_state=0, br_forward_delay=0, br_mcast_snooping=0
            )

    def add(self, name: str, kind: str) -> None:
        """Make an interface of a kind that needs nothing else, such as ``dummy``."""
        with _naming(name):
            self._netlink.link("add", kind=kind, ifname=name)

    def knows(self, kind: str) -> bool:
        """Whether the kernel has this kind of device: one is made, and removed again."""
        try:
            self._netlink.link("add", kind=kind, ifname="probe")
        except NetlinkError as error:
            if error.code == _NO_DEVICE_TYPE:
                return False
            raise MachineError(kind, f"can't be made: {error}", "be root, with CAP_NET_ADMIN") from error
        with _naming(kind):
            self._netlink.link("del", ifname="probe")
        return True

    def delete(self, name: str) -> None:
        """Remove an interface; with one end of a veth pair goes the other."""
        with _naming(name):
            self._netlink.link("del", index=self.index(name))
        del self._indexes[name]

    def set_up(self, name: str, master: str | None = None) -> None:
        """Bring an interface up, as a port of the bridge ``master`` if there is one."""
        port = {} if master is None else {"master": self.index(master)}
        with _naming(name):
            self._netlink.link("set", index=self.index(name), state="up", **port)

    def set_down(self, name: str) -> None:
        """Bring an interface down; the other end of a veth pair loses its carrier."""
        with _naming(name):
            self._netlink.link("set", index=self.index(name), state="down")

    def add_address(
        self, name: str, address: IPv4Interface | IPv6Interface, *, link_scope: bool = False
    ) -> None:
        """Give an interface an address.

        Args:
            name: of the interface.
            address: IPv6 ones are usable at once, without asking whether somebody else has them.
            link_scope: never chosen as source towards other networks; IPv4 only, IPv6 has no such setting.
        """
        options: dict[str, int] = {}
        if isinstance(address, IPv6Interface):
            options["flags"] = _NODAD
        elif link_scope:
            options["scope"] = SCOPE_LINK
        with _naming(f"{name}: {address}"):
            self._netlink.addr(
                "add", index=self.index(name), address=str(address.ip), prefixlen=address.network.prefixlen, **options
            )


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Say which object the kernel refused."""
    try:
        yield
    except NetlinkError as error:
        reason = error.args[1] if len(error.args) > 1 else str(error)
        raise MachineError(where, f"the kernel refuses it: {reason}", "be root, with CAP_NET_ADMIN") from error
