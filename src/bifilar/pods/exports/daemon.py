"""Edge module: whether the routing daemon has told all its neighbours of a block, or that it has gone.

That the daemon has written a withdrawal and its neighbours' kernels have taken it doesn't mean that they have acted on
it: a router whose daemon is stopped forwards as before. So a withdrawn block must rest for the hold time after this.
"""

import struct
from collections.abc import Collection, Iterator
from ipaddress import ip_address
from pathlib import Path

from bifilar.bird import BirdClient, Export, Protocol, RouteQuery
from bifilar.pods.model import Address, Prefix

_CONNECTIONS = ("/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6")
"""Those of the calling thread's namespace."""
_ESTABLISHED = "01"
_WORD = struct.Struct("=I")
_CHANNELS = {4: "ipv4", 6: "ipv6"}
_NOTHING = "REJECT"
"""How BIRD shows ``export none``."""


async def withdrawn(bird: BirdClient, prefixes: Collection[Prefix]) -> bool:
    """Whether the daemon has told every neighbour that none of these is here, and their kernels have taken it.

    Now and then it says no while a session is merely kept alive: ask again.

    Raises:
        DaemonError: it doesn't answer, or a session went down during the questions.
    """
    sessions = [protocol for protocol in await bird.bgp() if protocol.is_up]
    for session in sessions:
        for prefix in prefixes:
            if await _is_told(bird, session, prefix):
                return False
    return not _has_unsent(sessions)


async def announced(bird: BirdClient, prefixes: Collection[Prefix]) -> bool:
    """Whether the daemon announces each of these to every neighbour that it has a session with, one at least.

    The neighbours may hear of it a moment later. Sessions that export nothing at all, such as that with a load
    balancer's speaker, don't count.

    Raises:
        DaemonError: it doesn't answer, or a session went down during the questions.
    """
    sessions = [protocol for protocol in await bird.bgp() if protocol.is_up]
    for prefix in prefixes:
        listeners = [session for session in sessions if _exports(session, prefix)]
        if not listeners:
            return False
        for session in listeners:
            if not await _is_told(bird, session, prefix):
                return False
    return True


async def _is_told(bird: BirdClient, session: Protocol, prefix: Prefix) -> bool:
    query = RouteQuery(within=prefix, export=Export.SENT, exported_to=session.name)
    return any(route.network == prefix for route in await bird.routes(query))


def _exports(session: Protocol, prefix: Prefix) -> bool:
    channel = session.channel(_CHANNELS[prefix.version])
    return channel is not None and channel.output_filter != _NOTHING


def _has_unsent(sessions: Collection[Protocol]) -> bool:
    """Whether a neighbour's kernel has not acknowledged all that the daemon wrote to it."""
    ends = {
        (session.bgp.source_address, session.bgp.neighbour_address)
        for session in sessions
        if session.bgp is not None
    }
    return any(unsent and (local, remote) in ends for local, remote, unsent in _connections())


def _connections() -> Iterator[tuple[Address, Address, int]]:
    """Local address, remote address and bytes not acknowledged, of each TCP connection."""
    for path in _CONNECTIONS:
        try:
            rows = Path(path).read_text().splitlines()[1:]
        except FileNotFoundError:
            continue  # a kernel without IPv6
        for row in rows:
            _, local, remote, state, queues, *_ = row.split()
            if state == _ESTABLISHED:
                yield _address(local), _address(remote), int(queues.partition(":")[0], 16)


def _address(text: str) -> Address:
    """``0200000A:8863``: words in the machine's byte order, and the port."""
    digits = text.partition(":")[0]
    words = (int(digits[place : place + 8], 16) for place in range(0, len(digits), 8))
    return ip_address(b"".join(map(_WORD.pack, words)))
