"""Pure module: checks of names: of devices that are overridden, and of interfaces."""

from collections.abc import Iterator
from itertools import islice

from bifilar.errors import Problem
from bifilar.intent.model import Intent
from bifilar.intent.shape import device_names
from bifilar.intent.wording import nearest
from bifilar.intent.yaml_source import Source

TAKEN_INTERFACES = {"lo": "the loopback device", "node0": "the device of the management address"}
"""Names that a server's interfaces already have."""

_MOST_SUGGESTIONS = 5
"""Unknown names for which a known one is looked up; a search through all names takes its time."""

_MOST_CANDIDATES = 500
"""Names that are compared letter by letter with an unknown one."""


def unknown_devices(intent: Intent, source: Source) -> Iterator[Problem]:
    """Overrides of devices that do not exist."""
    if not intent.devices:
        return
    known = list(device_names(intent))
    unknown = sorted(intent.devices.keys() - set(known))
    for count, name in enumerate(unknown):
        meant = _nearest_device(name, known) if count < _MOST_SUGGESTIONS else None
        suggestion = f"did you mean `{meant}`? " if meant else ""
        hint = f"{suggestion}`bifilar show` lists every device"
        yield Problem(*source.key_at(("devices", name)), f"there is no device `{name}` in this fabric", hint)


def _nearest_device(wrong: str, known: list[str]) -> str | None:
    """The most similar name, among those that share the longest beginning with the wrong one."""
    if len(known) <= _MOST_CANDIDATES:
        return nearest(wrong, known)
    beginnings = (wrong[:length] for length in range(len(wrong), -1, -1))
    alike = (
        list(islice((name for name in known if name.startswith(start)), _MOST_CANDIDATES))
        for start in beginnings
    )
    return nearest(wrong, next(filter(None, alike), []))


def interface_names(intent: Intent, source: Source) -> Iterator[Problem]:
    """A server's two interfaces with one name, or with a name that another device has."""
    first, second = intent.nics
    if first == second:
        what = f"both interfaces are called `{first}`"
        yield source.problem(("nics", 1), what, "name the one towards ToR 1, then the one towards ToR 2")
    for index, name in enumerate(intent.nics):
        if name in TAKEN_INTERFACES:
            what = f"`{name}` is {TAKEN_INTERFACES[name]}"
            yield source.problem(
                ("nics", index), what, "name the server's physical interfaces, such as [eth0, eth1]"
            )
