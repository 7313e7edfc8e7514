"""Edge module: files of sysctl.d, read and applied to a namespace."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bifilar.errors import InputError, MachineError

_PROC = Path("/proc/sys")
_SWAP = str.maketrans("./", "/.")


@dataclass(frozen=True, slots=True)
class Setting:
    """A kernel setting, as sysctl.d(5) has it.

    Attributes:
        key: such as ``net.ipv4.ip_forward``, or ``net/ipv4/conf/eth0.100/rp_filter`` where a name has a dot.
        value: what is written.
        optional: the kernel may refuse it, or not know it.
    """

    key: str
    value: str
    optional: bool = False


def parse(text: str, where: str = "sysctl.d") -> list[Setting]:
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
        settings.append(Setting(name, value.strip(), optional=key.startswith("-")))
    return settings


def apply(settings: Iterable[Setting]) -> None:
    """Write settings in the calling thread's namespace, in their order.

    Raises:
        MachineError: with the key, at the first that is not optional and that the kernel doesn't know or take.
    """
    for setting in settings:
        try:
            # Without O_CREAT, and in one write: the kernel takes each write for a whole value.
            with path_of(setting.key).open("r+b", buffering=0) as file:
                file.write(setting.value.encode())
        except OSError as error:
            if not setting.optional:
                raise MachineError(
                    setting.key,
                    f"can't be set to {setting.value!r}: {error.strerror}",
                    "is this kernel built with it? '-' before the key makes it optional",
                ) from error


def read(key: str) -> str | None:
    """The value of a setting in the calling thread's namespace; ``None`` if the kernel doesn't know it."""
    try:
        return path_of(key).read_text().strip()
    except FileNotFoundError:
        return None


def path_of(key: str) -> Path:
    """The file of a setting. Dots separate, unless a slash comes first: then a dot is one."""
    first = next((letter for letter in key if letter in "./"), "")
    return _PROC / (key.translate(_SWAP) if first == "." else key)
