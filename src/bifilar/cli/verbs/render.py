"""The verb ``render``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bifilar.cli.options import IntentFile, TemplateDirectory

if TYPE_CHECKING:
    from bifilar.cli.change import Tree


def render(
    intent: IntentFile,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            help="A new directory, or one that an earlier render wrote.",
            show_default="print the files of --device",
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", "-d", metavar="NAME", help="Render this device only.", show_default="all"),
    ] = None,
    templates: TemplateDirectory = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and write nothing.")
    ] = False,
) -> None:
    """Write every file of every device: `DIR/<device>/<absolute path>`.

    The directory is replaced as a whole, when all files are complete.

    Example: `bifilar render examples/article.yaml --out out/article`, or to read one device's files
    `bifilar render examples/article.yaml --device rack0-tor1`
    """
    from bifilar.cli.selection import device_named
    from bifilar.cli.templates import read_templates
    from bifilar.fabric import design
    from bifilar.intent import load_intent
    from bifilar.render import Renderer

    if out is None and device is None:
        raise typer.BadParameter("say where to write the files: --out DIR", param_hint="'--out'")
    fabric = design(load_intent(intent))
    chosen = fabric.devices if device is None else (device_named(fabric, device),)
    renderer = Renderer(fabric, read_templates(templates))
    rendered = {f"{one.name}{path}": text for one in chosen for path, text in renderer.files(one).items()}
    if out is None:
        for path, text in rendered.items():
            typer.echo(f"==> {path} <==\n{text}")
    else:
        _write(out, rendered, device, dry_run=dry_run)


def _write(out: Path, rendered: "Tree", device: str | None, *, dry_run: bool) -> None:
    from bifilar.cli import files
    from bifilar.cli.change import difference
    from bifilar.cli.terminal import answers, remarks

    directory = files.own_directory(out)
    present = files.read_tree(directory)
    if device is not None:  # the others stay as they are
        others = {path: text for path, text in present.items() if not path.startswith(f"{device}/")}
        rendered = {**others, **rendered}
    change = difference(present, rendered)
    if dry_run:
        for line in change.lines():
            answers().print(line, markup=False)
    elif change or not directory.exists():
        files.replace_directory(directory, rendered)
    remarks().print(f"{out}: {'would be ' * dry_run}{change}")
