"""Pure module: checks of a fabric's shape: its stages, its size, its racks' and zones' numbers.

Three stages are ToRs, spines, ToRs again; five have super-spines in the middle. An intent says which by what it
lists: ``spines`` and ``racks``, or ``super-spines`` and ``zones``.
"""

from collections.abc import Iterator

from bifilar.errors import Problem
from bifilar.intent.model import Intent, Rack
from bifilar.intent.numbering import MAX_RACKS
from bifilar.intent.shape import TORS, device_count
from bifilar.intent.yaml_source import Path, Source

MAX_DEVICES = 200_000
"""Larger than any fabric of two ToRs a rack; what a file may ask for without filling the machine's memory."""

MAX_SWITCH_LINKS = 1_000_000
"""The same for links between switches."""


def rack_sections(intent: Intent) -> Iterator[tuple[Path, Rack]]:
    """Every rack section of the file, ``count`` not expanded, with its path."""
    yield from ((("racks", index), rack) for index, rack in enumerate(intent.racks))
    for outer, zone in enumerate(intent.zones):
        yield from ((("zones", outer, "racks", index), rack) for index, rack in enumerate(zone.racks))


def numbers(rack: Rack) -> str:
    """A rack section's numbers in words: ``rack 3`` or ``racks 3 to 9``."""
    return (
        f"rack {rack.number}" if rack.count == 1 else f"racks {rack.number} to {rack.number + rack.count - 1}"
    )


def too_large(intent: Intent, source: Source) -> Iterator[Problem]:
    """More devices or links than anybody has."""
    section: Path = ("racks",) if intent.racks else ("zones",)
    hint = "is a `count` or a `servers` too large by mistake?"
    if (devices := device_count(intent)) > MAX_DEVICES:
        what = f"the fabric would have {devices:,} devices; the most is {MAX_DEVICES:,}"
        yield source.problem(section, what, hint)
    elif (links := _switch_links(intent)) > MAX_SWITCH_LINKS:
        what = f"the fabric would have {links:,} links between switches; the most is {MAX_SWITCH_LINKS:,}"
        yield source.problem(section, what, f"fewer spines, or {hint}")


def _switch_links(intent: Intent) -> int:
    racks = sum(rack.count for rack in intent.racks)
    links = intent.spines * racks * len(TORS) + intent.cores * (intent.super_spines or intent.spines)
    for zone in intent.zones:
        racks = sum(rack.count for rack in zone.racks)
        links += zone.spines * (racks * len(TORS) + intent.super_spines)
    return links


def wrong_stages(intent: Intent, source: Source) -> Iterator[Problem]:
    """Neither three stages nor five, or some of both."""
    three, five = ("spines", "racks"), ("super-spines", "zones")
    given = {
        "spines": bool(intent.spines),
        "racks": bool(intent.racks),
        "super-spines": bool(intent.super_spines),
        "zones": bool(intent.zones),
    }
    if not any(given.values()):
        hint = "add `spines: 2` and `racks:`, or for five stages `super-spines: 2` and `zones:`"
        yield source.problem((), "the fabric has no spines and no racks", hint)
    elif any(given[key] for key in three) and any(given[key] for key in five):
        upper = next(key for key in five if given[key])
        hint = f"with five stages spines and racks stand inside `zones`; for three stages remove `{upper}`"
        for key in three:
            if given[key]:
                yield source.problem(
                    (key,), f"`{key}` and `{upper}` exclude each other at the top of the file", hint
                )
    else:
        present = three if any(given[key] for key in three) else five
        absent = [key for key in present if not given[key]]
        for key in absent:
            other = next(name for name in present if name != key)
            yield source.problem(
                _written(source, key, other), f"`{other}` is there, but no `{key}`", _ADD[key]
            )


_ADD = {
    "spines": "add `spines: 2`: without a spine no rack reaches another",
    "racks": "add `racks:` with a `number` and `servers` for each",
    "super-spines": "add `super-spines: 2`: they connect the zones",
    "zones": "add `zones:`, each with a `number`, `spines` and `racks`; or write `spines` for three stages",
}


def _written(source: Source, key: str, other: str) -> Path:
    return (key,) if (key,) in source else (other,)


def beyond_limits(intent: Intent, source: Source) -> Iterator[Problem]:
    """More spines, super-spines, zones or racks than ``limits`` says there will ever be."""
    limits = intent.limits
    counted: list[tuple[Path, int, str, int]] = [
        (("spines",), intent.spines, "spines", limits.spines),
        (("super-spines",), intent.super_spines, "super-spines", limits.super_spines),
    ]
    counted += [
        (("zones", index, "spines"), zone.spines, "spines", limits.spines)
        for index, zone in enumerate(intent.zones)
    ]
    for path, count, key, limit in counted:
        if count > limit:
            what = f"{count} {key}, but `limits.{key}` is {limit}{_default(source, key)}"
            yield source.problem(path, what, f"write `limits: {{{key}: {count}}}`; {_RENUMBERS}")
    numbered: list[tuple[Path, int, str, str, int]] = [
        (("zones", index, "number"), zone.number, f"zone {zone.number}", "zones", limits.zones)
        for index, zone in enumerate(intent.zones)
    ]
    if limits.racks is not None:
        numbered += [
            ((*path, "number"), rack.number + rack.count - 1, numbers(rack), "racks", limits.racks)
            for path, rack in rack_sections(intent)
        ]
    for path, highest, name, key, limit in numbered:
        if highest >= limit:
            what = f"{name}: numbers are below `limits.{key}`, which is {limit}{_default(source, key)}"
            yield source.problem(path, what, f"write `limits: {{{key}: {highest + 1}}}`; {_RENUMBERS}")


_RENUMBERS = "a limit of a running fabric cannot change without renumbering its links"


def _default(source: Source, key: str) -> str:
    return "" if ("limits", key) in source else " by default"


def repeated_numbers(intent: Intent, source: Source) -> Iterator[Problem]:
    """A rack's or zone's number that another has, or that is too high once ``count`` is added."""
    taken: dict[int, Path] = {}
    for path, rack in rack_sections(intent):
        own = range(rack.number, rack.number + rack.count)
        if own.stop > MAX_RACKS:
            what = f"{numbers(rack)}: rack numbers end at {MAX_RACKS - 1}"
            yield source.problem((*path, "number"), what, "lower `number` or `count`")
            continue
        if (repeated := next((number for number in own if number in taken), None)) is not None:
            line = source.value_at(taken[repeated]).line
            what = f"rack number {repeated} is taken by the rack on line {line}"
            hint = "a rack's number is its identity: give each its own, in all zones together"
            yield source.problem((*path, "number"), what, hint)
        for number in own:
            taken.setdefault(number, path)
    zones: dict[int, Path] = {}
    for index, zone in enumerate(intent.zones):
        path = ("zones", index)
        if zone.number in zones:
            what = f"zone number {zone.number} is taken by the zone on line {source.value_at(zones[zone.number]).line}"
            yield source.problem(
                (*path, "number"), what, "a zone's number is its identity: give each its own"
            )
        zones.setdefault(zone.number, path)


def empty_racks(intent: Intent, source: Source) -> Iterator[Problem]:
    """A rack with switches and nothing behind them."""
    for path, rack in rack_sections(intent):
        if rack.boot == rack.servers == 0:
            what = f"no servers in {numbers(rack)}"
            yield source.problem(path, what, "add `servers: 2`, or `boot: 1`, or remove the rack")
