"""The command line: composition root, one module a verb.

Exit status: 0 done and good; 1 done, and something is not as it should be; 2 wrong usage or input; 3 the machine
lacks something; 130 interrupted.
"""

import sys
from collections.abc import Sequence

import typer

from bifilar.cli.commands import app
from bifilar.cli.terminal import print_json
from bifilar.errors import BifilarError, InputError, IntentErrors

__all__ = ["app", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        arguments: without the program's name; those of the process unless told.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except BifilarError as error:
        if _wants_json(words):
            print_json(_as_json(error))
        else:
            sys.stderr.write(f"{error}\n")
        return error.exit_status


def _run(words: list[str]) -> int:
    """Typer's own ways to end, told as ours: it prints wrong usage itself, unless JSON was asked for."""
    wants_json = _wants_json(words)
    try:
        status = app(words, prog_name="bifilar", standalone_mode=not wants_json)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except typer.TyperException as wrong:
        raise InputError("usage", wrong.format_message(), "see bifilar --help") from wrong
    return status if isinstance(status, int) else 0


def _wants_json(words: Sequence[str]) -> bool:
    """Whether ``--json`` was said to us, and not to a command that ``lab exec`` runs behind ``--``."""
    own = words[: words.index("--")] if "--" in words else words
    return "--json" in own


def _as_json(error: BifilarError) -> dict[str, object]:
    document: dict[str, object] = {"error": error.as_json()}
    if isinstance(error, IntentErrors):
        document["errors"] = [
            {
                "where": f"{error.file}:{problem.line}:{problem.column}",
                "what": problem.what,
                "hint": problem.hint,
            }
            for problem in error.problems
        ]
    return document
