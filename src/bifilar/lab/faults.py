"""Edge module: faults of devices."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from bifilar.errors import MachineError
from bifilar.fabric.model import Device, DeviceName, InterfaceKind

T = TypeVar("T")

_TABLE = "netdev bifilar-silence"
_AHEAD = -500
"""Before whatever else looks at packets."""
_CABLES = frozenset({InterfaceKind.PORT, InterfaceKind.BRIDGE_PORT})


class Namespaces(Protocol):
    """Where devices are."""

    def run_in(self, device: DeviceName, function: Callable[[], T]) -> T:
        """Call a function inside a device's namespace."""


@contextmanager
def silenced(namespaces: Namespaces, device: Device) -> Iterator[None]:
    """Lose every packet to and from a device meanwhile, bridged ones too, while its links stay up.

    To its neighbours it is dead, and only BFD can tell them: the worst way in which a device can fail.

    Raises:
        MachineError: this machine has no nft, or its kernel can't.
    """
    cables = ", ".join(f'"{one.name}"' for one in device.interfaces if one.kind in _CABLES)
    lose = f"devices = {{ {cables} }} priority {_AHEAD}; policy drop;"
    # Made, removed and made: whatever an earlier command that was killed left is replaced.
    _nft(
        namespaces,
        device,
        f"table {_TABLE} {{}}\ndelete table {_TABLE}\n"
        f"table {_TABLE} {{\n"
        f"  chain in {{ type filter hook ingress {lose} }}\n"
        f"  chain out {{ type filter hook egress {lose} }}\n"
        "}\n",
    )
    try:
        yield
    finally:
        _nft(namespaces, device, f"delete table {_TABLE}\n")


def _nft(namespaces: Namespaces, device: Device, script: str) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["nft", "-f", "-"],
            input=script,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )

    try:
        ended = namespaces.run_in(device.name, run)
    except FileNotFoundError as error:
        raise MachineError(
            "nft", "isn't there: packets can't be dropped", "apt-get install nftables"
        ) from error
    if ended.returncode:
        said = (ended.stderr.strip().splitlines() or ["without a word"])[0]
        raise MachineError(device.name, f"nft refuses to drop packets: {said}", "use Linux 5.16 or newer")
