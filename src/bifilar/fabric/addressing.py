"""Pure module: where every address of a fabric comes from.

Every address follows from the *identity* of what it belongs to (a rack's number, a spine's number, a server's
place in its rack) and never from how many others there are. So adding or removing a rack, a server or a spine
renumbers nothing else; ``limits`` of the intent fix the strides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import cast

from bifilar.fabric.model import Address, Family, InterfaceAddress, Prefix
from bifilar.intent import numbering
from bifilar.intent.model import Addresses, Intent, LinkStyle

_ADDRESS: dict[Family, type[Address]] = {Family.V4: IPv4Address, Family.V6: IPv6Address}
_INTERFACE: dict[Family, type[InterfaceAddress]] = {Family.V4: IPv4Interface, Family.V6: IPv6Interface}
_LINK_LOCAL = int(IPv6Address("fe80::"))

AddressPairs = tuple[tuple[InterfaceAddress, InterfaceAddress], ...]
"""The two ends of a link, the higher device's first; one pair of each family."""


def families_of(addresses: Addresses) -> tuple[Family, ...]:
    """The families that a fabric with these ranges speaks."""
    return tuple(
        family
        for family, servers in ((Family.V4, addresses.servers), (Family.V6, addresses.servers6))
        if servers is not None
    )


def range_of(addresses: Addresses, field: str, family: Family) -> Prefix | None:
    """The range of a field in one family: ``("pods", V6)`` reads ``pods6``."""
    return cast("Prefix | None", getattr(addresses, field if family is Family.V4 else f"{field}6"))


@dataclass(frozen=True)
class AddressPlan:
    """Computes addresses of one intent; the intent has been checked, so every range is large enough."""

    intent: Intent

    @cached_property
    def families(self) -> tuple[Family, ...]:
        """The families in use, IPv4 first."""
        return families_of(self.intent.addresses)

    def rack_network_length(self, family: Family) -> int:
        """Prefix length of a rack's networks."""
        if family is Family.V4:
            return family.host_length - self.intent.addresses.network_bits
        return numbering.SERVERS6_LENGTH

    @cached_property
    def _rack_ranges(self) -> tuple[tuple[Family, int, int], ...]:
        """Of each family: first address of the server range, and the length of a rack's networks."""
        return tuple(
            (
                family,
                int(cast("Prefix", range_of(self.intent.addresses, "servers", family)).network_address),
                self.rack_network_length(family),
            )
            for family in self.families
        )

    def _in_rack(self, rack: int, network: int, host: int) -> Iterator[tuple[Family, int, int]]:
        for family, base, length in self._rack_ranges:
            size = 1 << (family.host_length - length)
            yield family, base + (numbering.NETWORKS_PER_RACK * rack + network) * size + host, length

    def management(self, rack: int, host: int) -> tuple[Address, ...]:
        """Management address of a host in its rack's network 0, one of each family."""
        return tuple(_ADDRESS[family](value) for family, value, _ in self._in_rack(rack, 0, host))

    def rack_port(self, rack: int, tor: int, host: int) -> tuple[InterfaceAddress, ...]:
        """Address of a host (or of the ToR itself) in the layer-2 network of ToR 1 or 2, one of each family."""
        return tuple(
            _INTERFACE[family]((value, length)) for family, value, length in self._in_rack(rack, tor, host)
        )

    def spine_tor(self, spine: int, rack: int, tor: int) -> AddressPairs:
        """The link between a spine and a ToR: pairs (spine's end, ToR's end).

        One pair of each family when numbered, one pair of link-local addresses when unnumbered.
        """
        index = numbering.spine_tor_index(self.intent, spine, rack, tor)
        if self.intent.links.spine_tor is LinkStyle.UNNUMBERED:
            first = _LINK_LOCAL + 2 * (index + 1)
            return ((IPv6Interface((first, 64)), IPv6Interface((first + 1, 64))),)
        return self._pairs("spine_tor", index)

    def super_spine(self, super_spine: int, zone: int, spine: int) -> AddressPairs:
        """The link between a super-spine and a zone's spine: pairs (super-spine's end, spine's end)."""
        return self._pairs("super_spine", numbering.super_spine_index(self.intent, super_spine, zone, spine))

    def core_spine(self, core: int, top: int) -> AddressPairs:
        """The link between a core and a spine of the highest tier: pairs (core's end, spine's end)."""
        return self._pairs("core_spine", numbering.core_spine_index(self.intent, core, top))

    def _pairs(self, field: str, index: int) -> AddressPairs:
        """Addresses of a point-to-point link: a /31 (RFC 3021) or /127 (RFC 6164), even end first."""
        pairs = []
        for family in self.families:
            network = cast("Prefix", range_of(self.intent.addresses, field, family))
            first = int(network.network_address) + 2 * index
            interface, length = _INTERFACE[family], family.host_length - 1
            pairs.append((interface((first, length)), interface((first + 1, length))))
        return tuple(pairs)

    def ranges(self, field: str) -> tuple[Prefix, ...]:
        """The ranges of one field, one of each family that has it."""
        found = (range_of(self.intent.addresses, field, family) for family in self.families)
        return tuple(network for network in found if network is not None)

    @cached_property
    def aggregates(self) -> tuple[Prefix, ...]:
        """All that the fabric answers for: server, pod, load-balancer and other ranges."""
        other = tuple(
            network for network in self.intent.addresses.other if Family(network.version) in self.families
        )
        return (*self.ranges("servers"), *self.ranges("pods"), *self.ranges("load_balancer"), *other)
