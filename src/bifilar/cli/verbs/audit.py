"""The verb ``audit``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bifilar.cli.options import AsJson, LabName

if TYPE_CHECKING:
    from bifilar.pods.audit import Report

_STYLES = {"error": "bold red", "warning": "yellow"}


def audit(
    *,
    lab: LabName = None,
    node: Annotated[
        str | None,
        typer.Option(
            "--node", help="Audit this machine, which has this name in the store.", show_default="audit a lab"
        ),
    ] = None,
    store: Annotated[
        str | None, typer.Option("--store", help="With --node: `sqlite:PATH`.", show_default=False)
    ] = None,
    bird_socket: Annotated[
        Path, typer.Option("--bird-socket", help="With --node: the control socket of its BIRD.")
    ] = Path("/run/bird/bird.ctl"),
    management: Annotated[
        str,
        typer.Option(
            "--management",
            metavar="ADDRESS[,ADDRESS]",
            help="With --node: its management addresses.",
            show_default="those of node0",
        ),
    ] = "",
    mtu: Annotated[
        int,
        typer.Option("--mtu", min=1280, max=65535, help="With --node: of the pods' interfaces, in bytes."),
    ] = 1500,
    repair: Annotated[bool, typer.Option("--repair", help="Make the repairs, and look again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hold the store, kernels, routing daemons and neighbours of the pod network against each other.

    Each difference is a finding with its repair; docs/how-to/audit.md lists them. Exit status 1 if errors are left.

    Example: `sudo bifilar audit --repair`
    """
    from bifilar.cli.terminal import print_json
    from bifilar.errors import InputError

    if node is None:
        if store is not None:
            raise InputError("--store", "goes with --node", "a lab has a store of its own")
        report = _of_lab(lab, repair=repair)
    else:
        if lab is not None:
            raise InputError("--name", "doesn't go with --node", "audit a lab, or this machine")
        if store is None:
            raise InputError("--store", "is missing", "write the agent's: --store sqlite:PATH")
        report = _of_node(node, store, bird_socket, management, mtu, repair=repair)
    if as_json:
        print_json(report.as_json())
    else:
        _print(report, repair=repair)
    if not report.good:
        raise typer.Exit(1)


def _of_lab(name: str | None, *, repair: bool) -> "Report":
    from bifilar.lab import Lab

    return Lab.open(name).audit(mend=repair)


def _of_node(
    node: str, store: str, bird_socket: Path, management: str, mtu: int, *, repair: bool
) -> "Report":
    from contextlib import closing

    from bifilar.agent import management_addresses, open_store
    from bifilar.pods.audit import AuditedNode
    from bifilar.pods.audit import audit as run
    from bifilar.pods.audit.seen import OWN_NAMESPACE
    from bifilar.pods.model import NodeName

    audited = AuditedNode(NodeName(node), management_addresses(management), mtu, OWN_NAMESPACE, bird_socket)
    with closing(open_store(store)) as opened:
        return run([audited], opened, mend=repair)


def _print(report: "Report", *, repair: bool) -> None:
    from rich.markup import escape

    from bifilar.cli.terminal import answers, table

    overview = table("severity", "node", "kind", "object", "what", "repaired" if repair else "repair")
    for outcome in report.outcomes:
        found = outcome.finding
        style = _STYLES[found.severity]
        mended = "yes" if outcome.repaired else f"no: {outcome.refusal or found.hint or 'it had no effect'}"
        offered = found.hint if found.repair is None else found.repair.words
        cells = (found.node, found.kind, found.object, found.what, mended if repair else offered)
        overview.add_row(f"[{style}]{found.severity}[/{style}]", *map(escape, cells))
    if report.outcomes:
        answers().print(overview)
    mended_count = sum(outcome.repaired for outcome in report.outcomes)
    tail = f", {mended_count} repaired" if repair else ""
    count = len(report.outcomes)
    answers().print(f"{count} finding{'s' if count != 1 else ''}{tail}, in {report.seconds:.1f} s")
