"""Edge module: files of sysctl.d, read and applied to a namespace."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bifilar.errors import InputError

_PROC = Path("/proc/sys")


@dataclass(frozen=True, slots=True)
class Setting:
    """A kernel setting. ``key`` is its path under ``/proc/sys``; an ``optional`` one may be unknown to the kernel."""

    key: str
    value: str
    optional: bool = False


def parse(text: str, where: str = "sysctl.d") -> tuple[Setting, ...]:
    """The settings of a file in the format of sysctl.d(5), without its patterns.

    Raises:
        InputError: with the line, if it is no setting.
    """
    settings = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.strip()
        if not content or content[0] in "#;":
            continue
        key, equals, value = content.partition("=")
        name = key.strip().removeprefix("-").strip()
        if not equals or not name:
            raise InputError(f"{where}:{number}", f"{content!r} is no setting", "write KEY = VALUE")
        settings.append(Setting(_path(name), value.strip(), key.lstrip().startswith("-")))
    return tuple(settings)


def _path(name: str) -> str:
    """Dots separate unless a slash comes first; then a dot is one, as in the name of a VLAN device."""
    first = next((letter for letter in name if letter in "./"), "")
    return name.translate(str.maketrans("./", "/.")) if first == "." else name


def apply(settings: Iterable[Setting]) -> tuple[str, ...]:
    """Set in the calling thread's namespace; what the kernel refused, as ``key: why``.

    Optional settings that it doesn't know are passed over.
    """
    refused = []
    for setting in settings:
        try:
            write(setting.key, setting.value)
        except OSError as error:
            if not setting.optional:
                refused.append(f"{setting.key}: {error.strerror}")
    return tuple(refused)


def write(key: str, value: str) -> None:
    """Set one. Raises ``OSError``."""
    descriptor = os.open(_PROC / key, os.O_WRONLY)
    try:
        os.write(descriptor, value.encode())
    finally:
        os.close(descriptor)


def read(key: str) -> str | None:
    """The value of one; ``None`` if the kernel doesn't know it."""
    try:
        return (_PROC / key).read_text().strip()
    except FileNotFoundError:
        return None
