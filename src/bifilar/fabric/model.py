"""Value module: a designed fabric.

Everything here is frozen and says what *is*, in the words of the field. A renderer turns it into files, a
prover into routes, a verifier holds a running network against it; so what a BGP session accepts, does to
NEXT_HOP and announces are values too, never text of a daemon.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import NewType

Address = IPv4Address | IPv6Address
InterfaceAddress = IPv4Interface | IPv6Interface
Prefix = IPv4Network | IPv6Network
DeviceName = NewType("DeviceName", str)
InterfaceName = NewType("InterfaceName", str)
LinkName = NewType("LinkName", str)
Asn = NewType("Asn", int)

POD_TABLE = 116
"""Kernel table with the routes to this node's pods (Coil's number)."""
POD_EXPORT_TABLE = 119
"""Kernel table whose routes a node announces as pod blocks (Coil's number)."""
VIP_EXPORT_TABLE = 120
"""Kernel table whose routes a node announces as addresses of LoadBalancer Services."""
SPEAKER_ASN = Asn(64698)
"""AS of a separate load-balancer speaker on the node (Neco's number)."""
SPEAKER_PEER_ASN = Asn(64699)
"""AS of the routing daemon's side of the session with that speaker (Neco's number)."""
VIP_COMMUNITY = (64698, 64699)
"""Community on every address of a LoadBalancer Service: never into the local kernel's main table."""
VIP_PREFERENCE = 200
"""Above BGP's 100: each announcing server prefers its own announcement, so all of them announce (ECMP)."""
GRACEFUL_SHUTDOWN = (65535, 0)
"""Well-known community GRACEFUL_SHUTDOWN, RFC 8326."""
MANAGEMENT_DEVICE = InterfaceName("node0")
"""The dummy device that holds a server's management address."""
RACK_BRIDGE = InterfaceName("rack")
"""A ToR's layer-2 network towards its rack."""


class Family(IntEnum):
    """Address family; the value is the IP version."""

    V4 = 4
    V6 = 6

    @property
    def host_length(self) -> int:
        """Prefix length of a single address."""
        return 32 if self is Family.V4 else 128


class Role(StrEnum):
    """What a device is in the fabric."""

    CORE = "core"
    SUPER_SPINE = "super-spine"
    SPINE = "spine"
    TOR = "tor"
    SERVER = "server"
    BOOT = "boot"

    @property
    def tier(self) -> int:
        """Height in the Clos: servers 0, ToRs 1, spines 2, super-spines 3, cores 4."""
        return _TIERS[self]

    @property
    def is_server(self) -> bool:
        """Whether it holds a management address and runs workloads."""
        return self.tier == 0


_TIERS = {Role.CORE: 4, Role.SUPER_SPINE: 3, Role.SPINE: 2, Role.TOR: 1, Role.SERVER: 0, Role.BOOT: 0}


class InterfaceKind(StrEnum):
    """What an interface is to the kernel."""

    PORT = "port"
    """A physical port with its own addresses."""
    BRIDGE = "bridge"
    """A ToR's layer-2 network: its ``BRIDGE_PORT`` interfaces are members."""
    BRIDGE_PORT = "bridge-port"
    DUMMY = "dummy"


class Scope(StrEnum):
    """Address scope: a source address is chosen among the global ones."""

    GLOBAL = "global"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface of a device. ``link`` is the link that it terminates, if any."""

    name: InterfaceName
    kind: InterfaceKind
    addresses: tuple[InterfaceAddress, ...] = ()
    scope: Scope = Scope.GLOBAL
    link: LinkName | None = None


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One end of a link."""

    device: DeviceName
    interface: InterfaceName


@dataclass(frozen=True, slots=True)
class Link:
    """A cable; ``a`` is the higher end."""

    name: LinkName
    a: LinkEnd
    b: LinkEnd


@dataclass(frozen=True, slots=True)
class PrefixRange:
    """Prefixes within ``network`` whose length is from ``shortest`` to ``longest``."""

    network: Prefix
    shortest: int
    longest: int

    def __contains__(self, prefix: Prefix) -> bool:
        return (
            prefix.version == self.network.version
            and self.shortest <= prefix.prefixlen <= self.longest
            and prefix.network_address in self.network
        )


class ReceivedNextHop(StrEnum):
    """What a receiver does to NEXT_HOP."""

    KEEP = "keep"
    SENDER_UNLESS_SHARED = "sender-unless-shared"
    """The article's rule: a next hop in the network shared with the sender stays, any other becomes the sender."""


class AnnouncedNextHop(StrEnum):
    """What an announcer does to NEXT_HOP."""

    KEEP = "keep"
    """What BGP itself does: iBGP leaves it, eBGP sets it to itself unless it is on the shared network."""
    SELF = "self"
    SELF_FOR_EBGP = "self-for-ebgp"
    """Itself for routes that it learnt over eBGP (or holds locally), unchanged for those learnt over iBGP."""


class Source(StrEnum):
    """Where an announced route comes from."""

    MANAGEMENT = "management"
    """The device's own management address."""
    PODS = "pods"
    """Kernel table 119."""
    VIPS = "vips"
    """Kernel table 120, and the separate speaker."""
    BELOW = "below"
    """Sessions with devices of a lower tier."""
    ABOVE = "above"
    """Sessions with devices of a higher tier."""
    AGGREGATES = "aggregates"
    """The fabric's own ranges, as a whole."""
    DEFAULT = "default"
    """A default route."""


@dataclass(frozen=True, slots=True)
class Channel:
    """What one session does with the routes of one family.

    Attributes:
        family: of the routes.
        accept: prefixes that are accepted; ``None`` accepts all.
        received_next_hop: what is done to NEXT_HOP on receipt.
        shared_length: prefix length of the network shared with the peer, for ``SENDER_UNLESS_SHARED``.
        announce: where announced routes come from; nothing else is announced.
        announced_next_hop: what is done to NEXT_HOP on announcement.
        next_hop_over_v6: IPv4 routes have IPv6 next hops (RFC 8950).
    """

    family: Family
    accept: tuple[PrefixRange, ...] | None
    received_next_hop: ReceivedNextHop
    shared_length: int
    announce: frozenset[Source]
    announced_next_hop: AnnouncedNextHop
    next_hop_over_v6: bool = False


class SessionKind(StrEnum):
    """Inside an AS, or between two."""

    IBGP = "ibgp"
    EBGP = "ebgp"


@dataclass(frozen=True, slots=True)
class Session:
    """One side of a BGP session (with BFD); the other side is a session of ``peer``.

    ``name`` is unique on the device and names the peer. ``interface`` is the one that the session runs over.
    A link-local ``remote_address`` means the peer on that interface.
    """

    device: DeviceName
    name: str
    peer: DeviceName
    interface: InterfaceName
    local_as: Asn
    remote_as: Asn
    local_address: Address
    remote_address: Address
    channels: tuple[Channel, ...]
    upward: bool
    """The peer stands in a higher tier."""
    passive: bool = False
    route_reflector_client: bool = False

    @property
    def kind(self) -> SessionKind:
        """IBGP when both ends have one AS."""
        return SessionKind.IBGP if self.local_as == self.remote_as else SessionKind.EBGP

    @property
    def unnumbered(self) -> bool:
        """Whether it runs between link-local addresses."""
        return self.remote_address.is_link_local


@dataclass(frozen=True, slots=True)
class BfdTimers:
    """``interval_ms`` both ways; down after ``multiplier`` missed packets."""

    interval_ms: int
    multiplier: int


@dataclass(frozen=True, slots=True)
class BgpTimers:
    """All in seconds."""

    hold_s: int
    keepalive_s: int
    connect_delay_s: int
    connect_retry_s: int
    error_wait_s: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Speaker:
    """The daemon's side of a session with a separate load-balancer speaker on 127.0.0.1."""

    port: int
    accept: tuple[PrefixRange, ...]


@dataclass(frozen=True, slots=True)
class Device:
    """A router: a switch or a server.

    ``number`` counts within rack and role (ToR 1 or 2, server 1...) or within the fabric or zone (spine 1...).
    ``management`` is empty on switches. ``drain`` announces GRACEFUL_SHUTDOWN on every session.
    """

    name: DeviceName
    role: Role
    number: int
    asn: Asn
    router_id: IPv4Address
    management: tuple[Address, ...]
    interfaces: tuple[Interface, ...]
    bfd: BfdTimers
    bgp: BgpTimers
    rack: int | None = None
    zone: int | None = None
    daemon: str = "bird"
    bird_version: str = "2"
    drain: bool = False
    speaker: Speaker | None = None

    def interface(self, name: str) -> Interface:
        """The interface of that name; ``KeyError`` if there is none."""
        for interface in self.interfaces:
            if interface.name == name:
                return interface
        raise KeyError(name)


@dataclass(frozen=True)
class Fabric:
    """A whole network: devices in drawing order (cores first), links, and both sides of every session.

    ``aggregates`` are the ranges that the fabric as a whole answers for: server, pod, load-balancer and other
    ranges. They are what a core sees, and all that servers may announce from.
    """

    name: str
    families: tuple[Family, ...]
    mtu: int
    devices: tuple[Device, ...]
    links: tuple[Link, ...]
    sessions: tuple[Session, ...]
    aggregates: tuple[Prefix, ...]
    servers: tuple[Prefix, ...]
    pods: tuple[Prefix, ...] = ()
    load_balancer: tuple[Prefix, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[DeviceName, Device]:
        """Devices by name."""
        return {device.name: device for device in self.devices}

    def device(self, name: str) -> Device:
        """The device of that name; ``KeyError`` if there is none."""
        return self.by_name[DeviceName(name)]

    @cached_property
    def sessions_by_device(self) -> Mapping[DeviceName, tuple[Session, ...]]:
        """The sessions' sides that each device configures."""
        sessions: defaultdict[DeviceName, list[Session]] = defaultdict(list)
        for session in self.sessions:
            sessions[session.device].append(session)
        return {name: tuple(own) for name, own in sessions.items()}

    def sessions_of(self, device: Device) -> tuple[Session, ...]:
        """The sessions' sides that this device configures."""
        return self.sessions_by_device.get(device.name, ())

    @cached_property
    def links_by_name(self) -> Mapping[LinkName, Link]:
        """Links by name."""
        return {link.name: link for link in self.links}

    @property
    def has_core(self) -> bool:
        """Whether there is a core above the spines."""
        return any(device.role is Role.CORE for device in self.devices)
