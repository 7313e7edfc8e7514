"""Pure module: checks that every AS number may be used, and that only one part of the fabric has it.

Parts that share an AS number on purpose (a rack, a zone's spines) are one *holder*. Two holders with one number
would take each other's routes for loops, or speak iBGP where the design wants eBGP.
"""

from collections.abc import Iterator
from typing import NamedTuple

from bifilar.errors import Problem
from bifilar.intent.checks.stages import rack_sections
from bifilar.intent.model import AsnModel, Intent
from bifilar.intent.numbering import BOOT_OFFSET, host_asn, rack_asn, server_host, zone_asn
from bifilar.intent.shape import boot_name, device_names, server_name
from bifilar.intent.yaml_source import Path, Source

MAX_ASN = 2**32 - 2

RESERVED = (
    (0, 0, "is reserved (RFC 7607)"),
    (23_456, 23_456, "is AS_TRANS (RFC 6793)"),
    (64_496, 64_511, "is reserved for documentation (RFC 5398)"),
    (64_698, 64_699, "belongs to the session with a load-balancer speaker on every server"),
    (65_535, 65_535, "is reserved (RFC 7300)"),
    (65_536, 65_551, "is reserved for documentation (RFC 5398)"),
    (MAX_ASN + 1, 2**64, "is more than the last AS number, 4294967294"),
)
"""First, last, and why no device may have one of these."""

_PRIVATE = "private AS numbers are 64512 to 65534 and 4200000000 to 4294967294"


class _Holder(NamedTuple):
    """A part of the fabric with an AS number of its own."""

    name: str
    """Holders of one name share their number on purpose."""
    asn: int
    knob: Path
    """The value that sets the number."""
    cause: Path
    """What made this number be used, for a file that leaves the knob at its default."""
    device: str = ""
    """The device, if the number is an override of one."""

    def place(self, source: Source) -> Path:
        """Where an operator would look for it in the file."""
        return self.knob if self.knob in source else self.cause

    @property
    def shown(self) -> str:
        """Whose number it is, in words."""
        return f"`{self.device}`" if self.device else self.name

    @property
    def key(self) -> str:
        """The knob as people write it."""
        return ".".join(map(str, self.knob))


def clashes(intent: Intent, source: Source) -> Iterator[Problem]:
    """AS numbers that nobody may use, and numbers of more than one holder. One problem for each pair of values."""
    held: dict[int, _Holder] = {}
    seen: set[tuple[Path, ...]] = set()
    for holder in (*_planned(intent), *_overridden(intent)):
        place = holder.place(source)
        if why := _reserved(holder.asn):
            if (place,) not in seen:
                seen.add((place,))
                what = f"{holder.shown} would have AS {holder.asn}, which {why}"
                yield source.problem(place, what, f"change `{holder.key}`; {_PRIVATE}")
            continue
        other = held.setdefault(holder.asn, holder)
        if other.name != holder.name and (pair := (place, other.place(source))) not in seen:
            seen.add(pair)
            what = f"{holder.shown} would have AS {holder.asn}, the same as {other.shown}"
            # A value that is written can be changed where it stands; a default cannot.
            shown = place if holder.knob in source or other.knob not in source else other.place(source)
            keys = " or ".join(f"`{key}`" for key in dict.fromkeys((holder.key, other.key)))
            yield source.problem(shown, what, f"change {keys}; {_PRIVATE}")


def _reserved(asn: int) -> str:
    return next((why for first, last, why in RESERVED if first <= asn <= last), "")


def _planned(intent: Intent) -> Iterator[_Holder]:
    """Every holder by the plan, overrides aside."""
    if intent.cores:
        yield _Holder("the cores", intent.asn.core, ("asn", "core"), ("cores",))
    if intent.super_spines:
        yield _Holder("the super-spines", intent.asn.spine, ("asn", "spine"), ("super-spines",))
    elif intent.spines:
        yield _Holder("the spines", intent.asn.spine, ("asn", "spine"), ("spines",))
    for index, zone in enumerate(intent.zones):
        cause: Path = ("zones", index, "number")
        yield _Holder(_zone(zone.number), zone_asn(intent, zone.number), ("asn", "zone-base"), cause)
    for path, rack in rack_sections(intent):
        for number in range(rack.number, rack.number + rack.count):
            yield _Holder(_rack(number), rack_asn(intent, number), ("asn", "base"), (*path, "number"))
            if intent.asn.model is AsnModel.SERVER:
                hosts = [(boot_name(number), BOOT_OFFSET)] * rack.boot
                hosts += [
                    (server_name(number, server), server_host(server))
                    for server in range(1, rack.servers + 1)
                ]
                for name, host in hosts:
                    asn = host_asn(intent, number, host)
                    yield _Holder(name, asn, ("asn", "server-base"), (*path, "number"), name)


def _overridden(intent: Intent) -> Iterator[_Holder]:
    """The holders of devices that have an AS number of their own; they remain part of their rack or tier."""
    changed = {name: device.asn for name, device in intent.devices.items() if device.asn is not None}
    if not changed:
        return
    known = set(device_names(intent))
    for name, asn in changed.items():
        if name in known:
            path: Path = ("devices", name, "asn")
            yield _Holder(_holder_of(intent, name), asn, path, path, name)


def _holder_of(intent: Intent, device: str) -> str:
    """The holder that a device is part of, by the device's name."""
    head = device.partition("-")[0]
    role = head.rstrip("0123456789")
    number = int(head.removeprefix(role))
    match role:
        case "core":
            return "the cores"
        case "super":
            return "the super-spines"
        case "spine":
            return "the spines"
        case "zone":
            return _zone(number)
    host = "-server" in device or "-boot" in device
    return device if host and intent.asn.model is AsnModel.SERVER else _rack(number)


def _zone(number: int) -> str:
    return f"the spines of zone {number}"


def _rack(number: int) -> str:
    return f"rack {number}"
