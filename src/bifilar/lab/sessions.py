"""Edge module: asks many daemons at once for their BGP and BFD sessions."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from bifilar.bird import BirdClient
from bifilar.errors import DaemonError
from bifilar.fabric.model import Device, Fabric
from bifilar.lab.places import Places

_AT_ONCE = 16
"""Daemons that are asked at the same time: more makes each of them slower."""
_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of one device: names of the BGP sessions that are Established, and of those that should be.

    ``bfd_up``: how many BFD sessions are up; each BGP session has one. ``fault``: why the daemon could not be asked.
    """

    device: str
    established: frozenset[str]
    expected: frozenset[str]
    bfd_up: int = 0
    fault: DaemonError | None = None

    @property
    def missing(self) -> frozenset[str]:
        """Expected, but not Established."""
        return self.expected - self.established


async def ask(places: Places, fabric: Fabric, devices: Iterable[Device]) -> AsyncIterator[Sessions]:
    """The sessions of devices, in the order in which they answer."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(device: Device) -> Sessions:
        expected = frozenset(session.name for session in fabric.sessions_of(device))
        async with turn:
            try:
                path = places.bird_socket(device.name)
                async with BirdClient.connect(path, timeout_s=_TIMEOUT_S, where=device.name) as bird:
                    protocols = await bird.protocols()
                    bfd_up = sum(session.is_up for session in await bird.bfd_sessions())
            except DaemonError as error:
                return Sessions(device.name, frozenset(), expected, fault=error)
        established = frozenset(p.name for p in protocols if p.proto == "BGP" and p.is_up)
        return Sessions(device.name, established, expected, bfd_up)

    for answer in asyncio.as_completed([one(device) for device in devices]):
        yield await answer
