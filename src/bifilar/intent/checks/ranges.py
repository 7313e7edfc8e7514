"""Pure module: checks of which address ranges are there, and whether they get in each other's way."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple

from bifilar.errors import Problem
from bifilar.intent.model import Addresses, Intent, LinkStyle
from bifilar.intent.yaml_source import Path, Source

V4, V6 = 4, 6

UNUSABLE = tuple(
    (ip_network(network), why)
    for network, why in (
        ("0.0.0.0/8", "means this host (RFC 1122)"),
        ("127.0.0.0/8", "is loopback"),
        ("169.254.0.0/16", "is link-local"),
        ("224.0.0.0/4", "is multicast"),
        ("240.0.0.0/4", "is reserved (RFC 1112), and BIRD refuses it"),
        ("::/127", "means no address, or loopback"),
        ("::ffff:0:0/96", "stands for IPv4 addresses"),
        ("fe80::/10", "is link-local"),
        ("ff00::/8", "is multicast"),
    )
)
"""Ranges that no fabric can route, and why."""

_RANGES = ("servers", "spine-tor", "super-spine", "core-spine", "pods", "load-balancer")
"""Keys of ``addresses`` that exist once for each family."""


class Range(NamedTuple):
    """One range of the file."""

    path: Path
    network: IPv4Network | IPv6Network

    @property
    def name(self) -> str:
        """As the operator knows it: ``pods``, ``other[0]``."""
        key, *index = self.path[1:]
        return f"`{key}[{index[0]}]`" if index else f"`{key}`"


def twin(key: str, version: int) -> str:
    """The key of a range in one family: ``pods`` or ``pods6``."""
    return key if version == V4 else f"{key}6"


def range_at(addresses: Addresses, key: str) -> IPv4Network | IPv6Network | None:
    """The range of a key as the file writes it, such as ``spine-tor6``."""
    network: IPv4Network | IPv6Network | None = getattr(addresses, key.replace("-", "_"))
    return network


def ranges_of(addresses: Addresses) -> list[Range]:
    """Every range that is given."""
    found = [
        Range(("addresses", key), network)
        for version in (V4, V6)
        for key in (twin(base, version) for base in _RANGES)
        if (network := range_at(addresses, key)) is not None
    ]
    return found + [
        Range(("addresses", "other", index), network) for index, network in enumerate(addresses.other)
    ]


def versions_of(addresses: Addresses) -> list[int]:
    """The IP versions that the fabric speaks."""
    return [version for version in (V4, V6) if range_at(addresses, twin("servers", version)) is not None]


def no_family(intent: Intent, source: Source) -> Iterator[Problem]:
    """No servers' range, so no addresses at all."""
    if not versions_of(intent.addresses):
        what = "`addresses` has neither `servers` nor `servers6`"
        yield source.problem(
            ("addresses",), what, "add `servers: 10.69.0.0/16`, or `servers6: fd00:69::/48`, or both"
        )


def unused_family(intent: Intent, source: Source) -> Iterator[Problem]:
    """Ranges of a family that servers do not have."""
    versions = versions_of(intent.addresses)
    for given in ranges_of(intent.addresses):
        version = given.network.version
        if versions and version not in versions:
            servers = twin("servers", version)
            what = f"{given.name} is IPv{version}, but there is no `{servers}`: servers have no IPv{version} address"
            yield source.problem(given.path, what, f"add `{servers}`, or remove this range")


def missing_ranges(intent: Intent, source: Source) -> Iterator[Problem]:
    """Links that would have no addresses."""
    needed: list[tuple[str, str]] = []
    if intent.links.spine_tor is LinkStyle.NUMBERED:
        needed.append(
            ("spine-tor", "links between spines and ToRs, or write `links: {spine-tor: unnumbered}`")
        )
    if intent.super_spines and intent.zones:
        needed.append(("super-spine", "links between super-spines and spines"))
    if intent.cores:
        needed.append(("core-spine", "links between cores and spines, or write `cores: 0`"))
    for version in versions_of(intent.addresses):
        for base, purpose in needed:
            key = twin(base, version)
            if range_at(intent.addresses, key) is None:
                what = f"`addresses` has no `{key}`, which the IPv{version} links of this fabric need"
                yield source.problem(("addresses",), what, f"add `{key}:` with a range for the {purpose}")


def ranges_of_unnumbered_links(intent: Intent, source: Source) -> Iterator[Problem]:
    """Addresses for links that have none."""
    if intent.links.spine_tor is LinkStyle.UNNUMBERED:
        for key in ("spine-tor", "spine-tor6"):
            if range_at(intent.addresses, key) is not None:
                what = f"`{key}` is given, but `links.spine-tor` is unnumbered: those links have no addresses"
                yield source.problem(
                    ("addresses", key), what, "remove this range, or write `links: {spine-tor: numbered}`"
                )


def unusable_ranges(intent: Intent, source: Source) -> Iterator[Problem]:
    """Loopback, multicast, link-local and the like."""
    for given in ranges_of(intent.addresses):
        for network, why in UNUSABLE:
            if given.network.version == network.version and given.network.overlaps(network):
                what = f"{given.name} {given.network} cannot be routed: {network} {why}"
                example = "10.0.0.0/8" if given.network.version == V4 else "fd00::/8"
                yield source.problem(
                    given.path, what, f"choose a range of your own, or a private one inside {example}"
                )
                break


def overlaps(intent: Intent, source: Source) -> Iterator[Problem]:
    """Two ranges with addresses in common.

    Networks either nest or are apart. So in the order of their first addresses, larger ones first, a stack holds
    the ranges around the current one, and its top is the closest of them.
    """
    around: list[Range] = []
    ordered = sorted(
        ranges_of(intent.addresses),
        key=lambda given: (
            given.network.version,
            int(given.network.network_address),
            given.network.prefixlen,
        ),
    )
    for given in ordered:
        while around and not _overlap(around[-1], given):
            around.pop()
        if around:
            first, second = sorted((around[-1], given), key=lambda each: source.value_at(each.path))
            what = f"{second.name} {second.network} overlaps {first.name} {first.network}"
            outer = around[-1].network
            hint = f"{outer} is all from {outer[0]} to {outer[-1]}; choose ranges that are apart"
            yield source.problem(second.path, what, hint)
        around.append(given)


def _overlap(first: Range, second: Range) -> bool:
    return first.network.version == second.network.version and first.network.overlaps(second.network)


def speaker_without_range(intent: Intent, source: Source) -> Iterator[Problem]:
    """A load balancer that has nothing to announce."""
    addresses = intent.addresses
    if intent.load_balancer.speaker and addresses.load_balancer is None and addresses.load_balancer6 is None:
        what = "a speaker for load-balancer addresses, but `addresses.load-balancer` is not given"
        hint = "add `load-balancer: 10.72.32.0/20` to `addresses`, or write `speaker: false`"
        yield source.problem(("load-balancer", "speaker"), what, hint)
