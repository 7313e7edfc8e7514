"""The verbs ``lab pod ...``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant

from pathlib import Path
from typing import Annotated

import typer

from bifilar.cli.options import AsJson, LabName

pod = typer.Typer(
    help="Run pods in a lab: containers with an address of their own that the whole fabric reaches.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

PodArgument = Annotated[str, typer.Argument(metavar="POD", help="The pod's name.", show_default=False)]


@pod.command(context_settings={"ignore_unknown_options": True})
def run(
    name: PodArgument,
    device: Annotated[
        str,
        typer.Option("--on", metavar="DEVICE", help="The server it is to run on.", show_default=False),
    ],
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- COMMAND...", help="What to run in its image.", show_default=False),
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", help="Its Kubernetes namespace.")] = "default",
    pool: Annotated[
        str | None,
        typer.Option(
            "--pool",
            metavar="POOL",
            help="Have the namespace take its addresses from this pool from now on.",
            show_default="the namespace's, else default",
        ),
    ] = None,
    netns: Annotated[
        str | None,
        typer.Option(
            "--netns",
            metavar="NAME",
            help="Attach this network namespace, a name or a path, and start nothing in it.",
            show_default="a new one",
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(
            "--image",
            metavar="ROOT",
            exists=True,
            help="A directory, or a tar file of one, that the command sees as its root.",
            show_default="none: an empty pod that waits",
        ),
    ] = None,
    lab: LabName = None,
) -> None:
    """Make a pod on a server and attach it, as a container runtime would.

    Example: `sudo bifilar lab pod run web --on rack0-server1`
    """
    from bifilar.cli.terminal import answers
    from bifilar.errors import InputError
    from bifilar.kernel import namespaces
    from bifilar.lab import Lab

    if (image is None) != (not command):
        raise InputError("pod", "an image and a command go together", "such as --image ROOT -- /bin/server")
    if image is not None and netns is not None:
        raise InputError(
            "pod", "nothing is started in a namespace that was there", "leave out --image or --netns"
        )
    made = Lab.open(lab).pods.run(
        name,
        device,
        namespace=namespace,
        pool=pool,
        netns=None if netns is None else namespaces.path_of(netns),
        image=image,
        command=command or (),
    )
    answers().print(f"pod {made.name} on {made.device}: {', '.join(map(str, made.addresses))}")


@pod.command("ls")
def list_pods(lab: LabName = None, as_json: AsJson = False) -> None:
    """Show the pods of a lab.

    Example: `sudo bifilar lab pod ls`
    """
    from bifilar.cli.terminal import answers, print_json, remarks, table
    from bifilar.lab import Lab

    pods = Lab.open(lab).pods
    found = pods.all()
    if as_json:
        print_json({"pods": [{**one.as_json(), "processes": list(pods.processes(one))} for one in found]})
        return
    if not found:
        remarks().print("no pod; make one: bifilar lab pod run NAME --on DEVICE")
        return
    overview = table("pod", "namespace", "device", "addresses", "process")
    for one in found:
        addresses = ", ".join(map(str, one.addresses)) or "[bold red]not attached[/bold red]"
        processes = pods.processes(one)
        process = "not ours" if one.lent else str(processes[0]) if processes else "[bold red]ended[/bold red]"
        overview.add_row(one.name, one.namespace, one.device, addresses, process)
    answers().print(overview)


@pod.command("exec", context_settings={"ignore_unknown_options": True})
def execute(
    name: PodArgument,
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND...", help="What to run.", show_default=False)
    ],
    lab: LabName = None,
) -> None:
    """Run a command inside a pod; its exit status becomes this one's.

    A pod without an image has this machine's files.

    Example: `sudo bifilar lab pod exec web -- ip route`
    """
    from bifilar.lab import Lab

    raise typer.Exit(Lab.open(lab).pods.execute(name, command))


@pod.command("rm")
def remove(
    names: Annotated[
        list[str], typer.Argument(metavar="POD...", help="The pods' names.", show_default=False)
    ],
    lab: LabName = None,
) -> None:
    """Detach pods, and end them.

    Example: `sudo bifilar lab pod rm web`
    """
    from bifilar.cli.terminal import answers
    from bifilar.lab import Lab

    pods = Lab.open(lab).pods
    for name in names:
        pods.remove(name)
        answers().print(f"pod {name}: removed")
