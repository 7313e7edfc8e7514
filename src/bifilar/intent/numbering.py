"""Pure module: which number every network, host, link and AS has.

This file is the promise that growth renumbers nothing: every index below follows from a device's own identity
(its rack's number, its place in the rack) and from the fabric's *limits*, never from how many devices exist.

A rack owns three networks of each family's ``servers`` range, ToR 1's and ToR 2's after the management one::

    index in the range   3r             3r + 1           3r + 2
    holds                management     ToR 1 and NICs   ToR 2 and NICs

and in each of them the same host number belongs to the same machine (Neco's plan)::

    +1  the ToR        +3  the boot server        +4 and on  the servers

A link index counts /31s (/127s) from the start of its range; the upper end of the link is the even address.
"""

from bifilar.intent.model import AsnModel, Intent

NETWORKS_PER_RACK = 3
"""One for management addresses and one for each ToR."""

TOR_OFFSET = 1
"""Host number of a ToR in its own network."""

BOOT_OFFSET = 3
"""Host number of a rack's boot server, in all three networks."""

FIRST_SERVER_OFFSET = 4
"""Host number of a rack's server 1, in all three networks."""

SERVERS6_LENGTH = 64
"""Prefix length of a rack's IPv6 networks."""

MAX_RACKS = 65_536
"""No range makes room for more racks than this, so that indexes stay small."""


def management_network_index(rack: int) -> int:
    """Index, in ``servers``, of the network of a rack's management addresses."""
    return NETWORKS_PER_RACK * rack


def tor_network_index(rack: int, tor: int) -> int:
    """Index, in ``servers``, of the network of ToR 1 or 2."""
    return NETWORKS_PER_RACK * rack + tor


def server_host(server: int) -> int:
    """Host number of server 1, 2, ... of a rack."""
    return FIRST_SERVER_OFFSET + server - 1


def racks_held(intent: Intent) -> dict[str, int]:
    """How many racks each given ``servers`` range has room for, by the range's key; 0 if not even one."""
    held = {}
    addresses = intent.addresses
    if addresses.servers is not None:
        held["servers"] = _racks(32 - addresses.servers.prefixlen - addresses.network_bits)
    if addresses.servers6 is not None:
        held["servers6"] = _racks(SERVERS6_LENGTH - addresses.servers6.prefixlen)
    return held


def _racks(network_number_bits: int) -> int:
    return min((1 << max(network_number_bits, 0)) // NETWORKS_PER_RACK, MAX_RACKS)


def racks_limit(intent: Intent) -> int:
    """Rack numbers are below this: ``limits.racks``, or as many racks as ``servers`` (else ``servers6``) holds."""
    if intent.limits.racks is not None:
        return intent.limits.racks
    return next(iter(racks_held(intent).values()), 0)


def tops_limit(intent: Intent) -> int:
    """Most devices that may stand right below the cores: super-spines in five stages, else spines."""
    return intent.limits.super_spines if intent.super_spines else intent.limits.spines


def spine_tor_index(intent: Intent, spine: int, rack: int, tor: int) -> int:
    """Index of the link between a spine (1, 2, ... inside its zone, if any) and ToR 1 or 2 of a rack."""
    return (spine - 1) * 2 * racks_limit(intent) + 2 * rack + (tor - 1)


def super_spine_index(intent: Intent, super_spine: int, zone: int, spine: int) -> int:
    """Index of the link between super-spine 1, 2, ... and spine 1, 2, ... of a zone."""
    return ((super_spine - 1) * intent.limits.zones + zone) * intent.limits.spines + (spine - 1)


def core_spine_index(intent: Intent, core: int, top: int) -> int:
    """Index of the link between core 1, 2, ... and the spine or super-spine 1, 2, ... right below it."""
    return (core - 1) * tops_limit(intent) + (top - 1)


def rack_asn(intent: Intent, rack: int) -> int:
    """AS number of a rack: of its ToRs and, in model ``rack``, its servers."""
    return intent.asn.base + rack


def zone_asn(intent: Intent, zone: int) -> int:
    """AS number of a zone's spines."""
    return intent.asn.zone_base + zone


def host_asn(intent: Intent, rack: int, host: int) -> int:
    """AS number of the server or boot server with that host number."""
    if intent.asn.model is AsnModel.RACK:
        return rack_asn(intent, rack)
    return intent.asn.server_base + (rack << intent.addresses.network_bits) + host
