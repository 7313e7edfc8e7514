"""Value module: the result of ADD."""

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of an attachment, in the container or on the host.

    Attributes:
        name: its name.
        mac: its hardware address, as the kernel prints it.
        sandbox: path of the container's network namespace, as the runtime told it; empty on the host.
        mtu: bytes.
        socket_path: a socket file that stands for the interface.
        pci_id: the PCI device that stands for it.
    """

    name: str
    mac: str = ""
    sandbox: str = ""
    mtu: int | None = None
    socket_path: str = ""
    pci_id: str = ""


@dataclass(frozen=True, slots=True)
class AssignedAddress:
    """An address of an attachment; ``interface`` is a place in the result's interfaces."""

    address: IPv4Interface | IPv6Interface
    gateway: IPv4Address | IPv6Address | None = None
    interface: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A route in the container; the numbers as the kernel has them."""

    destination: IPv4Network | IPv6Network
    gateway: IPv4Address | IPv6Address | None = None
    mtu: int | None = None
    advertised_mss: int | None = None
    priority: int | None = None
    table: int | None = None
    scope: int | None = None


@dataclass(frozen=True, slots=True)
class Dns:
    """What the container may know of name resolution."""

    nameservers: tuple[str, ...] = ()
    domain: str = ""
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What an attachment consists of."""

    interfaces: tuple[Interface, ...] = ()
    addresses: tuple[AssignedAddress, ...] = ()
    routes: tuple[Route, ...] = ()
    dns: Dns = Dns()

    def after(self, previous: "Result | None") -> "Result":
        """This one behind that of the plugins before us in the chain; their resolvers stay."""
        if previous is None:
            return self
        places = len(previous.interfaces)
        moved = (
            address if address.interface is None else replace(address, interface=address.interface + places)
            for address in self.addresses
        )
        return Result(
            previous.interfaces + self.interfaces,
            (*previous.addresses, *moved),
            previous.routes + self.routes,
            self.dns if previous.dns == Dns() else previous.dns,
        )
