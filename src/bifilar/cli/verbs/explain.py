"""The verbs ``explain ...``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant

from typing import TYPE_CHECKING, Annotated

import typer

from bifilar.cli.options import AsJson, LabName

if TYPE_CHECKING:
    from bifilar.lab.explaining import PodExplanation
    from bifilar.pods.explanation import Explanation

explain = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@explain.callback()
def _explain() -> None:
    """Say why something is as it is."""
    # Without this, Typer would take the only verb for all there is, and drop its name.


@explain.command()
def pool(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="NAMESPACE[/POD]", help="A Kubernetes namespace, or one of its pods.", show_default=False
        ),
    ],
    lab: LabName = None,
    store: Annotated[
        str | None,
        typer.Option("--store", help="Look into this store, `sqlite:PATH`.", show_default="a lab's"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which pool a namespace's pods get their addresses from, why, and what there is left of it.

    Example: `sudo bifilar explain pool default/web`
    """
    from bifilar.cli.terminal import print_json

    namespace, slash, name = subject.partition("/")
    found = _in_lab(lab, namespace, name or None) if store is None else _in_store(store, namespace)
    pod = found.pod
    if as_json:
        named = None if pod is None else {**pod.as_json(), "block": found.block}
        print_json({**found.pools.as_json(), "pod": named})
    else:
        _print(found.pools)
        if slash:
            _print_pod(found, name, in_lab=store is None)
    if found.pools.pool is None:
        raise typer.Exit(1)


def _in_lab(lab: str | None, namespace: str, pod: str | None) -> "PodExplanation":
    from bifilar.lab import Lab

    return Lab.open(lab).explain_pool(namespace, pod)


def _in_store(text: str, namespace: str) -> "PodExplanation":
    from contextlib import closing

    from bifilar.agent import open_store
    from bifilar.lab.explaining import PodExplanation
    from bifilar.pods.explanation import explain as run

    with closing(open_store(text)) as store:
        holders = ((assignment.block, assignment.node) for assignment in store.blocks())
        return PodExplanation(
            run(namespace, store.annotations(namespace), store.pools(), holders, None), None
        )


def _print(pools: "Explanation") -> None:
    from rich.markup import escape

    from bifilar.cli.terminal import answers, table

    out = answers()
    out.print(f"pool {escape(pools.choice.pool)}: {escape(pools.choice.why)}")
    if pools.pool is None:
        out.print("[bold red]there is no such pool[/bold red]: its pods get no address")
        return
    for subnet in pools.pool.subnets:
        out.print(f"subnet {' and '.join(map(str, subnet.prefixes()))}")
    size = 1 << pools.pool.block_size_bits
    out.print(f"blocks of {size} addresses; {pools.free_blocks} of them are nobody's")
    if pools.free_addresses is not None:
        out.print(f"{pools.free_addresses} addresses are free")
    if not pools.holdings:
        return
    overview = table("block", "node", "prefixes", "used")
    for holding in pools.holdings:
        node = holding.node or "nobody's"
        state = (
            "reserved"
            if holding.block.reserved
            else "not known"
            if holding.used is None
            else str(holding.used)
        )
        prefixes = ", ".join(map(str, holding.block.prefixes()))
        overview.add_row(holding.block.name, node, prefixes, state)
    out.print(overview)


def _print_pod(found: "PodExplanation", name: str, *, in_lab: bool) -> None:
    from bifilar.cli.terminal import answers

    if found.pod is not None:
        addresses = ", ".join(map(str, found.pod.addresses)) or "no address"
        whence = f"from block {found.block}" if found.block else "from no block of this pool"
        answers().print(f"pod {found.pod.name} on {found.pod.device}: {addresses}, {whence}")
    elif in_lab:
        answers().print(f"pod {name} isn't there; it would get an address of this pool", markup=False)
    else:
        answers().print(f"pod {name}: the store doesn't know pods; ask its node", markup=False)
