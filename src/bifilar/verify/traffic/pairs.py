"""Pure module: who sends to whom.

All ordered pairs grow with the square of the servers. Above a limit a covering sample stands in for them: each
server with one server of every rack, its own included, and every server is a destination as often as a source.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bifilar.fabric.model import Device, Fabric, Role

T = TypeVar("T")

ALL_PAIRS_UP_TO = 100
"""So many servers send to each other, every one to every one."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Ordered pairs of devices, and in words the rule by which they were taken."""

    pairs: tuple[tuple[Device, Device], ...]
    rule: str


def server_pairs(fabric: Fabric) -> Pairs:
    """Ordered pairs of servers (and boot servers): all of them, or a covering sample."""
    servers = [device for device in fabric.devices if device.role.is_server]
    if len(servers) <= ALL_PAIRS_UP_TO:
        pairs = tuple((one, other) for one in servers for other in servers if one is not other)
        return Pairs(pairs, "every server with every other")
    racks: defaultdict[int | None, list[Device]] = defaultdict(list)
    for server in servers:
        racks[server.rack].append(server)
    return Pairs(
        tuple(sample(list(racks.values()))),
        "each server with one server of every rack, the one that stands as many places on as the rack's index",
    )


def sample(racks: Sequence[Sequence[T]]) -> Iterator[tuple[T, T]]:
    """Each member of each rack with one of every rack: the one that stands as many places on as the rack's index."""
    for members in racks:
        for place, one in enumerate(members):
            for shift, others in enumerate(racks):
                other = others[(place + shift) % len(others)]
                if other is one:
                    other = others[(place + shift + 1) % len(others)]
                if other is not one:
                    yield one, other


def core_pairs(fabric: Fabric) -> tuple[tuple[Device, Device], ...]:
    """Every core with every server."""
    cores = [device for device in fabric.devices if device.role is Role.CORE]
    return tuple((core, server) for core in cores for server in fabric.devices if server.role.is_server)
