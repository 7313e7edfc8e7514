"""Pure module: one cable between two devices, and everything that follows from it.

A connection is the link, the two interfaces at its ends, and both sides of each BGP session over it. Both
sides are made in one place, so that they cannot disagree.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bifilar.fabric.addressing import AddressPairs
from bifilar.fabric.model import (
    RACK_BRIDGE,
    Asn,
    Channel,
    DeviceName,
    Family,
    Interface,
    InterfaceAddress,
    InterfaceKind,
    InterfaceName,
    Link,
    LinkEnd,
    LinkName,
    Role,
    Scope,
    Session,
)
from bifilar.fabric.policies import Policies


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device stands: what its name, AS number and addresses follow from.

    ``host`` is its host number in the networks of its rack.
    """

    name: DeviceName
    role: Role
    number: int
    asn: Asn
    rack: int | None = None
    zone: int | None = None
    host: int = 0

    @property
    def short_name(self) -> str:
        """Its name as its neighbours below see it: ``tor1``, not ``rack0-tor1``."""
        return self.name.rpartition("-")[2]


@dataclass(frozen=True, slots=True)
class Connection:
    """A link, its ends' interfaces, and the sides of its sessions (upper side first)."""

    link: Link
    upper: Interface
    lower: Interface
    sessions: tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class _Side:
    """What a session's side needs to know of one end."""

    place: Place
    name_of_peer: str
    interface: InterfaceName
    channels: Callable[[Family], Channel]


def connect_switches(upper: Place, lower: Place, addresses: AddressPairs, policies: Policies) -> Connection:
    """Connect two switches; a port is named after the neighbour."""
    down, up = _switch_policies(upper, policies)
    upper_port, lower_port = InterfaceName(lower.name), InterfaceName(upper.short_name)
    link = _link(upper, upper_port, lower, lower_port)
    return Connection(
        link,
        Interface(upper_port, InterfaceKind.PORT, tuple(pair[0] for pair in addresses), link=link.name),
        Interface(lower_port, InterfaceKind.PORT, tuple(pair[1] for pair in addresses), link=link.name),
        tuple(
            _sessions(
                _Side(upper, lower.name, upper_port, down),
                _Side(lower, upper.short_name, lower_port, up),
                addresses,
                policies.plan.families,
            )
        ),
    )


def connect_server(
    tor: Place,
    server: Place,
    nic: InterfaceName,
    tor_addresses: tuple[InterfaceAddress, ...],
    server_addresses: tuple[InterfaceAddress, ...],
    policies: Policies,
) -> Connection:
    """Connect a server to a ToR: its NIC to a port of the ToR's rack bridge.

    The server's address has link scope: an unbound socket must take the management address (the article).
    """
    port = InterfaceName(server.short_name)
    link = _link(tor, port, server, nic)
    return Connection(
        link,
        Interface(port, InterfaceKind.BRIDGE_PORT, link=link.name),
        Interface(nic, InterfaceKind.PORT, server_addresses, Scope.LINK, link.name),
        tuple(
            _sessions(
                _Side(tor, server.short_name, RACK_BRIDGE, policies.tor_to_server),
                _Side(server, tor.short_name, nic, policies.server_to_tor),
                tuple(zip(tor_addresses, server_addresses, strict=True)),
                policies.plan.families,
            )
        ),
    )


def _switch_policies(
    upper: Place, policies: Policies
) -> tuple[Callable[[Family], Channel], Callable[[Family], Channel]]:
    """Policies of the upper and of the lower side of a link below this device."""
    match upper.role:
        case Role.CORE:
            return policies.core_to_top, policies.top_to_core
        case Role.SUPER_SPINE:
            return policies.super_spine_to_spine, policies.spine_to_super_spine
        case _:
            return policies.spine_to_tor, policies.tor_to_spine


def _link(upper: Place, upper_port: InterfaceName, lower: Place, lower_port: InterfaceName) -> Link:
    name = LinkName(f"{upper.name}:{lower.name}")
    return Link(name, LinkEnd(upper.name, upper_port), LinkEnd(lower.name, lower_port))


def _sessions(
    upper: _Side, lower: _Side, addresses: AddressPairs, families: tuple[Family, ...]
) -> Iterator[Session]:
    """Both sides of a session for each pair of addresses.

    A link-local pair carries every family in one session; otherwise each family has a session of its own, so
    that adding a family to a running fabric restarts none.
    """
    for upper_address, lower_address in addresses:
        version = Family(upper_address.version)
        carried = families if upper_address.ip.is_link_local else (version,)
        suffix = "_v6" if carried == (Family.V6,) and len(families) > 1 else ""
        ends = ((upper, lower, upper_address, lower_address), (lower, upper, lower_address, upper_address))
        for own, peer, own_address, peer_address in ends:
            session = Session(
                device=own.place.name,
                name=own.name_of_peer.replace("-", "_") + suffix,
                peer=peer.place.name,
                interface=own.interface,
                local_as=own.place.asn,
                remote_as=peer.place.asn,
                local_address=own_address.ip,
                remote_address=peer_address.ip,
                channels=tuple(own.channels(family) for family in carried),
                upward=own is lower,
                passive=own is upper and peer.place.role.is_server,
                route_reflector_client=own is upper
                and peer.place.role.is_server
                and own.place.asn == peer.place.asn,
            )
            yield session
