"""Pure module: what of a fabric a picture shows, and in how much detail.

Up to ``MOST_RACKS`` racks each stand in the picture. Of more, the first and the last stand for all, so that the
picture of any fabric has a bounded size.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bifilar.fabric.model import Device, Fabric, Interface, Role

MOST_RACKS = 40
"""Racks that are drawn one by one."""
MOST_SWITCHES = 16
"""Switches of one tier (in one zone) that are drawn one by one."""
_MOST_LABELLED_UPLINKS = 4
_MOST_LABELLED_SPINES = 12

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Abridged(Generic[T]):
    """A sequence of which the middle may be left out."""

    head: tuple[T, ...]
    omitted: tuple[T, ...] = ()
    tail: tuple[T, ...] = ()

    @property
    def shown(self) -> tuple[T, ...]:
        """What is drawn."""
        return self.head + self.tail

    @property
    def all(self) -> tuple[T, ...]:
        """The whole sequence."""
        return self.head + self.omitted + self.tail


@dataclass(frozen=True, slots=True)
class Rack:
    """A rack with its two ToRs and all servers, boot servers first."""

    number: int
    tors: tuple[Device, ...]
    servers: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class Zone:
    """Racks below spines of their own; a fabric of three stages is one zone without a number."""

    number: int | None
    spines: Abridged[Device]
    racks: Abridged[Rack]


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is said of a rack.

    Attributes:
        uplinks: each ToR lists the addresses of its uplinks.
        nics: each server lists the addresses of its two interfaces.
        stacked: addresses stand below names, not beside them, to save width.
        most_listed: servers that are listed one by one; more become one line.
    """

    uplinks: bool
    nics: bool
    stacked: bool
    most_listed: int


_DETAILS = (
    (4, Detail(uplinks=True, nics=True, stacked=False, most_listed=8)),
    (6, Detail(uplinks=True, nics=False, stacked=False, most_listed=8)),
    (12, Detail(uplinks=False, nics=False, stacked=True, most_listed=4)),
)
"""By the number of racks that are drawn, at most."""
_LEAST_DETAIL = Detail(uplinks=False, nics=False, stacked=True, most_listed=1)


@dataclass(frozen=True, slots=True)
class Outline:
    """What the picture shows, from the top down."""

    fabric: Fabric
    cores: Abridged[Device]
    super_spines: Abridged[Device]
    zones: Abridged[Zone]
    detail: Detail

    @property
    def spines_drawn(self) -> int:
        """How many spines the picture shows, of all zones."""
        return sum(len(zone.spines.shown) for zone in self.zones.shown)

    def labels_uplinks(self, role: Role, uplinks: int) -> bool:
        """Whether switches of this role, each with that many uplinks, list their addresses."""
        if uplinks > _MOST_LABELLED_UPLINKS:
            return False
        if role is Role.TOR:
            return self.detail.uplinks
        if role is Role.SPINE:
            return self.spines_drawn <= _MOST_LABELLED_SPINES
        return True


def outline_of(fabric: Fabric) -> Outline:
    """What is to be shown of a fabric."""
    of_role: defaultdict[Role, list[Device]] = defaultdict(list)
    for device in fabric.devices:
        of_role[device.role].append(device)
    racks = _racks(fabric)
    zones = _zones(of_role[Role.SPINE], racks)
    every_rack = len(racks) <= MOST_RACKS
    shown = _abridged(
        [
            Zone(number, _switches(spines), _abridged(own, len(own) if every_rack else 3, 2, 1))
            for number, spines, own in zones
        ],
        len(zones) if every_rack else 3,
        2,
        0,
    )
    drawn = sum(len(zone.racks.shown) for zone in shown.shown)
    detail = next((detail for most, detail in _DETAILS if drawn <= most), _LEAST_DETAIL)
    return Outline(fabric, _switches(of_role[Role.CORE]), _switches(of_role[Role.SUPER_SPINE]), shown, detail)


def uplinks_of(fabric: Fabric, device: Device) -> tuple[tuple[Device, Interface], ...]:
    """The devices above a switch, each with the switch's interface towards it."""
    found = []
    for interface in device.interfaces:
        if interface.link is None:
            continue
        link = fabric.links_by_name[interface.link]
        if link.b.device == device.name:
            found.append((fabric.device(link.a.device), interface))
    return tuple(found)


def _racks(fabric: Fabric) -> list[tuple[int | None, Rack]]:
    """Every rack with its zone's number."""
    devices: defaultdict[tuple[int | None, int], list[Device]] = defaultdict(list)
    for device in fabric.devices:
        if device.rack is not None:
            devices[device.zone, device.rack].append(device)
    return [
        (
            zone,
            Rack(
                number,
                tuple(device for device in own if device.role is Role.TOR),
                tuple(device for device in own if device.role.is_server),
            ),
        )
        for (zone, number), own in devices.items()
    ]


def _zones(
    spines: Sequence[Device], racks: Sequence[tuple[int | None, Rack]]
) -> list[tuple[int | None, list[Device], list[Rack]]]:
    spines_of: defaultdict[int | None, list[Device]] = defaultdict(list)
    racks_of: defaultdict[int | None, list[Rack]] = defaultdict(list)
    for spine in spines:
        spines_of[spine.zone].append(spine)
    for zone, rack in racks:
        racks_of[zone].append(rack)
    return [(zone, spines_of[zone], racks_of[zone]) for zone in dict.fromkeys([*spines_of, *racks_of])]


def _switches(devices: Sequence[Device]) -> Abridged[Device]:
    return _abridged(devices, MOST_SWITCHES, 3, 1)


def _abridged(items: Sequence[T], most: int, head: int, tail: int) -> Abridged[T]:
    """All of at most ``most`` items; of more, so many from either end."""
    if len(items) <= most:
        return Abridged(tuple(items))
    end = len(items) - tail
    return Abridged(tuple(items[:head]), tuple(items[head:end]), tuple(items[end:]))
