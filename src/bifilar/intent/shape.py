"""Pure module: the devices that an intent asks for, by name, before they have addresses.

Meant for intents that :mod:`bifilar.intent.checks` has accepted; :func:`racks_of` and :func:`device_count` also
work on ones that it is about to refuse.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bifilar.intent.model import Intent, Rack

TORS = (1, 2)
"""Every rack has two ToRs: the article's design, and ours."""


@dataclass(frozen=True, slots=True)
class RackPlan:
    """One rack, ``count`` expanded. ``zone`` is None with three stages."""

    zone: int | None
    number: int
    boot: int
    servers: int


def racks_of(intent: Intent) -> tuple[RackPlan, ...]:
    """Every rack, in the order of the file."""
    return tuple(
        RackPlan(zone, rack.number + offset, rack.boot, rack.servers)
        for zone, rack in _sections(intent)
        for offset in range(rack.count)
    )


def device_count(intent: Intent) -> int:
    """How many devices the fabric has, without expanding any ``count``."""
    racks = sum(rack.count * (len(TORS) + rack.boot + rack.servers) for _, rack in _sections(intent))
    return (
        intent.cores + intent.super_spines + intent.spines + sum(zone.spines for zone in intent.zones) + racks
    )


def _sections(intent: Intent) -> Iterator[tuple[int | None, Rack]]:
    yield from ((None, rack) for rack in intent.racks)
    yield from ((zone.number, rack) for zone in intent.zones for rack in zone.racks)


def core_name(number: int) -> str:
    """``core1``."""
    return f"core{number}"


def super_spine_name(number: int) -> str:
    """``super1``."""
    return f"super{number}"


def spine_name(zone: int | None, number: int) -> str:
    """``spine1``, or ``zone0-spine1`` with five stages."""
    return f"spine{number}" if zone is None else f"zone{zone}-spine{number}"


def tor_name(rack: int, number: int) -> str:
    """``rack0-tor1``."""
    return f"rack{rack}-tor{number}"


def boot_name(rack: int, number: int = 1) -> str:
    """``rack0-boot1``."""
    return f"rack{rack}-boot{number}"


def server_name(rack: int, number: int) -> str:
    """``rack0-server1``."""
    return f"rack{rack}-server{number}"


def device_names(intent: Intent) -> Iterator[str]:
    """Every device's name, from the cores down."""
    yield from map(core_name, range(1, intent.cores + 1))
    yield from map(super_spine_name, range(1, intent.super_spines + 1))
    yield from (spine_name(None, number) for number in range(1, intent.spines + 1))
    for zone in intent.zones:
        yield from (spine_name(zone.number, number) for number in range(1, zone.spines + 1))
    for rack in racks_of(intent):
        yield from (tor_name(rack.number, number) for number in TORS)
        yield from (boot_name(rack.number, number) for number in range(1, rack.boot + 1))
        yield from (server_name(rack.number, number) for number in range(1, rack.servers + 1))
