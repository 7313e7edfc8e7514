"""Value module: what a daemon says of itself, its protocols and its BFD sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

Moment = datetime | date | time | str
"""A time as BIRD prints it: complete, only a date (long ago), only a time of day (within the last 20 hours), or
the text itself where the operator chose another ``timeformat``. In the time zone of the daemon."""


@dataclass(frozen=True, slots=True)
class Status:
    """Answer to ``show status``.

    Attributes:
        version: such as ``2.0.12``.
        state: BIRD's words: ``Daemon is up and running``, ``Reconfiguration in progress``, ...
        notes: anything else, such as the state of a graceful restart.
    """

    version: str
    router_id: IPv4Address | None
    hostname: str
    server_time: Moment
    last_reboot: Moment
    last_reconfiguration: Moment
    state: str
    notes: tuple[str, ...] = ()

    @property
    def is_reconfiguring(self) -> bool:
        """Whether a new configuration is being put into effect."""
        return self.state.startswith("Reconfiguration")


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Bytes of one purpose, as exact as BIRD prints them: four digits."""

    purpose: str
    effective: int
    overhead: int

    @property
    def together(self) -> int:
        """Bytes, overhead included."""
        return self.effective + self.overhead


@dataclass(frozen=True, slots=True)
class Memory:
    """Answer to ``show memory``: what BIRD counts itself, which is less than the kernel's resident set."""

    total: MemoryUse
    uses: tuple[MemoryUse, ...]


@dataclass(frozen=True, slots=True)
class RouteCounts:
    """Routes of one channel.

    ``filtered`` and ``preferred`` are 0 where BIRD leaves them out: filtered routes are counted only with
    ``import keep filtered``.
    """

    imported: int = 0
    filtered: int = 0
    exported: int = 0
    preferred: int = 0


@dataclass(frozen=True, slots=True)
class RouteChanges:
    """One row of a channel's change statistics. ``None`` for what doesn't apply (``---``)."""

    received: int | None = None
    rejected: int | None = None
    filtered: int | None = None
    ignored: int | None = None
    accepted: int | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """A protocol's connection to one table.

    Attributes:
        name: ``ipv4``, ``ipv6``, ... (a pipe's only one is ``main``).
        state: ``UP``, ``DOWN``, ``START``, ``FLUSHING``; a pipe's channel has none.
        next_hop: addresses that this side announces as next hop; empty unless it is an established BGP session.
        changes: by row: ``Import updates``, ``Import withdraws``, ``Export updates``, ``Export withdraws``.
        fields: every line ``name: value`` of the channel as it was printed.
    """

    name: str
    state: str
    table: str
    preference: int | None
    input_filter: str
    output_filter: str
    routes: RouteCounts
    next_hop: tuple[Address, ...] = ()
    changes: Mapping[str, RouteChanges] = field(default_factory=dict, hash=False)
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class BgpDetails:
    """One BGP session.

    Attributes:
        state: ``Established``, ``Active``, ``Passive``, ``Idle``, ``Down``, ...
        neighbour_address: ``None`` for a protocol that waits for a range of neighbours.
        neighbour_range: that range, else ``None``.
        interface: of a link-local neighbour, else empty.
        neighbour_as: 0 if it isn't configured (``internal``, ``external``).
        session: BIRD's words on an established session, such as ``internal route-reflector AS4``.
        hold_s, keepalive_s: negotiated times in seconds; ``None`` unless established.
        last_error: empty if there was none.
    """

    state: str
    neighbour_address: Address | None
    neighbour_range: IPv4Network | IPv6Network | None
    interface: str
    neighbour_as: int
    local_as: int
    neighbour_id: IPv4Address | None
    session: str
    source_address: Address | None
    hold_s: float | None
    keepalive_s: float | None
    last_error: str

    @property
    def is_established(self) -> bool:
        """Whether routes are exchanged."""
        return self.state == "Established"

    @property
    def is_internal(self) -> bool:
        """Whether it is an iBGP session; known once it is established."""
        return "internal" in self.session.split()

    @property
    def is_route_reflector(self) -> bool:
        """Whether this side reflects to the neighbour (it is a client); known once it is established."""
        return "route-reflector" in self.session.split()


@dataclass(frozen=True, slots=True)
class Protocol:
    """One row of ``show protocols``, with what ``all`` adds.

    Attributes:
        proto: kind: ``BGP``, ``Kernel``, ``Direct``, ...
        table: ``---`` for more than one.
        state: ``up``, ``start``, ``stop``, ``down``.
        info: the protocol's own words, such as ``Established`` or ``Active        Socket: Connection refused``.
        description: the operator's words.
        channels: only with ``all``.
        bgp: of a BGP session, only with ``all``.
    """

    name: str
    proto: str
    table: str
    state: str
    since: Moment
    info: str
    description: str = ""
    channels: tuple[Channel, ...] = ()
    bgp: BgpDetails | None = None

    @property
    def is_up(self) -> bool:
        """Whether it is fully up: of a BGP session, established."""
        return self.state == "up"

    def channel(self, name: str) -> Channel | None:
        """The channel of that name, if it has one."""
        return next((channel for channel in self.channels if channel.name == name), None)


@dataclass(frozen=True, slots=True)
class BfdSession:
    """One row of ``show bfd sessions``.

    Attributes:
        protocol: name of the BFD protocol.
        interface: empty for a multihop session.
        state: ``Up``, ``Down``, ``Init``, ``AdminDown``.
        interval_s: between packets that this side sends, in seconds.
        timeout_s: after which the session is down, in seconds; 0 while there is no session.
    """

    protocol: str
    address: Address
    interface: str
    state: str
    since: Moment
    interval_s: float
    timeout_s: float

    @property
    def is_up(self) -> bool:
        """Whether both sides hear each other."""
        return self.state == "Up"
