"""Edge: ICMP redirects inside a rack, captured on the wire.

A Linux router sends a redirect only for a packet whose source is directly connected to it. A server's own
traffic comes from its management address, which is behind a gateway, and would provoke none even from a router
that deserves to send one. So the probes come from NIC addresses, and the capture stands on the NIC.
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from bifilar.fabric.model import Address, Device, DeviceName, Fabric, Family, Interface, InterfaceKind
from bifilar.verify.report import Check, Status, judged
from bifilar.verify.traffic.stations import FIRST_PORT, SOCKET_FAMILY, Namespaces

PROBES = 8
"""Probes from each NIC: Linux sends the first redirects at once and then ever fewer."""
_LISTEN_S = 0.3
_ETH_P = {Family.V4: 0x0800, Family.V6: 0x86DD}
_PROTOCOL_ICMP, _ICMP_REDIRECT = 1, 5
_PROTOCOL_ICMPV6, _ND_REDIRECT = 58, 137
_IPV4_HEADER_BYTES, _IPV6_HEADER_BYTES = 20, 40


@dataclass(frozen=True, slots=True)
class Probe:
    """Packets of a server's NIC address to the management address of a neighbour in the rack."""

    server: DeviceName
    nic: Interface
    source: Address
    neighbour: DeviceName
    destination: Address


def check_redirects(fabric: Fabric, namespaces: Namespaces, progress: Callable[[int, int], None]) -> Check:
    """Check ``icmp-redirects``: no router tells a server of a better way inside its rack."""
    probes = list(_probes(fabric))
    expected = "no ICMP redirect for packets between neighbours in a rack, sent from NIC addresses"
    if not probes:
        return Check("icmp-redirects", Status.SKIP, expected, "no rack has two servers")
    faults: list[str] = []
    delivered = 0
    with ExitStack() as stack:
        captures: dict[Probe, socket.socket] = {}
        receivers: dict[tuple[DeviceName, int], socket.socket] = {}
        for probe in probes:
            captures[probe] = stack.enter_context(namespaces.run_in(probe.server, partial(_capture, probe)))
            place = probe.neighbour, probe.source.version
            if place not in receivers:
                receivers[place] = stack.enter_context(
                    namespaces.run_in(probe.neighbour, partial(_receiver, Family(probe.source.version)))
                )
        for done, probe in enumerate(probes):
            namespaces.run_in(probe.server, partial(_send, probe))
            progress(done + 1, len(probes))
        # A redirect is an event that must not come: nothing to poll for, so listen for a while.
        time.sleep(_LISTEN_S)
        for probe in probes:
            seen = set(_redirects(captures[probe]))
            faults += (
                f"{router} redirects {probe.server} ({probe.source} on {probe.nic.name}) for {probe.destination}"
                for router in sorted(seen, key=str)
            )
        sources = {source for receiver in receivers.values() for source in _sources(receiver)}
        for probe in probes:
            if probe.source in sources:
                delivered += 1
            else:
                faults.append(
                    f"{probe.server}: packets from {probe.source} did not reach {probe.destination}"
                )
    return judged(
        "icmp-redirects",
        expected,
        f"{delivered} of {len(probes)} NICs probed {PROBES} times each, {len(faults)} faults",
        faults,
    )


def _probes(fabric: Fabric) -> Iterator[Probe]:
    """One server of each rack probes its neighbour, from each NIC and in each family."""
    racks: dict[int | None, list[Device]] = {}
    for device in fabric.devices:
        if device.role.is_server:
            racks.setdefault(device.rack, []).append(device)
    for members in racks.values():
        if len(members) < 2:  # noqa: PLR2004 - a neighbour is needed
            continue
        server, neighbour = members[:2]
        for nic in server.interfaces:
            if nic.kind is not InterfaceKind.PORT:
                continue
            for address in nic.addresses:
                destination = next(a for a in neighbour.management if a.version == address.version)
                yield Probe(server.name, nic, address.ip, neighbour.name, destination)


def _capture(probe: Probe) -> socket.socket:
    ethertype = _ETH_P[Family(probe.source.version)]
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    packets.settimeout(0)
    packets.bind((probe.nic.name, ethertype))
    return packets


def _receiver(family: Family) -> socket.socket:
    udp = socket.socket(SOCKET_FAMILY[family], socket.SOCK_DGRAM)
    udp.settimeout(0)
    if family is Family.V6:
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    udp.bind(("", FIRST_PORT))
    return udp


def _send(probe: Probe) -> None:
    with socket.socket(SOCKET_FAMILY[Family(probe.source.version)], socket.SOCK_DGRAM) as udp:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, probe.nic.name.encode())
        udp.bind((str(probe.source), 0))
        # A probe that cannot leave (the NIC is down, there is no route) is one that does not arrive: a fault.
        with suppress(OSError):
            for _ in range(PROBES):
                udp.sendto(b"redirect probe", (str(probe.destination), FIRST_PORT))


def _redirects(packets: socket.socket) -> Iterator[Address]:
    """Routers whose redirects were captured."""
    while True:
        try:
            packet, _ = packets.recvfrom(65_535)
        except OSError:  # nothing more has come, or the NIC went down
            return
        router = redirecting_router(packet)
        if router is not None:
            yield router


def redirecting_router(packet: bytes) -> Address | None:
    """The source of an IP packet that is an ICMP or neighbour-discovery redirect, ``None`` for any other."""
    if not packet:
        return None
    version = packet[0] >> 4
    if version == Family.V4 and len(packet) > _IPV4_HEADER_BYTES:
        header = (packet[0] & 0xF) * 4
        if packet[9] == _PROTOCOL_ICMP and len(packet) > header and packet[header] == _ICMP_REDIRECT:
            return ip_address(packet[12:16])
    if (
        version == Family.V6
        and len(packet) > _IPV6_HEADER_BYTES
        and packet[6] == _PROTOCOL_ICMPV6
        and packet[_IPV6_HEADER_BYTES] == _ND_REDIRECT
    ):
        return ip_address(packet[8:24])
    return None


def _sources(receiver: socket.socket) -> Iterator[Address]:
    while True:
        try:
            _, source = receiver.recvfrom(65_535)
        except BlockingIOError:
            return
        yield ip_address(source[0].partition("%")[0])
