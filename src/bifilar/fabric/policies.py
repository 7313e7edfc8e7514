"""Pure module: what each session of a fabric accepts, does to NEXT_HOP and announces.

The rules, by the pair of roles that a session joins:

========================  =====================================  ==========================================
session                   accepts                                announces
========================  =====================================  ==========================================
server -> ToR             everything; the article's rule         its management address, pod blocks, VIPs
ToR -> server             addresses that a server may own        everything it knows (it reflects)
ToR -> spine              everything                             what comes from its rack
spine -> ToR              addresses of the fabric                everything it knows
spine -> super-spine      everything                             what comes from its racks
super-spine -> spine      addresses of the fabric                everything it knows
highest spine -> core     a default route                        the fabric's aggregates
core -> highest spine     the fabric's aggregates                a default route
========================  =====================================  ==========================================

*What comes from above is never announced upwards*: that alone keeps a rack from carrying traffic between
spines (a valley), even where a wrong AS number has disarmed the loop check of the AS path.
"""

from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network

from bifilar.fabric.addressing import AddressPlan
from bifilar.fabric.model import (
    AnnouncedNextHop,
    Channel,
    Family,
    Prefix,
    PrefixRange,
    ReceivedNextHop,
    Source,
)
from bifilar.intent.model import AsnModel, LinkStyle

_OWN = frozenset({Source.MANAGEMENT, Source.PODS, Source.VIPS})
_DOWN = frozenset({Source.BELOW, Source.ABOVE})
_UP = frozenset({Source.BELOW})


def within(network: Prefix) -> PrefixRange:
    """Everything inside a range, down to single addresses."""
    return PrefixRange(network, network.prefixlen, network.max_prefixlen)


@dataclass(frozen=True)
class Policies:
    """Channels for every kind of session of one fabric; sessions of a kind share the values."""

    plan: AddressPlan

    def _channel(  # the defaults are what most sessions do
        self,
        family: Family,
        *,
        announce: frozenset[Source],
        accept: tuple[PrefixRange, ...] | None = None,
        received: ReceivedNextHop = ReceivedNextHop.KEEP,
        announced: AnnouncedNextHop = AnnouncedNextHop.KEEP,
        over_v6: bool = False,
    ) -> Channel:
        shared = self.plan.rack_network_length(family)
        accept = None if accept is None else tuple(r for r in accept if r.network.version == family)
        return Channel(family, accept, received, shared, announce, announced, over_v6)

    @cached_property
    def _from_servers(self) -> tuple[PrefixRange, ...]:
        """A single address of the server range, or anything inside the other ranges."""
        servers = self.plan.ranges("servers")
        return tuple(
            PrefixRange(network, network.max_prefixlen, network.max_prefixlen)
            if network in servers
            else within(network)
            for network in self.plan.aggregates
        )

    @cached_property
    def _aggregates(self) -> tuple[PrefixRange, ...]:
        return tuple(
            PrefixRange(network, network.prefixlen, network.prefixlen) for network in self.plan.aggregates
        )

    @cached_property
    def _default(self) -> tuple[PrefixRange, ...]:
        return tuple(PrefixRange(default_route(family), 0, 0) for family in self.plan.families)

    def _rewriting(self) -> ReceivedNextHop:
        # With an AS per server every session is eBGP, and BGP itself keeps a next hop on the shared network
        # and sets any other to the sender: the article's rule without a filter.
        if self.plan.intent.asn.model is AsnModel.RACK:
            return ReceivedNextHop.SENDER_UNLESS_SHARED
        return ReceivedNextHop.KEEP

    @cached_property
    def _speaker_next_hop(self) -> AnnouncedNextHop:
        # A route from the speaker has next hop 127.0.0.1, which no ToR can reach.
        if self.plan.intent.load_balancer.speaker:
            return AnnouncedNextHop.SELF_FOR_EBGP
        return AnnouncedNextHop.KEEP

    def server_to_tor(self, family: Family) -> Channel:
        """A server's side of its session with a ToR."""
        return self._channel(
            family, announce=_OWN, received=self._rewriting(), announced=self._speaker_next_hop
        )

    def tor_to_server(self, family: Family) -> Channel:
        """A ToR's side: it reflects between servers and hands on what spines say.

        With unnumbered spine links a route from a spine has a link-local next hop that means nothing to a
        server, so the ToR puts itself there; routes of its own rack keep theirs.
        """
        unnumbered = self.plan.intent.links.spine_tor is LinkStyle.UNNUMBERED
        announced = AnnouncedNextHop.SELF_FOR_EBGP if unnumbered else AnnouncedNextHop.KEEP
        if self.plan.intent.asn.model is AsnModel.SERVER:
            announced = AnnouncedNextHop.KEEP
        return self._channel(family, announce=_DOWN, accept=self._from_servers, announced=announced)

    @cached_property
    def _spine_tor_over_v6(self) -> bool:
        return self.plan.intent.links.spine_tor is LinkStyle.UNNUMBERED

    def tor_to_spine(self, family: Family) -> Channel:
        """A ToR's side towards a spine."""
        over_v6 = self._spine_tor_over_v6 and family is Family.V4
        return self._channel(family, announce=_UP, announced=AnnouncedNextHop.SELF, over_v6=over_v6)

    def spine_to_tor(self, family: Family) -> Channel:
        """A spine's side towards a ToR."""
        over_v6 = self._spine_tor_over_v6 and family is Family.V4
        return self._channel(
            family,
            announce=_DOWN,
            accept=self._from_servers,
            announced=AnnouncedNextHop.SELF,
            over_v6=over_v6,
        )

    def spine_to_super_spine(self, family: Family) -> Channel:
        """A zone's spine's side towards a super-spine."""
        return self._channel(family, announce=_UP, announced=AnnouncedNextHop.SELF)

    def super_spine_to_spine(self, family: Family) -> Channel:
        """A super-spine's side towards a zone's spine."""
        return self._channel(
            family, announce=_DOWN, accept=self._from_servers, announced=AnnouncedNextHop.SELF
        )

    def top_to_core(self, family: Family) -> Channel:
        """The highest spine's side towards a core: Neco's outer table."""
        return self._channel(
            family,
            announce=frozenset({Source.AGGREGATES}),
            accept=self._default,
            announced=AnnouncedNextHop.SELF,
        )

    def core_to_top(self, family: Family) -> Channel:
        """A core's side."""
        return self._channel(
            family,
            announce=frozenset({Source.DEFAULT}),
            accept=self._aggregates,
            announced=AnnouncedNextHop.SELF,
        )

    @cached_property
    def speaker(self) -> tuple[PrefixRange, ...]:
        """What a separate load-balancer speaker may announce: load-balancer and other ranges, IPv4 and IPv6."""
        own = (*self.plan.ranges("servers"), *self.plan.ranges("pods"))
        return tuple(within(network) for network in self.plan.aggregates if network not in own)


def default_route(family: Family) -> Prefix:
    """``0.0.0.0/0`` or ``::/0``."""
    return ip_network("0.0.0.0/0" if family is Family.V4 else "::/0")
