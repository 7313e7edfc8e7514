"""The verbs ``lab ...``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bifilar.cli.options import AsJson, IntentFile, LabName, TemplateDirectory
from bifilar.cli.verbs.lab_pod import pod

if TYPE_CHECKING:
    from rich.console import Console

    from bifilar.lab import LabStatus

lab = typer.Typer(
    help="Run a fabric on this machine: a network namespace and a real BIRD for each device.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
lab.add_typer(pod, name="pod")

DeviceArgument = Annotated[
    str, typer.Argument(metavar="DEVICE", help="Such as rack0-tor1.", show_default=False)
]
_MIB = 1 << 20


@lab.command()
def up(
    intent: IntentFile,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", "-n", help="The lab's name, if there are to be several.", show_default="the fabric's"
        ),
    ] = None,
    templates: TemplateDirectory = None,
    timeout_s: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", min=0, help="How long it may take to converge.")
    ] = 120,
    wait: Annotated[
        bool, typer.Option(help="Wait until every session is up and every route is in place.")
    ] = True,
) -> None:
    """Build a lab and wait until it has converged.

    Example: `sudo bifilar lab up examples/article.yaml`
    """
    from bifilar.cli.templates import read_templates
    from bifilar.cli.terminal import answers, steps
    from bifilar.fabric import design
    from bifilar.intent import load_intent
    from bifilar.lab import Lab

    fabric = design(load_intent(intent))
    overrides = read_templates(templates)
    started = time.monotonic()
    with steps() as bars:
        built = Lab.up(fabric, intent.read_text(encoding="utf-8"), name, overrides, bars)
        built_s = time.monotonic() - started
        converged_s = built.wait_converged(timeout_s, bars) if wait else None
    console = answers()
    size = f"{len(fabric.devices)} devices, {len(fabric.links)} links"
    console.print(f"lab {built.name}: {size}, built in {built_s:.1f} s")
    if converged_s is not None:
        sessions = len(fabric.sessions) // 2
        console.print(f"all {sessions} BGP sessions up and every route in place after {converged_s:.1f} s")


@lab.command("list")
def list_labs(as_json: AsJson = False) -> None:
    """Name the labs of this machine."""
    from bifilar.cli.terminal import answers, print_json, remarks
    from bifilar.lab import Lab

    names = Lab.names()
    if as_json:
        print_json({"labs": list(names)})
    elif names:
        for name in names:
            answers().print(name)
    else:
        remarks().print("no lab; build one: bifilar lab up examples/article.yaml")


@lab.command()
def status(name: LabName = None, as_json: AsJson = False) -> None:
    """Show every device with its daemon, sessions and memory. Exit status 1 if one is not as it should be.

    Example: `sudo bifilar lab status`
    """
    from bifilar.cli.terminal import answers, print_json
    from bifilar.lab import Lab

    found = Lab.open(name).status()
    if as_json:
        print_json(_document(found))
    else:
        _print_status(found, answers())
    if not found.good:
        raise typer.Exit(1)


@lab.command("exec", context_settings={"ignore_unknown_options": True})
def execute(
    device: DeviceArgument,
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND...", help="What to run.", show_default=False)
    ],
    name: LabName = None,
) -> None:
    """Run a command inside a device; its exit status becomes this one's.

    Example: `sudo bifilar lab exec rack0-server1 -- ip route`
    """
    from bifilar.lab import Lab

    raise typer.Exit(Lab.open(name).execute(device, command))


@lab.command()
def shell(device: DeviceArgument, name: LabName = None) -> None:
    """Open a shell inside a device.

    It has the device's interfaces and routes, and this machine's files; `birdc -s $BIRD` talks to its daemon.
    """
    from bifilar.lab import Lab

    opened = Lab.open(name)
    environment = ["env", f"PS1={device}# ", f"BIRD={opened.bird_socket(device)}"]
    raise typer.Exit(opened.execute(device, [*environment, "bash", "--norc", "-i"]))


@lab.command()
def logs(
    device: DeviceArgument,
    name: LabName = None,
    lines: Annotated[int, typer.Option("--lines", "-l", min=1, help="So many of the last lines.")] = 100,
) -> None:
    """Print what a device's routing daemon has said.

    Example: `sudo bifilar lab logs rack0-tor1`
    """
    from bifilar.lab import Lab

    said = Lab.open(name).log(device).splitlines(keepends=True)
    typer.echo("".join(said[-lines:]), nl=False)


@lab.command()
def capture(
    device: DeviceArgument,
    interface: Annotated[str, typer.Argument(metavar="INTERFACE", help="Such as eth0.", show_default=False)],
    name: LabName = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write a pcap file for Wireshark.",
            show_default="one line a packet",
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option("--count", "-c", min=1, help="End after so many packets.", show_default="never"),
    ] = None,
    duration_s: Annotated[
        float | None,
        typer.Option("--seconds", "-s", min=0, help="End after so many seconds.", show_default="at Ctrl-C"),
    ] = None,
) -> None:
    """Show the packets of an interface as they pass, or write them to a file.

    Example: `sudo bifilar lab capture rack0-server1 eth0 --count 10`
    """
    from bifilar.cli.terminal import remarks
    from bifilar.lab import Lab, watch
    from bifilar.lab import capture as write

    opened = Lab.open(name)
    if out is not None:
        written = write(opened, device, interface, out, count=count, duration_s=duration_s)
        remarks().print(f"{out}: {written} packets")
        return
    for line in watch(opened, device, interface, count=count, duration_s=duration_s):
        typer.echo(line)


@lab.command()
def down(
    name: LabName = None,
    every: Annotated[bool, typer.Option("--all", help="Take down every lab of this machine.")] = False,
) -> None:
    """Take a lab down, whole or half-built, and leave nothing of it behind.

    Example: `sudo bifilar lab down`
    """
    from bifilar.cli.terminal import answers, remarks, steps
    from bifilar.errors import InputError
    from bifilar.lab import Lab

    names = Lab.names()
    if name is None and not every and len(names) > 1:
        what = f"there are several: {', '.join(names)}"
        raise InputError("lab", what, "say which: --name NAME, or --all")
    chosen = names if name is None else (name,)
    if not chosen:
        remarks().print("there is no lab on this machine")
    for one in chosen:
        with steps() as bars:
            removal = Lab.remove(one, bars)
        if not removal.found:
            remarks().print(f"there is no lab {one}")
            continue
        answers().print(f"lab {one}: removed in {removal.seconds:.1f} s")
        if removal.others:
            processes = ", ".join(map(str, removal.others))
            remarks().print(f"left alone, for they are somebody else's: processes {processes}")


def _document(found: "LabStatus") -> dict[str, object]:
    return {
        "name": found.name,
        "fabric": found.fabric,
        "good": found.good,
        "build_s": found.build_s,
        "converged_s": found.converged_s,
        "stand_ins": list(found.stand_ins),
        "notes": list(found.notes),
        "devices": [
            {
                "name": device.name,
                "role": str(device.role),
                "daemon": device.daemon,
                "pid": device.pid,
                "sessions": {
                    "up": device.sessions_up,
                    "expected": device.sessions_expected,
                    "missing": list(device.missing),
                },
                "fault": device.fault,
                "rss_bytes": device.rss_bytes,
                "memory_bytes": device.memory_bytes,
            }
            for device in found.devices
        ],
    }


def _print_status(found: "LabStatus", console: "Console") -> None:
    from rich.markup import escape

    from bifilar.cli.terminal import table

    overview = table("device", "role", "daemon", "process", "sessions up", "memory", "missing")
    for device in found.devices:
        process = str(device.pid) if device.pid is not None else "[bold red]none[/bold red]"
        sessions = f"{device.sessions_up} of {device.sessions_expected}"
        memory = f"{device.memory_bytes / _MIB:.1f} MiB"
        missing = escape(device.fault or ", ".join(device.missing))
        row = (
            device.name,
            str(device.role),
            device.daemon,
            process,
            sessions,
            memory,
            f"[red]{missing}[/red]",
        )
        overview.add_row(*row)
    console.print(overview)
    built = "unknown" if found.build_s is None else f"{found.build_s:.1f} s"
    converged = "not measured" if found.converged_s is None else f"{found.converged_s:.1f} s"
    console.print(
        f"\nlab {found.name} of fabric {found.fabric}: built in {built}, converged after {converged}"
    )
    console.print(
        f"daemons {found.daemons_up} of {len(found.devices)}; "
        f"sessions, from both sides, {found.sessions_up} of {found.sessions_expected}; "
        f"memory {found.memory_bytes / _MIB:.0f} MiB, shared pages counted once"
    )
    for stand_in in found.stand_ins:
        console.print(f"stand-in: {stand_in}", markup=False)
    for note in found.notes:
        console.print(f"note: {note}", markup=False)
