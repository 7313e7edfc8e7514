"""Pure module: what it takes for the files of a directory to become others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Tree = Mapping[str, str]
"""Text by path, relative to a directory."""


@dataclass(frozen=True, slots=True)
class Change:
    """What writing a tree does to the files that are there; paths in order."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def lines(self) -> Iterator[str]:
        """One line for each file that changes: ``+`` added, ``~`` changed, ``-`` removed."""
        signs = {
            **dict.fromkeys(self.added, "+"),
            **dict.fromkeys(self.changed, "~"),
            **dict.fromkeys(self.removed, "-"),
        }
        yield from (f"{sign} {path}" for path, sign in sorted(signs.items()))

    def __str__(self) -> str:
        return (
            f"{len(self.added)} added, {len(self.changed)} changed, {len(self.removed)} removed, "
            f"{self.unchanged} unchanged"
        )


def difference(old: Tree, new: Tree) -> Change:
    """What has to happen to ``old`` for it to become ``new``."""
    common = old.keys() & new.keys()
    changed = sorted(path for path in common if old[path] != new[path])
    return Change(
        tuple(sorted(new.keys() - old.keys())),
        tuple(changed),
        tuple(sorted(old.keys() - new.keys())),
        len(common) - len(changed),
    )
