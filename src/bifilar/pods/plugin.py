"""Edge module: the plugin's binary and the network configuration list, put where a runtime looks for them.

What is there is observed, the difference planned, and the plan applied, file by file: each is written beside its
place and moved there when it is complete. Files of others are never touched.
"""

import os
import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bifilar.errors import InputError, MachineError, OperationError
from bifilar.pods.cni import network_list

DEFAULT_SOCKET = Path("/run/bifilar/cni.sock")
"""Where the plugin asks if the network configuration has no ``socket``; compiled into it."""

_BUILT = "bifilar-cni"
_LIST = "10-bifilar.conflist"
_LIST_SUFFIXES = {".conf", ".conflist", ".json"}
"""Runtimes read files with these."""


class Effect(StrEnum):
    """What happens to a file."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class FileChange:
    """What is to become of a file; ``content`` is empty for one that is removed."""

    path: Path
    effect: Effect
    content: bytes = b""
    mode: int = 0o644


def binary() -> Path:
    """The plugin, as it was built together with this package.

    Raises:
        MachineError: it isn't there.
    """
    built = Path(sysconfig.get_path("scripts"), _BUILT)
    if built.is_file():
        return built
    elsewhere = shutil.which(_BUILT)
    if elsewhere is None:
        raise MachineError(_BUILT, "the plugin is missing", "install bifilar with its dependency bifilar-cni")
    return Path(elsewhere)


def plan_install(binaries: Path, lists: Path, text: str) -> tuple[FileChange, ...]:
    """The changes that put plugin and list into place; the binary first, as the list makes a runtime use it.

    Args:
        binaries: where the runtime looks for plugins.
        lists: where it looks for network configuration lists.
        text: the list.

    Raises:
        InputError: a file of another is in the place of one of ours.
        MachineError: the plugin isn't there.
        OperationError: a file can't be read.
    """
    return (
        _change(binaries / network_list.PLUGIN, _read(binary()) or b"", 0o755, _seen_binary(binaries)),
        _change(lists / _LIST, text.encode(), 0o644, _seen_list(lists)),
    )


def plan_uninstall(binaries: Path, lists: Path) -> tuple[FileChange, ...]:
    """The changes that remove plugin and list; the list first, so that no runtime looks for a plugin that is gone.

    Raises:
        InputError: a file of another is in the place of one of ours.
        OperationError: a file can't be read.
    """
    seen = {
        lists / _LIST: _seen_list(lists),
        binaries / network_list.PLUGIN: _seen_binary(binaries),
    }
    return tuple(FileChange(path, Effect.REMOVED) for path, content in seen.items() if content is not None)


def apply(changes: tuple[FileChange, ...]) -> None:
    """Make the changes, in order.

    Raises:
        OperationError: a file can't be written or removed; those before it are.
    """
    for change in changes:
        with _os_errors(change.path):
            if change.effect is Effect.REMOVED:
                change.path.unlink(missing_ok=True)
            elif change.effect is not Effect.UNCHANGED:
                _replace(change)


def preferred_to(lists: Path) -> tuple[str, ...]:
    """Lists of others that a runtime takes before ours, as it takes the first by name."""
    with _os_errors(lists):
        present = lists.iterdir() if lists.is_dir() else ()
        return tuple(
            sorted(path.name for path in present if path.suffix in _LIST_SUFFIXES and path.name < _LIST)
        )


def missing_plugins(binaries: Path, chain: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a chain that the runtime won't find."""
    return tuple(plugin for plugin in chain if not (binaries / plugin).is_file())


def _seen_binary(directory: Path) -> bytes | None:
    path = directory / network_list.PLUGIN
    content = _read(path)
    if content is not None and str(DEFAULT_SOCKET).encode() not in content:
        raise InputError(str(path), "this is not our plugin", "name another --bin-dir, or move that file")
    return content


def _seen_list(directory: Path) -> bytes | None:
    path = directory / _LIST
    content = _read(path)
    if content is not None and not network_list.is_ours(content.decode(errors="replace")):
        what = f"this list does not begin with the plugin {network_list.PLUGIN!r}, so it is somebody else's"
        raise InputError(str(path), what, "name another --conf-dir, or move that file")
    return content


def _change(path: Path, content: bytes, mode: int, seen: bytes | None) -> FileChange:
    if seen is None:
        effect = Effect.ADDED
    elif seen == content and path.stat().st_mode & 0o777 == mode:
        effect = Effect.UNCHANGED
    else:
        effect = Effect.CHANGED
    return FileChange(path, effect, content, mode)


def _read(path: Path) -> bytes | None:
    with _os_errors(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def _replace(change: FileChange) -> None:
    """Write beside the place, to the disk, and move. The temporary name has no suffix that a runtime would read."""
    new = change.path.with_name(f".{change.path.name}.new-{os.getpid()}")
    try:
        change.path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as file:
            os.fchmod(file.fileno(), change.mode)
            file.write(change.content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(change.path)
    finally:
        new.unlink(missing_ok=True)


@contextmanager
def _os_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OperationError(str(path), reason, "be root, and look at free space") from error
