"""Pure module: Intent -> Fabric.

The designer walks the fabric from the top down. Each step adds the devices of a tier and connects them with
the tier above; a connection is one cable, its two interfaces, and both sides of every BGP session over it.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, ip_interface

from bifilar.fabric.addressing import AddressPairs, AddressPlan
from bifilar.fabric.connections import Connection, Place, connect_server, connect_switches
from bifilar.fabric.model import (
    MANAGEMENT_DEVICE,
    RACK_BRIDGE,
    Address,
    Asn,
    BfdTimers,
    BgpTimers,
    Device,
    DeviceName,
    Fabric,
    Family,
    Interface,
    InterfaceKind,
    InterfaceName,
    Link,
    Role,
    Session,
    Speaker,
)
from bifilar.fabric.policies import Policies
from bifilar.intent import model as intent_model
from bifilar.intent import numbering, shape
from bifilar.intent.model import Intent

_FIRST_SWITCH_ROUTER_ID = int(IPv4Address("240.0.0.0"))
"""Router ids of devices without an own IPv4 address are class E: never the address of anything."""
_FIRST_IPV6_ROUTER_ID = int(IPv4Address("248.0.0.0"))
_HOST_BITS = 9
"""Room for 511 hosts in a rack and 43,690 racks, in an IPv6-only fabric's router ids."""


def design(intent: Intent) -> Fabric:
    """The fabric that a checked intent describes."""
    return _Designer(intent).fabric()


