"""Pure module: checks of timers that depend on each other."""

from collections.abc import Iterator

from bifilar.errors import Problem
from bifilar.intent.model import Bgp, Intent
from bifilar.intent.yaml_source import Path, Source

KEEPALIVES_PER_HOLD = 3
"""RFC 4271 section 4.4: a third of the hold time is the longest reasonable time between keepalives."""


def bgp_timers(intent: Intent, source: Source) -> Iterator[Problem]:
    """Keepalives too rare for the hold time; a shortest wait that is longer than the longest."""
    yield from _of(("bgp",), intent.bgp, source)
    for name, device in intent.devices.items():
        if device.bgp is not None:
            yield from _of(("devices", name, "bgp"), device.bgp, source)


def _of(section: Path, bgp: Bgp, source: Source) -> Iterator[Problem]:
    keepalive: Path = (*section, "keepalive-s")
    if bgp.keepalive_s * KEEPALIVES_PER_HOLD > bgp.hold_s:
        written = keepalive in source
        default = "" if written else " (the default)"
        what = f"keepalive-s {bgp.keepalive_s}{default} is more than a third of hold-s {bgp.hold_s}"
        hint = f"write `keepalive-s: {bgp.hold_s // KEEPALIVES_PER_HOLD}` or less, or a longer `hold-s`"
        yield source.problem(keepalive if written else (*section, "hold-s"), what, hint)
    shortest, longest = bgp.error_wait_s
    if shortest > longest:
        what = f"error-wait-s is [shortest, longest], and {shortest} is longer than {longest}"
        yield source.problem(
            (*section, "error-wait-s"), what, f"write `error-wait-s: [{longest}, {shortest}]`"
        )
