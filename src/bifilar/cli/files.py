"""Edge module: files and directories that are replaced as a whole, or not at all.

A directory of ours bears a marker that names its files. One with any other file in it is left alone.
"""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bifilar.cli.change import Tree
from bifilar.errors import InputError, OperationError

MARKER = ".bifilar"
_MARKER_TEXT = "Written by `bifilar render`, which replaces this directory as a whole. The files:"


def own_directory(directory: Path) -> Path:
    """The directory with its links followed, if it is ours to replace: missing, empty, or with our files alone.

    Raises:
        InputError: it is none of them.
    """
    resolved = directory.resolve()
    if not resolved.exists():
        return resolved
    if not resolved.is_dir():
        raise InputError(str(directory), "this is not a directory", "name a directory")
    with _os_errors(directory):
        marker = resolved / MARKER
        own = set(marker.read_text(encoding="utf-8").splitlines()[1:]) if marker.is_file() else set()
        foreign = sorted(set(_files_below(resolved)) - own)
    if foreign:
        what = f"there is a file here that bifilar did not write: {foreign[0]}"
        hint = "name a new directory, or move that file; what `bifilar render` writes it replaces as a whole"
        raise InputError(str(directory), what, hint)
    return resolved


def _files_below(directory: Path) -> Iterator[str]:
    """Everything below a directory that is no directory, but the marker."""
    for path in directory.rglob("*"):
        if (path.is_symlink() or not path.is_dir()) and path != directory / MARKER:
            yield str(path.relative_to(directory))


def read_tree(directory: Path) -> dict[str, str]:
    """Every file below a directory, but the marker; nothing if there is no such directory."""
    with _os_errors(directory):
        return {
            path: (directory / path).read_text(encoding="utf-8", errors="replace")
            for path in _files_below(directory)
        }


def replace_directory(directory: Path, tree: Tree) -> None:
    """Make a directory hold these files and the marker, and no others.

    They are written beside it first and take its place when they are complete, so that whoever looks, or whoever
    interrupts, finds the old files or the new ones and never a mixture.
    """
    new = directory.with_name(f".{directory.name}.new-{os.getpid()}")
    old = directory.with_name(f".{directory.name}.old-{os.getpid()}")
    with _os_errors(directory):
        _clean_up_after_killed(directory)
        try:
            new.mkdir(parents=True)
            (new / MARKER).write_text("\n".join([_MARKER_TEXT, *sorted(tree)]) + "\n", encoding="utf-8")
            _write(new, tree)
            if directory.exists():
                directory.rename(old)
            new.rename(directory)
        finally:
            if old.exists() and not directory.exists():  # interrupted between the two
                old.rename(directory)
            for left in (new, old):
                shutil.rmtree(left, ignore_errors=True)  # it need not exist


def _clean_up_after_killed(directory: Path) -> None:
    """Finish what processes that were killed within :func:`replace_directory` have left."""
    for left in directory.parent.glob(f".{glob.escape(directory.name)}.*-*"):
        kind, _, pid = left.name.removeprefix(f".{directory.name}.").partition("-")
        if kind in ("new", "old") and pid.isdigit() and not Path("/proc", pid).exists():
            if kind == "old" and not directory.exists():
                left.rename(directory)
            else:
                shutil.rmtree(left)


def replace_file(path: Path, text: str) -> None:
    """Write a file beside its place and move it there when it is complete."""
    new = path.with_name(f".{path.name}.new-{os.getpid()}")
    with _os_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(text, encoding="utf-8")
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)


def _write(directory: Path, tree: Tree) -> None:
    """Write into an empty directory. Paths are strings here: a large fabric has 70,000 files, and Path is slow."""
    made: set[str] = set()
    for relative, text in tree.items():
        name = f"{directory}/{relative}"
        parent = name.rpartition("/")[0]
        if parent not in made:
            os.makedirs(parent, exist_ok=True)  # noqa: PTH103 - see above
            made.add(parent)
        with open(name, "xb", buffering=0) as file:  # noqa: PTH123 - see above
            file.write(text.encode())


@contextmanager
def _os_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = "look at free space, owner and permissions"
        raise OperationError(str(error.filename or path), reason, hint) from error
