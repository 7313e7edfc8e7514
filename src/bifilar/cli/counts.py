"""Pure module: a fabric and its ranges in a few numbers, for ``check``."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bifilar.fabric.addressing import range_of
from bifilar.fabric.model import Device, Fabric, Family, Prefix, Role
from bifilar.intent import numbering, shape
from bifilar.intent.model import Intent

_LINK_FIELDS = ("spine_tor", "super_spine", "core_spine")
_SERVICE_FIELDS = ("pods", "load_balancer")
_LISTED_ASNS = 4
"""So many AS numbers are listed; more become a span."""


def _in_words(count: int | None) -> str:
    return "-" if count is None else str(count)


@dataclass(frozen=True, slots=True)
class RoleSummary:
    """How many devices of a role there are, and their AS numbers in words."""

    role: str
    devices: int
    asns: str


@dataclass(frozen=True, slots=True)
class RangeSummary:
    """How much of a range is taken.

    ``used`` and ``room`` are ``None`` for a range from which addresses are taken only while the network runs.
    """

    key: str
    network: Prefix
    unit: str
    used: int | None = None
    room: int | None = None

    @property
    def free(self) -> int | None:
        """What is left."""
        return None if self.used is None or self.room is None else self.room - self.used

    @property
    def counts(self) -> tuple[str, str]:
        """Used and free, in words."""
        return _in_words(self.used), _in_words(self.free)

    def as_json(self) -> dict[str, object]:
        """The range as in ``check --json``."""
        return {
            "key": self.key,
            "network": str(self.network),
            "unit": self.unit,
            "used": self.used,
            "free": self.free,
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """A fabric in numbers. ``sessions`` counts each session once, not once from each side."""

    name: str
    devices: int
    links: int
    sessions: int
    roles: tuple[RoleSummary, ...]
    ranges: tuple[RangeSummary, ...]

    def as_json(self) -> dict[str, object]:
        """The document of ``check --json``."""
        return {
            "name": self.name,
            "devices": self.devices,
            "links": self.links,
            "sessions": self.sessions,
            "roles": [{"role": row.role, "devices": row.devices, "asns": row.asns} for row in self.roles],
            "ranges": [row.as_json() for row in self.ranges],
        }


def summary_of(intent: Intent, fabric: Fabric) -> Summary:
    """Count a fabric and the ranges of its intent."""
    roles: defaultdict[Role, list[Device]] = defaultdict(list)
    for device in fabric.devices:
        roles[device.role].append(device)
    return Summary(
        fabric.name,
        len(fabric.devices),
        len(fabric.links),
        len(fabric.sessions) // 2,
        tuple(
            RoleSummary(str(role), len(devices), _asns_in_words(device.asn for device in devices))
            for role, devices in roles.items()
        ),
        tuple(_ranges(intent, fabric)),
    )


def _asns_in_words(asns: Iterable[int]) -> str:
    found = sorted(set(asns))
    if len(found) <= _LISTED_ASNS:
        return ", ".join(map(str, found))
    return f"{found[0]} to {found[-1]} ({len(found)} of them)"


def _ranges(intent: Intent, fabric: Fabric) -> Iterator[RangeSummary]:
    racks = len(shape.racks_of(intent))
    held = numbering.racks_held(intent)
    for key, network in _given(intent, ("servers",)):
        yield RangeSummary(key, network, "racks", racks, held[key])
    for key, network in _given(intent, _LINK_FIELDS):
        yield RangeSummary(key, network, "links", _links_in(fabric, network), network.num_addresses // 2)
    for key, network in _given(intent, _SERVICE_FIELDS):
        yield RangeSummary(key, network, "taken while running")
    for network in intent.addresses.other:
        yield RangeSummary("other", network, "taken while running")


def _given(intent: Intent, fields: Iterable[str]) -> Iterator[tuple[str, Prefix]]:
    """The ranges that the intent has for these fields, with their keys in the file."""
    for field in fields:
        for family, suffix in ((Family.V4, ""), (Family.V6, "6")):
            network = range_of(intent.addresses, field, family)
            if network is not None:
                yield field.replace("_", "-") + suffix, network


def _links_in(fabric: Fabric, network: Prefix) -> int:
    """Links whose two ends have addresses of a range."""
    ends = sum(
        address.version == network.version and address.ip in network
        for device in fabric.devices
        for interface in device.interfaces
        for address in interface.addresses
    )
    return ends // 2
