"""BIRD's control socket: its protocol, typed answers, and a client. Knows BIRD from 2.0.12 and 3.

Layers, each usable without the next:

- :mod:`~bifilar.bird.protocol`: the framing, bytes in and replies out, without I/O (:class:`ReplyParser`);
- :mod:`~bifilar.bird.reading`: from a reply to values (:func:`read_routes`, :func:`read_protocols`, ...);
- :mod:`~bifilar.bird.client`: an asyncio session (:class:`BirdClient`);
- :mod:`~bifilar.bird.binary`: the installed program, and what it thinks of a configuration;
- :mod:`~bifilar.bird.releases`: a BIRD 3 beside it.

::

    async with BirdClient.connect("/run/bird/bird.ctl", timeout_s=5, where="rack0-tor1") as bird:
        for session in await bird.bgp():
            print(session.name, session.bgp.state, session.channel("ipv4").routes.imported)
        for route in await bird.routes(RouteQuery(primary=True)):
            print(route.network, [hop.address for hop in route.next_hops])

Every error is a :class:`~bifilar.errors.DaemonError` that names the daemon, or an
:class:`~bifilar.errors.InputError` for a command that can't be one.
"""

from bifilar.bird.answers import (
    Address,
    BfdSession,
    BgpDetails,
    Channel,
    Memory,
    MemoryUse,
    Moment,
    Protocol,
    RouteChanges,
    RouteCounts,
    Status,
)
from bifilar.bird.binary import bird_command, bird_version, parse_check
from bifilar.bird.client import BirdClient
from bifilar.bird.commands import Direction, Export, RouteQuery
from bifilar.bird.protocol import CodeClass, Printout, Reply, ReplyLine, ReplyParser
from bifilar.bird.reading.bfd import read_bfd_sessions
from bifilar.bird.reading.protocols import read_protocols
from bifilar.bird.reading.routes import read_routes
from bifilar.bird.reading.status import read_memory, read_status
from bifilar.bird.releases import OLDEST_BIRD3, bird3_command
from bifilar.bird.route import AsPath, BgpAttributes, NextHop, Prefix, Route, RouteKind, networks

__all__ = [
    "OLDEST_BIRD3",
    "Address",
    "AsPath",
    "BfdSession",
    "BgpAttributes",
    "BgpDetails",
    "BirdClient",
    "Channel",
    "CodeClass",
    "Direction",
    "Export",
    "Memory",
    "MemoryUse",
    "Moment",
    "NextHop",
    "Prefix",
    "Printout",
    "Protocol",
    "Reply",
    "ReplyLine",
    "ReplyParser",
    "Route",
    "RouteChanges",
    "RouteCounts",
    "RouteKind",
    "RouteQuery",
    "Status",
    "bird3_command",
    "bird_command",
    "bird_version",
    "networks",
    "parse_check",
    "read_bfd_sessions",
    "read_memory",
    "read_protocols",
    "read_routes",
    "read_status",
]
