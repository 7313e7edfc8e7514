"""Edge: full-size packets over every path, and how flows spread over equal paths.

Every flow is one datagram of the whole MTU that must not be fragmented. Ports differ between flows, so ECMP
decides anew for each. The links' counters before and after say which way they went.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bifilar.fabric.model import Device, DeviceName, Fabric, InterfaceName, Link, Role
from bifilar.verify.report import Check, Status, judged
from bifilar.verify.traffic.pairs import Pairs, server_pairs
from bifilar.verify.traffic.stations import Flow, Namespaces, Stations

PORTS = 8
"""Sockets a server has: 64 combinations of ports for each pair of servers."""
FLOWS = 40_000
"""About so many flows in all, at least one for every pair."""
SIGMAS = 5
"""An even choice strays further than that once in millions of groups."""
SLACK = 0.05
"""Share by which hashing itself may be uneven, beside chance."""

Counters = Mapping[DeviceName, Mapping[InterfaceName, int]]
"""Packets sent, by device and interface."""


@dataclass(frozen=True, slots=True)
class Group:
    """Equal paths of a device: the links over which it can reach one set of places."""

    device: DeviceName
    towards: str
    interfaces: tuple[InterfaceName, ...]


def check_paths(
    fabric: Fabric,
    namespaces: Namespaces,
    count: Callable[[], Counters],
    progress: Callable[[int, int], None],
) -> tuple[Check, Check]:
    """Checks ``full-size`` (MTU, DF set) and ``ecmp-spread``.

    ``count`` reads how many packets every interface of the fabric has sent.
    """
    flows = list(_flows(server_pairs(fabric)))
    servers = [device.name for device in fabric.devices if device.role.is_server]
    before = count()
    with Stations(namespaces, servers, fabric.families, ports=PORTS, mtu=fabric.mtu) as opened:
        arrived = opened.exchange(flows, progress=lambda done: progress(done, len(flows)))
    sent = _difference(before, count())
    return _full_size(fabric, flows, arrived.keys(), sent), _spread(fabric, sent)


def _flows(pairs: Pairs) -> Iterator[Flow]:
    combinations = list(itertools.product(range(PORTS), range(PORTS)))
    addresses = max(sum(len(other.management) for _, other in pairs.pairs), 1)
    each = min(max(FLOWS // addresses, 1), len(combinations))
    for index, (one, other) in enumerate(pairs.pairs):
        for address in other.management:
            for offset in range(each):
                # Start elsewhere for each pair, so that few flows a pair still use all ports.
                source, destination = combinations[(index * 13 + offset) % len(combinations)]
                yield Flow(one.name, other.name, address, source, destination)


def _difference(before: Counters, after: Counters) -> Counters:
    return {
        device: {name: packets - before[device].get(name, 0) for name, packets in counters.items()}
        for device, counters in after.items()
    }


def _full_size(fabric: Fabric, flows: Sequence[Flow], arrived: Collection[int], sent: Counters) -> Check:
    lost = Counter((flow.source, flow.address) for index, flow in enumerate(flows) if index not in arrived)
    faults = [
        f"{count} packets of {fabric.mtu} bytes from {source} to {address} did not arrive"
        for (source, address), count in lost.items()
    ]
    ways = [(end.device, end.interface) for link in _used_links(fabric) for end in (link.a, link.b)]
    crossed = sum(sent[device][interface] > 0 for device, interface in ways)
    faults += (
        f"{device}: no packet crossed {interface}"
        for device, interface in ways
        if sent[device][interface] == 0
    )
    return judged(
        "full-size",
        f"{len(flows)} packets of {fabric.mtu} bytes with DF set, over {len(ways)} directions of links",
        f"{len(arrived)} arrived, over {crossed} directions",
        faults,
    )


def _used_links(fabric: Fabric) -> Iterator[Link]:
    """Links on the way between some two servers: a single rack's traffic climbs no higher than its ToRs."""
    servers = [device for device in fabric.devices if device.role.is_server]
    racks = {server.rack for server in servers}
    zones = {server.zone for server in servers}
    needed = {Role.TOR: len(servers), Role.SPINE: len(racks), Role.SUPER_SPINE: len(zones), Role.CORE: 0}
    for link in fabric.links:
        if needed[fabric.by_name[link.a.device].role] > 1:
            yield link


def _spread(fabric: Fabric, sent: Counters) -> Check:
    faults, widest, judged_groups = [], 0.0, 0
    tiers: set[str] = set()
    for group in groups(fabric):
        packets = [sent[group.device][interface] for interface in group.interfaces]
        total, share = sum(packets), 1 / len(packets)
        if total < _ENOUGH * len(packets):
            continue
        judged_groups += 1
        tiers.add(str(fabric.by_name[group.device].role))
        bound = SLACK + SIGMAS * math.sqrt(share * (1 - share) / total)
        off = max(abs(count / total - share) for count in packets)
        widest = max(widest, off)
        if off > bound:
            shares = ", ".join(
                f"{interface} {count}" for interface, count in zip(group.interfaces, packets, strict=True)
            )
            faults.append(
                f"{group.device} towards {group.towards}: {shares} (an even share +- {bound:.0%} expected)"
            )
    expected = f"every equal path within {SLACK:.0%} + {SIGMAS} sigma of its even share, at {', '.join(sorted(tiers)) or 'no tier'}"
    if not judged_groups:
        return Check("ecmp-spread", Status.SKIP, expected, "no group of equal paths carried enough flows")
    return judged(
        "ecmp-spread", expected, f"{judged_groups} groups of equal paths, at most {widest:.1%} off", faults
    )


_ENOUGH = 20
"""Packets for each path below which a group says nothing."""


def groups(fabric: Fabric) -> Iterator[Group]:
    """Every set of equal paths: upwards all links of a device, downwards those to one rack or zone."""
    by_place: dict[tuple[DeviceName, str], list[InterfaceName]] = {}
    for link in fabric.links:
        upper, lower = fabric.by_name[link.a.device], fabric.by_name[link.b.device]
        if upper.role is Role.CORE:
            continue
        by_place.setdefault((lower.name, "above"), []).append(link.b.interface)
        if not lower.role.is_server:
            by_place.setdefault((upper.name, _place(lower)), []).append(link.a.interface)
    for (device, towards), interfaces in by_place.items():
        if len(interfaces) > 1:
            yield Group(device, towards, tuple(interfaces))


def _place(device: Device) -> str:
    return f"rack {device.rack}" if device.role is Role.TOR else f"zone {device.zone}"
