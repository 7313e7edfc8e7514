"""Pure module: what the BIRD templates see of a device.

A template should read like the configuration that it makes. So what takes thought is decided here: which
sessions share a template, and how a policy's values are said in BIRD's filter language.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from bifilar.fabric.model import (
    Address,
    AnnouncedNextHop,
    Channel,
    Device,
    Fabric,
    Family,
    Prefix,
    PrefixRange,
    ReceivedNextHop,
    Role,
    Session,
    Source,
)
from bifilar.fabric.policies import default_route, within

_NEXT_HOP_SELF = {
    AnnouncedNextHop.KEEP: "",
    AnnouncedNextHop.SELF: " on",
    AnnouncedNextHop.SELF_FOR_EBGP: " ebgp",
}
_V6_SUFFIX = "_v6"


@dataclass(frozen=True, slots=True)
class FamilyView:
    """One address family of a device."""

    version: int
    default: Prefix
    aggregates: tuple[Prefix, ...]
    management: Address | None
    pod_ranges: tuple[PrefixRange, ...]
    vip_ranges: tuple[PrefixRange, ...]

    @property
    def channel(self) -> str:
        """BIRD's name of the family."""
        return f"ipv{self.version}"


@dataclass(frozen=True, slots=True)
class ChannelView:
    """One channel's policy, in BIRD's words. ``announce`` is a condition, ``next_hop_self`` the option's value."""

    version: int
    accept: tuple[PrefixRange, ...] | None
    announce: str
    next_hop_self: str
    next_hop_over_v6: bool
    rewrites: bool
    shared_length: int

    @property
    def channel(self) -> str:
        """BIRD's name of the family."""
        return f"ipv{self.version}"


@dataclass(frozen=True, slots=True)
class SessionView:
    """One protocol of a server, with all of its own."""

    name: str
    peer: str
    local_address: Address
    remote_address: Address
    local_as: int
    remote_as: int
    channels: tuple[ChannelView, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Sessions of a switch that differ only in the neighbour. ``outer``: they use the outer table."""

    name: str
    comment: str
    sessions: tuple[Session, ...]
    channels: tuple[ChannelView, ...]
    passive: bool
    reflector_client: bool
    outer: bool


class Views:
    """Makes the views of one fabric's devices; views of equal policies are shared."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._channels: dict[tuple[Channel, tuple[str, ...], tuple[str, ...]], ChannelView] = {}
        self._ranges = {family: self._ranges_of(family) for family in fabric.families}

    def _ranges_of(
        self, family: Family
    ) -> tuple[tuple[Prefix, ...], tuple[PrefixRange, ...], tuple[PrefixRange, ...]]:
        """Aggregates, what may come from the pod table, and what from the VIP table."""
        fabric = self._fabric
        aggregates = tuple(network for network in fabric.aggregates if network.version == family)
        special = {*fabric.servers, *fabric.pods, *fabric.load_balancer}
        other = [network for network in aggregates if network not in special]
        pods = [network for network in fabric.pods if network.version == family]
        vips = [network for network in fabric.load_balancer if network.version == family]
        return aggregates, tuple(map(within, pods + other)), tuple(map(within, vips + other))

    def families(self, device: Device) -> tuple[FamilyView, ...]:
        """The device's families, IPv4 first."""
        views = []
        for family in self._fabric.families:
            aggregates, pods, vips = self._ranges[family]
            management = next((address for address in device.management if address.version == family), None)
            views.append(FamilyView(family, default_route(family), aggregates, management, pods, vips))
        return tuple(views)

    def sessions(self, device: Device) -> tuple[SessionView, ...]:
        """A server's sessions, each whole."""
        return tuple(
            SessionView(
                session.name,
                session.peer,
                session.local_address,
                session.remote_address,
                session.local_as,
                session.remote_as,
                tuple(self._channel(channel, (), ()) for channel in session.channels),
            )
            for session in self._fabric.sessions_of(device)
        )

    def groups(self, device: Device) -> tuple[Group, ...]:
        """A switch's sessions, those with like policies together, upward ones first."""
        sessions = sorted(self._fabric.sessions_of(device), key=lambda s: (not s.upward, _kind(s)))
        above = _patterns(s for s in sessions if s.upward)
        below = _patterns(s for s in sessions if not s.upward)
        return tuple(
            self._group(device, kind, list(members), above, below)
            for kind, members in groupby(sessions, key=_kind)
        )

    def _group(
        self,
        device: Device,
        kind: str,
        sessions: Sequence[Session],
        above: tuple[str, ...],
        below: tuple[str, ...],
    ) -> Group:
        first = sessions[0]
        role = self._fabric.by_name[first.peer].role
        peers = {Role.BOOT: "boot servers", Role.TOR: "ToRs"}.get(role, f"{role}s")
        families = " and ".join(f"IPv{channel.family}" for channel in first.channels)
        return Group(
            kind,
            f"To the {peers}, {families}.",
            tuple(sessions),
            tuple(self._channel(channel, above, below) for channel in first.channels),
            first.passive,
            first.route_reflector_client,
            outer=role is Role.CORE and device.role is not Role.CORE,
        )

    def _channel(self, channel: Channel, above: tuple[str, ...], below: tuple[str, ...]) -> ChannelView:
        key = (channel, above, below)
        if key not in self._channels:
            self._channels[key] = ChannelView(
                channel.family,
                channel.accept,
                announce_condition(channel, above, below),
                _NEXT_HOP_SELF[channel.announced_next_hop],
                channel.next_hop_over_v6,
                channel.received_next_hop is ReceivedNextHop.SENDER_UNLESS_SHARED,
                channel.shared_length,
            )
        return self._channels[key]


def announce_condition(channel: Channel, above: Iterable[str], below: Iterable[str]) -> str:
    """A BIRD expression that is true of the routes that a channel announces.

    ``above`` and ``below`` are patterns of the names of the device's sessions.
    """
    version = int(channel.family)
    terms: Mapping[Source, tuple[str, ...]] = {
        Source.MANAGEMENT: ("source = RTS_DEVICE",),
        Source.PODS: (f'proto = "coil{version}"',),
        Source.VIPS: (f'proto = "vip{version}"', 'proto = "lb"'),
        Source.BELOW: tuple(f'proto ~ "{pattern}"' for pattern in below),
        Source.ABOVE: tuple(f'proto ~ "{pattern}"' for pattern in above),
        Source.AGGREGATES: (f'proto = "aggregates{version}"',),
        Source.DEFAULT: (f'proto = "default{version}"',),
    }
    said = [term for source in Source if source in channel.announce for term in terms[source]]
    return " || ".join(said) or "false"


def _kind(session: Session) -> str:
    """``server`` for ``server12``, ``rack_v6`` for ``rack3_tor1_v6``: sessions of a kind share a template."""
    letters = session.name[: next(i for i, letter in enumerate(session.name) if letter.isdigit())]
    return letters + (_V6_SUFFIX if session.name.endswith(_V6_SUFFIX) else "")


def _patterns(sessions: Iterable[Session]) -> tuple[str, ...]:
    """Patterns that match the sessions' names and no other protocol's."""
    return tuple(sorted({f"{_kind(session).removesuffix(_V6_SUFFIX)}*" for session in sessions}))
