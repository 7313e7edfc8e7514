"""Value module: arguments and options that several verbs share, with one wording each."""

from pathlib import Path
from typing import Annotated

import typer

IntentFile = Annotated[
    Path,
    typer.Argument(
        metavar="INTENT",
        help="The intent file. See docs/reference/intent.md for every key.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]
LabName = Annotated[
    str | None,
    typer.Option("--name", "-n", help="Which lab, where there are several.", show_default="the only one"),
]
TemplateDirectory = Annotated[
    Path | None,
    typer.Option(
        "--templates",
        metavar="DIR",
        help="Templates of yours, such as DIR/bird/tor.conf.j2, instead of the built-in ones of the same name.",
        show_default=False,
    ),
]
