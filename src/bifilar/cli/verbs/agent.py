"""The verb ``agent``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant

from pathlib import Path
from typing import Annotated

import typer

_STORES = "`sqlite:PATH`, the pools in a file."


def agent(
    *,
    node: Annotated[str, typer.Option(help="This node's name in the store.", show_default=False)],
    store: Annotated[
        str, typer.Option(help=f"Where pools and blocks are kept: {_STORES}", show_default=False)
    ],
    management: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS[,ADDRESS]",
            help="The node's management addresses, one a family: the gateway of its pods.",
            show_default="those of node0",
        ),
    ] = "",
    socket: Annotated[Path, typer.Option(help="Where the plugin asks.")] = Path("/run/bifilar/cni.sock"),
    bird_socket: Annotated[Path, typer.Option(help="The control socket of the node's BIRD.")] = Path(
        "/run/bird/bird.ctl"
    ),
    network: Annotated[
        str, typer.Option(help="Name of the network in the runtime's configuration.")
    ] = "bifilar",
    mtu: Annotated[int, typer.Option(min=1280, max=65535, help="Of the pods' interfaces, in bytes.")] = 1500,
    cool_down: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="An address isn't used again for so long.")
    ] = 30,
    settle: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="A withdrawn block isn't given back for so long: the hold time of the BGP sessions.",
        ),
    ] = 240,
    idle: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="A block unused for so long is given back.")
    ] = 600,
    add_timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="An ADD waits so long for a block.")
    ] = 10,
    announce: Annotated[
        bool, typer.Option("--announce", help="An ADD returns only when its block has been announced.")
    ] = False,
    metrics: Annotated[
        str, typer.Option(metavar="ADDRESS:PORT", help="Where Prometheus reads.", show_default="nowhere")
    ] = "",
) -> None:
    """Run the node's part of the pod network: the agent that the CNI plugin asks.

    It logs JSON lines to standard error, reads its store again on SIGHUP, and ends on SIGTERM. Running pods don't
    notice that it ends, however it does.

    Example: `sudo bifilar agent --node rack0-server1 --store sqlite:/var/lib/bifilar/pods.sqlite`
    """
    from bifilar import agent as root
    from bifilar.pods.model import NodeName
    from bifilar.pods.node.settings import Settings

    settings = Settings(
        node=NodeName(node),
        management=root.management_addresses(management),
        network=network,
        mtu=mtu,
        cool_down_s=cool_down,
        settle_s=settle,
        idle_s=idle,
        add_timeout_s=add_timeout,
        announce=announce,
    )
    root.run(settings, store=store, socket=socket, bird_socket=bird_socket, metrics=metrics)
