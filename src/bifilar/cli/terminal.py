"""Edge module: what goes to the terminal.

Standard output carries the answer: a table for people, or with ``--json`` one document. Everything else (progress,
remarks, errors) goes to standard error, so that an answer can always be piped on.
"""

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNWATCHED_WIDTH = 200
"""Columns when the output is no terminal: a table in a file or a log is not folded."""


def answers() -> Console:
    """Standard output, for people."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _UNWATCHED_WIDTH)


def remarks() -> Console:
    """Standard error."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: object) -> None:
    """Write one document to standard output."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the house's look: no lines, so that grep and awk can work with it."""
    made = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in columns:
        made.add_column(column, header_style="dim", overflow="fold")
    return made


class Steps:
    """A bar for each step of a long operation; called as labs and checks tell how far they are."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, done: int, total: int, /) -> None:
        """``done`` of ``total`` parts of the step ``name`` are ready."""
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)


@contextmanager
def steps() -> "Iterator[Steps]":
    """Bars on standard error if that is a terminal; silent elsewhere. They vanish at the end."""
    console = remarks()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        yield Steps(bars)
