"""The verb ``check``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant

from typing import TYPE_CHECKING

from bifilar.cli.options import AsJson, IntentFile

if TYPE_CHECKING:
    from rich.console import Console

    from bifilar.cli.counts import Summary


def check(intent: IntentFile, as_json: AsJson = False) -> None:
    """Check an intent file, and say what the fabric will be.

    Every error of the file is told at once, with its line, and what to do about it.

    Example: `bifilar check examples/article.yaml`
    """
    from bifilar.cli.counts import summary_of
    from bifilar.cli.terminal import answers, print_json
    from bifilar.fabric import design
    from bifilar.intent import load_intent

    read = load_intent(intent)
    summary = summary_of(read, design(read))
    if as_json:
        print_json(summary.as_json())
    else:
        _print_summary(summary, answers())


def _print_summary(summary: "Summary", console: "Console") -> None:
    from bifilar.cli.terminal import table

    counts = f"{summary.devices} devices, {summary.links} links, {summary.sessions} BGP sessions"
    console.print(f"fabric {summary.name}: good; {counts}\n")
    roles = table("role", "devices", "AS numbers")
    for role in summary.roles:
        roles.add_row(role.role, str(role.devices), role.asns)
    console.print(roles)
    console.print()
    ranges = table("range", "network", "used", "free", "counted in")
    for row in summary.ranges:
        ranges.add_row(row.key, str(row.network), *row.counts, row.unit)
    console.print(ranges)
