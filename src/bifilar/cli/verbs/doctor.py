"""The verb ``doctor``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant

import typer

from bifilar.cli.options import AsJson

_STYLES = {"good": "green", "limit": "yellow", "lacks": "bold red"}


def doctor(as_json: AsJson = False) -> None:
    """Say what this machine has, what it lacks, and what that costs.

    Exit status 3 if something is missing that a lab cannot do without.

    Example: `sudo bifilar doctor`
    """
    from rich.markup import escape

    from bifilar.cli.machine import Verdict, examine
    from bifilar.cli.terminal import answers, print_json, table
    from bifilar.errors import MachineError

    findings = list(examine())
    lacking = [finding.subject for finding in findings if finding.verdict is Verdict.LACKS]
    if as_json:
        print_json({"good": not lacking, "findings": [finding.as_json() for finding in findings]})
    else:
        overview = table("what", "verdict", "found", "what that means", "what to do")
        for finding in findings:
            style = _STYLES[finding.verdict]
            words = (escape(word) for word in (finding.found, finding.cost, finding.hint))
            overview.add_row(finding.subject, f"[{style}]{finding.verdict}[/{style}]", *words)
        console = answers()
        console.print(overview)
        summary = f"lacks: {', '.join(lacking)}" if lacking else "this machine can run labs"
        console.print(f"\n{summary}")
    if lacking:
        raise typer.Exit(MachineError.exit_status)
