"""The verbs ``cni install`` and ``cni uninstall``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bifilar.cli.options import AsJson

if TYPE_CHECKING:
    from bifilar.pods.plugin import FileChange

cni = typer.Typer(
    help="Tell container runtimes of the pod network: the plugin and its configuration.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

_BinaryDirectory = Annotated[Path, typer.Option("--bin-dir", help="Where the runtime looks for plugins.")]
_ListDirectory = Annotated[
    Path, typer.Option("--conf-dir", help="Where the runtime looks for network configurations.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")]
_BINARIES = Path("/opt/cni/bin")
_LISTS = Path("/etc/cni/net.d")


@cni.command()
def install(
    *,
    bin_dir: _BinaryDirectory = _BINARIES,
    conf_dir: _ListDirectory = _LISTS,
    socket: Annotated[Path, typer.Option(help="Where the node's agent answers.")] = Path(
        "/run/bifilar/cni.sock"
    ),
    name: Annotated[
        str, typer.Option(help="The network's name; the agent has to be told the same.")
    ] = "bifilar",
    cni_version: Annotated[
        str,
        typer.Option(
            help="What the runtime is to speak, and every plugin of the chain has to: 1.0.0 or 1.1.0."
        ),
    ] = "1.0.0",
    chain: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PLUGIN",
            help="A plugin behind ours: portmap, bandwidth or tuning; may be given again.",
            show_default="none",
        ),
    ] = None,
    dry_run: _DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Put the plugin and its network configuration where a container runtime looks for them.

    Each file is replaced as a whole or not at all; those of other plugins stay as they are.

    Example: `sudo bifilar cni install --chain portmap --chain bandwidth`
    """
    from bifilar.errors import InputError
    from bifilar.pods import plugin
    from bifilar.pods.cni import VERSIONS
    from bifilar.pods.cni.network_list import network_list

    wanted = tuple(chain or ())
    if cni_version not in VERSIONS:
        raise InputError("--cni-version", f"{cni_version!r} is unknown", f"one of {', '.join(VERSIONS)}")
    try:
        text = network_list(name, VERSIONS[cni_version], socket, wanted)
    except ValueError as error:
        raise InputError("bifilar cni install", str(error), "see bifilar cni install --help") from error
    changes = plugin.plan_install(bin_dir, conf_dir, text)
    remarks = [
        *(f"{file} comes first: runtimes take that network" for file in plugin.preferred_to(conf_dir)),
        *(
            f"{bin_dir} has no {missing}: no pod will start"
            for missing in plugin.missing_plugins(bin_dir, wanted)
        ),
    ]
    _carry_out(changes, remarks, dry_run=dry_run, as_json=as_json)


@cni.command()
def uninstall(
    *,
    bin_dir: _BinaryDirectory = _BINARIES,
    conf_dir: _ListDirectory = _LISTS,
    dry_run: _DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove the plugin and its network configuration; running pods keep their network.

    Example: `sudo bifilar cni uninstall`
    """
    from bifilar.pods import plugin

    _carry_out(plugin.plan_uninstall(bin_dir, conf_dir), [], dry_run=dry_run, as_json=as_json)


def _carry_out(
    changes: "tuple[FileChange, ...]", remarks: list[str], *, dry_run: bool, as_json: bool
) -> None:
    from bifilar.cli import terminal
    from bifilar.pods import plugin

    if not dry_run:
        plugin.apply(changes)
    if as_json:
        files = [{"path": str(change.path), "effect": str(change.effect)} for change in changes]
        terminal.print_json({"applied": not dry_run, "files": files, "remarks": remarks})
        return
    for change in changes:
        terminal.answers().print(f"{'would be ' * dry_run}{change.effect}: {change.path}", markup=False)
    for remark in remarks:
        terminal.remarks().print(f"note: {remark}", markup=False)
