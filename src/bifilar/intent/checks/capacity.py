"""Pure module: checks that numbers fit into their ranges, with room for growth up to ``limits``."""

from collections.abc import Iterator
from typing import NamedTuple

from bifilar.errors import Problem
from bifilar.intent.checks.ranges import V4, V6, range_at, twin
from bifilar.intent.checks.stages import numbers, rack_sections
from bifilar.intent.model import AsnModel, Intent, LinkStyle
from bifilar.intent.numbering import (
    MAX_RACKS,
    NETWORKS_PER_RACK,
    SERVERS6_LENGTH,
    racks_held,
    racks_limit,
    server_host,
    tops_limit,
)
from bifilar.intent.shape import TORS
from bifilar.intent.yaml_source import Source

_MAX_NETWORK_BITS = 12


def racks_too_small(intent: Intent, source: Source) -> Iterator[Problem]:
    """More servers than a rack's networks have host numbers."""
    bits = intent.addresses.network_bits
    if intent.addresses.servers is None and intent.asn.model is AsnModel.RACK:
        return  # host numbers stand in a /64 and nowhere else
    room = _room(bits)
    for path, rack in rack_sections(intent):
        if rack.servers > room:
            what = f"{rack.servers} servers do not fit: a rack's networks of 2^{bits} addresses have room for {room}"
            enough = next(
                (more for more in range(bits, _MAX_NETWORK_BITS + 1) if _room(more) >= rack.servers), None
            )
            hint = (
                f"write `network-bits: {enough}`; in a running fabric that renumbers every rack, so another rack may be better"
                if enough
                else f"split the rack: the largest has {_room(_MAX_NETWORK_BITS)} servers"
            )
            yield source.problem((*path, "servers"), what, hint)


def _room(bits: int) -> int:
    """Most servers in a network: the last address is the broadcast address."""
    return (1 << bits) - 1 - server_host(1)


def servers_too_small(intent: Intent, source: Source) -> Iterator[Problem]:
    """A rack whose number is beyond the servers' range, or a limit that promises such a one."""
    limit = intent.limits.racks
    highest = _highest_rack(intent)
    for key, racks in racks_held(intent).items():
        room = ("no rack", "rack 0 alone")[racks] if racks < len(TORS) else f"racks 0 to {racks - 1}"
        length = _network_length(intent, key)
        holds = f"`{key}` {range_at(intent.addresses, key)} has room for {room}: a rack takes {NETWORKS_PER_RACK} /{length}s"
        if limit is not None and limit > racks:
            fitting = f", or write `limits: {{racks: {racks}}}`" if racks > highest else ""
            hint = f"give `{key}` a /{length - _bits(limit)}{fitting}"
            yield source.problem(("limits", "racks"), f"`limits.racks` is {limit}, but {holds}", hint)
        elif racks <= highest and (limit is None or highest < limit):
            path, rack = next(
                entry for entry in rack_sections(intent) if entry[1].number + entry[1].count > racks
            )
            lower = ", or use lower rack numbers" if racks else ""
            hint = f"give `{key}` a /{length - _bits(highest + 1)}{lower}"
            yield source.problem((*path, "number"), f"{numbers(rack)}: {holds}", hint)


def _highest_rack(intent: Intent) -> int:
    """The highest rack number that may be one at all; -1 without racks."""
    lasts = (rack.number + rack.count - 1 for _, rack in rack_sections(intent))
    return max((last for last in lasts if last < MAX_RACKS), default=-1)


def _network_length(intent: Intent, key: str) -> int:
    """Prefix length of each of a rack's networks."""
    return 32 - intent.addresses.network_bits if key == "servers" else SERVERS6_LENGTH


def _bits(racks: int) -> int:
    """How many bits number the networks of so many racks."""
    return (NETWORKS_PER_RACK * racks - 1).bit_length()


class _Links(NamedTuple):
    """What a range of links must hold."""

    key: str
    links: int
    product: str
    """How the number of links comes about, in words."""
    smaller: str
    """A limit that would do with the range as it is; empty if none would."""


def spine_tor_too_small(intent: Intent, source: Source) -> Iterator[Problem]:
    """A block for each spine, in it two links for each rack number."""
    if intent.links.spine_tor is LinkStyle.UNNUMBERED:
        return
    spines = max((intent.spines, *(zone.spines for zone in intent.zones)))
    racks = racks_limit(intent)
    highest = _highest_rack(intent)
    for version in (V4, V6):
        key = twin("spine-tor", version)
        if spines and (held := _links_held(intent, key)) is not None:
            fitting = held // (spines * len(TORS))
            links = _Links(
                key,
                spines * racks * len(TORS),
                f"{spines} spines x {racks} racks x {len(TORS)} ToRs",
                f"racks: {fitting}" if fitting > highest else "",
            )
            yield from _too_small(intent, source, links, held)


def super_spine_too_small(intent: Intent, source: Source) -> Iterator[Problem]:
    """A block for each super-spine, in it one for each zone number, in it a link for each spine."""
    limits = intent.limits
    zones = max((zone.number + 1 for zone in intent.zones), default=0)
    spines = max((zone.spines for zone in intent.zones), default=0)
    for version in (V4, V6):
        key = twin("super-spine", version)
        if intent.super_spines and zones and (held := _links_held(intent, key)) is not None:
            smaller = ""
            if held // (intent.super_spines * limits.spines) >= zones:
                smaller = f"zones: {held // (intent.super_spines * limits.spines)}"
            elif held >= intent.super_spines * zones * spines:
                smaller = f"zones: {zones}, spines: {held // (intent.super_spines * zones)}"
            product = f"{intent.super_spines} super-spines x {limits.zones} zones x {limits.spines} spines"
            links = _Links(key, intent.super_spines * limits.zones * limits.spines, product, smaller)
            yield from _too_small(intent, source, links, held)


def core_spine_too_small(intent: Intent, source: Source) -> Iterator[Problem]:
    """A block for each core, in it a link for each spine (super-spine) right below."""
    name, tops = ("super-spines", intent.super_spines) if intent.super_spines else ("spines", intent.spines)
    limit = tops_limit(intent)
    for version in (V4, V6):
        key = twin("core-spine", version)
        if intent.cores and tops and (held := _links_held(intent, key)) is not None:
            fitting = held // intent.cores
            smaller = f"{name}: {fitting}" if fitting >= tops else ""
            links = _Links(key, intent.cores * limit, f"{intent.cores} cores x {limit} {name}", smaller)
            yield from _too_small(intent, source, links, held)


def _links_held(intent: Intent, key: str) -> int | None:
    """How many /31s (/127s) a range has; None if there is no such range."""
    network = range_at(intent.addresses, key)
    return None if network is None else network.num_addresses // 2


def _too_small(intent: Intent, source: Source, links: _Links, held: int) -> Iterator[Problem]:
    network = range_at(intent.addresses, links.key)
    if network is None or links.links <= held:
        return
    what = (
        f"`{links.key}` {network} is too small: it holds {held} link{'s' * (held != 1)} of two addresses, "
        f"and {links.product} are {links.links}"
    )
    enough = f"a /{network.max_prefixlen - (2 * links.links - 1).bit_length()} holds them"
    alternative = f"; or lower what it must hold: `limits: {{{links.smaller}}}`" if links.smaller else ""
    yield source.problem(("addresses", links.key), what, enough + alternative)
