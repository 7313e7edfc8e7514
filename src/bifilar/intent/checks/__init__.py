"""Pure module: what one field cannot see, as a table of checks.

Each check looks at an intent whose single values are right and yields the problems that it finds. ``reads`` names
what a check draws conclusions from: where one of those is uncertain because the file has a mistake there, the
check would only add noise, and is left out.
"""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from bifilar.errors import Problem
from bifilar.intent.checks import asns, capacity, devices, ranges, stages, timers
from bifilar.intent.model import Intent
from bifilar.intent.yaml_source import Path, Source, related


@dataclass(frozen=True, slots=True)
class Check:
    """One rule.

    Attributes:
        find: yields what is wrong.
        reads: paths without which its findings would be guesses.
        spoils: paths on which nobody may rely once it has found something.
    """

    find: Callable[[Intent, Source], Iterator[Problem]]
    reads: tuple[Path, ...] = ()
    spoils: tuple[Path, ...] = ()


_ADDRESSES: Path = ("addresses",)
_SERVERS: tuple[Path, ...] = (
    ("addresses", "servers"),
    ("addresses", "servers6"),
    ("addresses", "network-bits"),
)
_TOPS: tuple[Path, ...] = (("cores",), ("super-spines",), ("spines",), ("zones",))
_RACKS: tuple[Path, ...] = (("racks",), ("zones",))
_DEVICES: tuple[Path, ...] = (*_TOPS, ("racks",))
_RACKS_LIMIT: Path = ("limits", "racks")
_TOPS_LIMITS: tuple[Path, ...] = (("limits", "spines"), ("limits", "super-spines"), ("limits", "zones"))

CHECKS = (
    Check(stages.too_large, _DEVICES, spoils=_DEVICES),
    Check(stages.wrong_stages, _DEVICES),
    Check(stages.beyond_limits, (*_DEVICES, _RACKS_LIMIT, *_TOPS_LIMITS)),
    Check(stages.repeated_numbers, _RACKS),
    Check(stages.empty_racks, _RACKS),
    Check(ranges.no_family, _SERVERS),
    Check(ranges.unused_family, _SERVERS),
    Check(ranges.missing_ranges, (_ADDRESSES, ("links",), *_DEVICES)),
    Check(ranges.ranges_of_unnumbered_links, (("links",),)),
    Check(ranges.unusable_ranges),
    Check(ranges.overlaps),
    Check(ranges.speaker_without_range, (_ADDRESSES,)),
    Check(capacity.racks_too_small, (*_SERVERS, ("asn", "model"), *_RACKS)),
    Check(capacity.servers_too_small, (*_SERVERS, *_RACKS, _RACKS_LIMIT), spoils=(_RACKS_LIMIT,)),
    Check(capacity.spine_tor_too_small, (*_SERVERS, *_DEVICES, ("links",), _RACKS_LIMIT)),
    Check(capacity.super_spine_too_small, (*_DEVICES, *_TOPS_LIMITS)),
    Check(capacity.core_spine_too_small, (*_DEVICES, *_TOPS_LIMITS)),
    Check(asns.clashes, (("asn",), ("addresses", "network-bits"), ("devices",), *_DEVICES)),
    Check(timers.bgp_timers),
    Check(devices.unknown_devices, _DEVICES),
    Check(devices.interface_names),
)


def check(intent: Intent, source: Source, uncertain: AbstractSet[Path] = frozenset()) -> Iterator[Problem]:
    """Every problem that the checks find, save those that rest on ``uncertain`` paths of the file."""
    unreliable = set(uncertain)
    for rule in CHECKS:
        if any(related(path, unreliable) for path in rule.reads):
            continue
        found = False
        for problem in rule.find(intent, source):
            found = True
            yield problem
        if found:
            unreliable.update(rule.spoils)