class _Designer:
    def __init__(self, intent: Intent) -> None:
        self._intent = intent
        self._plan = AddressPlan(intent)
        self._policies = Policies(self._plan)
        self._places: list[Place] = []
        self._interfaces: defaultdict[DeviceName, list[Interface]] = defaultdict(list)
        self._links: list[Link] = []
        self._sessions: list[Session] = []

    def fabric(self) -> Fabric:
        cores = [self._add(self._core(number)) for number in range(1, self._intent.cores + 1)]
        tops, spines_of_zone = self._spine_tiers()
        for core in cores:
            for top in tops:
                self._switches(core, top, self._plan.core_spine(core.number, top.number))
        for rack in shape.racks_of(self._intent):
            self._rack(rack, spines_of_zone[rack.zone])
        return Fabric(
            name=self._intent.name,
            families=self._plan.families,
            mtu=self._intent.mtu,
            devices=tuple(self._device(place) for place in self._places),
            links=tuple(self._links),
            sessions=tuple(self._sessions),
            aggregates=self._plan.aggregates,
            servers=self._plan.ranges("servers"),
            pods=self._plan.ranges("pods"),
            load_balancer=self._plan.ranges("load_balancer"),
        )

    def _spine_tiers(self) -> tuple[list[Place], dict[int | None, list[Place]]]:
        """Add spines and super-spines: those right below the cores, and the spines of every zone."""
        intent = self._intent
        if not intent.zones:
            spines = [self._add(self._spine(None, number)) for number in range(1, intent.spines + 1)]
            return spines, {None: spines}
        supers = [self._add(self._super_spine(number)) for number in range(1, intent.super_spines + 1)]
        spines_of_zone: dict[int | None, list[Place]] = {}
        for zone in intent.zones:
            spines = [self._add(self._spine(zone.number, number)) for number in range(1, zone.spines + 1)]
            spines_of_zone[zone.number] = spines
            for above in supers:
                for spine in spines:
                    addresses = self._plan.super_spine(above.number, zone.number, spine.number)
                    self._switches(above, spine, addresses)
        return supers, spines_of_zone

    def _rack(self, rack: shape.RackPlan, spines: Sequence[Place]) -> None:
        tors = [self._add(self._tor(rack, number)) for number in shape.TORS]
        for spine in spines:
            for tor in tors:
                self._switches(spine, tor, self._plan.spine_tor(spine.number, rack.number, tor.number))
        for tor in tors:
            own = self._plan.rack_port(rack.number, tor.number, numbering.TOR_OFFSET)
            self._interfaces[tor.name].append(Interface(RACK_BRIDGE, InterfaceKind.BRIDGE, own))
        for server in self._servers(rack):
            self._add(server)
            management = self._plan.management(rack.number, server.host)
            self._interfaces[server.name].append(
                Interface(MANAGEMENT_DEVICE, InterfaceKind.DUMMY, tuple(map(ip_interface, management)))
            )
            for tor, nic in zip(tors, self._intent.nics, strict=True):
                self._server_link(tor, server, InterfaceName(nic))

    def _switches(self, upper: Place, lower: Place, addresses: AddressPairs) -> None:
        connection = connect_switches(upper, lower, addresses, self._policies)
        self._connect(upper, lower, connection)

    def _server_link(self, tor: Place, server: Place, nic: InterfaceName) -> None:
        assert server.rack is not None  # noqa: S101 - a server stands in a rack
        connection = connect_server(
            tor,
            server,
            nic,
            self._plan.rack_port(server.rack, tor.number, numbering.TOR_OFFSET),
            self._plan.rack_port(server.rack, tor.number, server.host),
            self._policies,
        )
        self._connect(tor, server, connection)

    def _connect(self, upper: Place, lower: Place, connection: Connection) -> None:
        self._interfaces[upper.name].append(connection.upper)
        self._interfaces[lower.name].append(connection.lower)
        self._links.append(connection.link)
        self._sessions.extend(connection.sessions)

    def _add(self, place: Place) -> Place:
        self._places.append(place)
        return place

    def _place(
        self,
        name: str,
        role: Role,
        number: int,
        asn: int,
        *,
        rack: int | None = None,
        zone: int | None = None,
        host: int = 0,
    ) -> Place:
        override = self._intent.devices.get(name)
        chosen = override.asn if override is not None and override.asn is not None else asn
        return Place(DeviceName(name), role, number, Asn(chosen), rack, zone, host)

    def _core(self, number: int) -> Place:
        return self._place(shape.core_name(number), Role.CORE, number, self._intent.asn.core)

    def _super_spine(self, number: int) -> Place:
        return self._place(shape.super_spine_name(number), Role.SUPER_SPINE, number, self._intent.asn.spine)

    def _spine(self, zone: int | None, number: int) -> Place:
        asn = self._intent.asn.spine if zone is None else numbering.zone_asn(self._intent, zone)
        return self._place(shape.spine_name(zone, number), Role.SPINE, number, asn, zone=zone)

    def _tor(self, rack: shape.RackPlan, number: int) -> Place:
        asn = numbering.rack_asn(self._intent, rack.number)
        name = shape.tor_name(rack.number, number)
        return self._place(
            name, Role.TOR, number, asn, rack=rack.number, zone=rack.zone, host=numbering.TOR_OFFSET
        )

    def _servers(self, rack: shape.RackPlan) -> Iterator[Place]:
        for number in range(1, rack.boot + 1):
            yield self._server(
                rack, Role.BOOT, shape.boot_name(rack.number, number), number, numbering.BOOT_OFFSET
            )
        for number in range(1, rack.servers + 1):
            host = numbering.server_host(number)
            yield self._server(rack, Role.SERVER, shape.server_name(rack.number, number), number, host)

    def _server(self, rack: shape.RackPlan, role: Role, name: str, number: int, host: int) -> Place:
        asn = numbering.host_asn(self._intent, rack.number, host)
        return self._place(name, role, number, asn, rack=rack.number, zone=rack.zone, host=host)

    def _device(self, place: Place) -> Device:
        override = self._intent.devices.get(place.name, _NO_OVERRIDE)
        management: tuple[Address, ...] = ()
        if place.role.is_server and place.rack is not None:
            management = self._plan.management(place.rack, place.host)
        speaker = None
        if self._intent.load_balancer.speaker and place.role is Role.SERVER:
            speaker = Speaker(self._intent.load_balancer.port, self._policies.speaker)
        return Device(
            name=place.name,
            role=place.role,
            number=place.number,
            asn=place.asn,
            router_id=self._router_id(place),
            management=management,
            interfaces=tuple(self._interfaces[place.name]),
            bfd=_bfd(override.bfd or self._intent.bfd),
            bgp=_bgp(override.bgp or self._intent.bgp),
            rack=place.rack,
            zone=place.zone,
            daemon=override.daemon,
            bird_version=override.bird_version or self._intent.bird_version,
            drain=override.drain,
            speaker=speaker,
        )

    def _router_id(self, place: Place) -> IPv4Address:
        """A server's management address, a ToR's address in its rack; else from role and numbers.

        Lowest router id wins the last tie of route selection, so it must not change when the fabric grows.
        """
        if place.rack is not None and Family.V4 in self._plan.families:
            if place.role.is_server:
                own: Address = self._plan.management(place.rack, place.host)[0]
            else:
                own = self._plan.rack_port(place.rack, place.number, place.host)[0].ip
            if isinstance(own, IPv4Address):
                return own
        if place.rack is not None:
            network = numbering.NETWORKS_PER_RACK * place.rack + (
                place.number if place.role is Role.TOR else 0
            )
            return IPv4Address(_FIRST_IPV6_ROUTER_ID + (network << _HOST_BITS) + place.host)
        zone = 0 if place.zone is None else place.zone + 1
        return IPv4Address(_FIRST_SWITCH_ROUTER_ID + (place.role.tier << 24) + (zone << 10) + place.number)


_NO_OVERRIDE = intent_model.Device()


def _bfd(timers: intent_model.Bfd) -> BfdTimers:
    return BfdTimers(timers.interval_ms, timers.multiplier)


def _bgp(timers: intent_model.Bgp) -> BgpTimers:
    return BgpTimers(
        timers.hold_s, timers.keepalive_s, timers.connect_delay_s, timers.connect_retry_s, timers.error_wait_s
    )
