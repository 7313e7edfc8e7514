"""Composition root of the command line: every verb, in the order in which a newcomer meets them."""

from typing import Annotated

import typer

from bifilar.cli.verbs.agent import agent
from bifilar.cli.verbs.audit import audit
from bifilar.cli.verbs.check import check
from bifilar.cli.verbs.cni import cni
from bifilar.cli.verbs.doctor import doctor
from bifilar.cli.verbs.explain import explain
from bifilar.cli.verbs.lab import lab
from bifilar.cli.verbs.render import render
from bifilar.cli.verbs.schema import schema
from bifilar.cli.verbs.show import show
from bifilar.cli.verbs.verify import verify

_HELP = """\
Describe a pure layer-3 fabric in one file; see it, render it, run it on real daemons, and verify every claim.

A first walk, from a file to a verified network:

- `bifilar check examples/article.yaml`
- `sudo bifilar lab up examples/article.yaml`
- `sudo bifilar verify`
- `sudo bifilar lab down`

Exit status: 0 good; 1 something is not as it should be; 2 wrong usage or input; 3 the machine lacks something.
"""

app = typer.Typer(
    name="bifilar",
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from bifilar import __version__  # noqa: PLC0415 - reading the metadata takes longer than all help

        typer.echo(f"bifilar {__version__}")
        raise typer.Exit


@app.callback()
def _bifilar(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


for _verb in (check, show, render, schema):
    app.command(rich_help_panel="Design")(_verb)
app.add_typer(lab, name="lab", rich_help_panel="Run")
app.command(rich_help_panel="Run")(verify)
app.command(rich_help_panel="Run")(audit)
app.add_typer(explain, name="explain", rich_help_panel="Run")
app.command(rich_help_panel="Kubernetes")(agent)
app.add_typer(cni, name="cni", rich_help_panel="Kubernetes")
app.command(rich_help_panel="Machine")(doctor)
