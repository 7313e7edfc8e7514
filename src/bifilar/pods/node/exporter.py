"""Edge module: the kernel's tables and the routing daemon of the node, as far as blocks are concerned."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

from bifilar.bird import BirdClient
from bifilar.kernel import routes
from bifilar.pods import exports
from bifilar.pods.model import Prefix
from bifilar.pods.numbers import EXPORT_TABLE, POD_TABLE, ROUTE_PROTOCOL

_TIMEOUT_S = 5.0


class NodeExporter:
    """Works in the namespace of the calling thread. Usable from any thread.

    Args:
        bird_socket: the control socket of the node's BIRD.
    """

    def __init__(self, bird_socket: Path) -> None:
        self._bird_socket = bird_socket

    def sync(self, exported: Iterable[Prefix], guarded: Iterable[Prefix]) -> None:
        """Make the tables hold exactly these.

        Raises:
            BifilarError: the kernel refuses.
        """
        seen_exports = routes.dump(EXPORT_TABLE, ROUTE_PROTOCOL)
        seen_guards = [route for route in routes.dump(POD_TABLE, ROUTE_PROTOCOL) if not route.next_hops]
        exports.apply(exports.plan(exported, guarded, seen_exports, seen_guards))

    def withdrawn(self, prefixes: Iterable[Prefix]) -> bool:
        """Whether the daemon has told all its peers that none of these is here.

        Raises:
            DaemonError: it doesn't answer.
        """
        return self._ask(exports.withdrawn, tuple(prefixes))

    def announced(self, prefixes: Iterable[Prefix]) -> bool:
        """Whether the daemon has told all its peers that each of these is here.

        Raises:
            DaemonError: it doesn't answer.
        """
        return self._ask(exports.announced, tuple(prefixes))

    def _ask(
        self,
        question: Callable[[BirdClient, Collection[Prefix]], Awaitable[bool]],
        prefixes: Collection[Prefix],
    ) -> bool:
        async def ask() -> bool:
            async with BirdClient.connect(self._bird_socket, timeout_s=_TIMEOUT_S) as bird:
                return await question(bird, prefixes)

        return asyncio.run(ask())
