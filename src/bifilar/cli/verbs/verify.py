"""The verb ``verify``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant

from typing import TYPE_CHECKING, Annotated

import typer

from bifilar.cli.options import AsJson, LabName

if TYPE_CHECKING:
    from rich.console import Console

    from bifilar.verify.report import Report

_STYLES = {"pass": "green", "fail": "bold red", "skip": "yellow"}


def verify(
    name: LabName = None,
    as_json: AsJson = False,
    check: Annotated[
        list[str] | None,
        typer.Option(
            "--check", "-c", metavar="NAME", help="Run this check only; may be repeated.", show_default="all"
        ),
    ] = None,
) -> None:
    """Hold the running lab against its fabric, check by check.

    Each check says what it expects and what it saw; docs/reference/checks.md explains each. Exit status 1 if
    one failed.

    Example: `sudo bifilar verify --check bgp-sessions --check kernel-routes`
    """
    from bifilar.cli.terminal import answers, print_json, steps
    from bifilar.lab import Lab
    from bifilar.verify import verify as run

    with steps() as bars:
        report = run(Lab.open(name), check or (), bars)
    if as_json:
        print_json(report.as_json())
    else:
        print_report(report, answers())
    if not report.good:
        raise typer.Exit(1)


def print_report(report: "Report", console: "Console") -> None:
    """A line for each check, then what those that failed have to say."""
    from rich.markup import escape

    from bifilar.cli.terminal import table
    from bifilar.verify.report import Status

    overview = table("check", "verdict", "expected", "observed")
    for check in report.checks:
        style = _STYLES[check.status]
        cells = (escape(check.expected), escape(check.observed))
        overview.add_row(check.name, f"[{style}]{check.status}[/{style}]", *cells)
    console.print(overview)
    failed = [check for check in report.checks if check.status is Status.FAIL]
    for check in failed:
        console.print(f"\n[bold red]{check.name}[/bold red]")
        for line in check.detail:
            console.print(f"  {line}", markup=False)
    passed = sum(check.status is Status.PASS for check in report.checks)
    skipped = len(report.checks) - passed - len(failed)
    console.print(f"\n{passed} passed, {len(failed)} failed, {skipped} skipped, in {report.seconds:.1f} s")
