"""Value module: how a long operation says how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Is told of each step: its name, and that ``done`` of ``total`` parts of it are ready. Called often."""

    def __call__(self, step: str, done: int, total: int, /) -> None:
        """Show it, or don't."""


def silent(_step: str, _done: int, _total: int, /) -> None:
    """Show nothing."""
