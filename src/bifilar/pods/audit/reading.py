"""Edge module: all that is known of a node's share of the pod network, read."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from bifilar.bird import BirdClient, Export, RouteQuery
from bifilar.bird import Protocol as BirdProtocol
from bifilar.errors import DaemonError, MachineError
from bifilar.kernel import addresses, interfaces, namespaces, neighbours, peers, routes, rules, sysctl
from bifilar.kernel.interfaces import KernelInterface
from bifilar.pods.audit.seen import (
    AuditedNode,
    DaemonSeen,
    Inside,
    KernelSeen,
    Neighbour,
    NeighbourSeen,
    Seen,
    SessionSeen,
    Stock,
)
from bifilar.pods.model import Block, BlockName, NodeName, Pool, PoolName, Prefix, parse_alias
from bifilar.pods.numbers import EXPORT_TABLE, FORWARDING, INTERFACE_GROUP, POD_TABLE

_TIMEOUT_S = 10.0
_READER = "coil"
"""Protocols of this name read the export table, with Coil and with the configurations that Bifilar renders."""
_FAMILIES = {4: "ipv4", 6: "ipv6"}
_NOTHING = "REJECT"
"""How BIRD shows ``export none``."""


class Assignment(Protocol):
    """A block, and who holds it."""

    @property
    def block(self) -> Block:
        """The block."""

    @property
    def node(self) -> NodeName | None:
        """Who holds it; ``None`` if it is only reserved."""


class AuditedStore(Protocol):
    """A store that can be read and corrected as a whole."""

    def pools(self) -> Mapping[PoolName, Pool]:
        """All pools."""

    def blocks(self) -> Iterable[Assignment]:
        """Every block that a node holds or that is reserved."""

    def ranges(self) -> Mapping[str, Iterable[Prefix]]:
        """Which addresses aren't for pods, by what they are for."""

    def claim(self, node: NodeName, block: BlockName) -> None:
        """Have a node hold a certain block; it may hold it already."""

    def release(self, node: NodeName, block: BlockName) -> None:
        """Have a node hold a block no more."""


def read_stock(store: AuditedStore) -> Stock:
    """What the store says.

    Raises:
        StoreError: it can't be read.
    """
    return Stock(
        store.pools(),
        tuple((assignment.block, assignment.node) for assignment in store.blocks()),
        {name: tuple(prefixes) for name, prefixes in store.ranges().items()},
    )


def read(node: AuditedNode, stock: Stock) -> Seen:
    """All of a node.

    Raises:
        MachineError: its namespace can't be entered, or the kernel refuses.
    """
    kernel = namespaces.run_in(node.namespace, _read_kernel)
    asked = {route.prefix for route in kernel.exports}
    daemon, seen_neighbours = asyncio.run(_ask_all(node, asked))
    return Seen(node, stock, kernel, daemon, seen_neighbours)


def _read_kernel() -> KernelSeen:
    # Routes first: the interface of a route that is seen has been there, so one that isn't seen has gone with it.
    pod_routes, exports = routes.dump(POD_TABLE), routes.dump(EXPORT_TABLE)
    ours = [each for each in interfaces.dump() if each.group == INTERFACE_GROUP or parse_alias(each.alias)]
    return KernelSeen(
        tuple(ours),
        tuple((seen.interface, seen.address) for seen in addresses.dump()),
        tuple(pod_routes),
        tuple(exports),
        tuple(rules.dump()),
        frozenset(version for version, key in FORWARDING.items() if sysctl.read(key) != "0"),
        _read_insides(ours),
    )


def _read_insides(hosts: Iterable[KernelInterface]) -> dict[int, Inside]:
    numbers = {each.index: each.peer_namespace for each in hosts if each.peer_namespace is not None}
    files = peers.files(numbers.values())
    by_number: dict[int, Inside] = {}
    with namespaces.Traveller() as traveller:
        for number, path in files.items():
            try:
                by_number[number] = traveller.run_in(path, partial(_read_inside, path))
            except MachineError:
                continue  # it has gone since; its interface goes with it
    return {index: by_number[number] for index, number in numbers.items() if number in by_number}


def _read_inside(path: Path) -> Inside:
    return Inside(
        path,
        path.stat().st_ino,
        tuple(interfaces.dump()),
        tuple((seen.interface, seen.address) for seen in addresses.dump()),
        tuple(routes.dump()),
        tuple(neighbours.dump()),
    )


async def _ask_all(
    node: AuditedNode, prefixes: Collection[Prefix]
) -> tuple[DaemonSeen, tuple[NeighbourSeen, ...]]:
    async with asyncio.TaskGroup() as asked:
        daemon = asked.create_task(_ask_daemon(node, prefixes))
        others = [asked.create_task(_ask_neighbour(one, prefixes)) for one in node.neighbours]
    return daemon.result(), tuple(one.result() for one in others)


async def _ask_daemon(node: AuditedNode, prefixes: Collection[Prefix]) -> DaemonSeen:
    try:
        async with BirdClient.connect(node.bird_socket, timeout_s=_TIMEOUT_S, where=node.name) as bird:
            protocols = await bird.protocols(details=True)
            others = {protocol.name for protocol in protocols if protocol.bgp is not None}
            known = {
                route.network
                for prefix in prefixes
                for route in await bird.routes(RouteQuery(within=prefix))
                if route.protocol not in others
            }
            return DaemonSeen(
                "",
                {one.name: one.is_up for one in protocols if one.name.startswith(_READER)},
                frozenset(known),
                tuple([await _session(bird, one, prefixes) for one in protocols if one.bgp and one.is_up]),
            )
    except DaemonError as error:
        return DaemonSeen(error.what)


async def _session(bird: BirdClient, session: BirdProtocol, prefixes: Collection[Prefix]) -> SessionSeen:
    channels = {
        version: channel
        for version, name in _FAMILIES.items()
        if (channel := session.channel(name)) is not None
    }
    told = {
        route.network
        for prefix in prefixes
        # BIRD refuses the question for a family that the session doesn't have.
        if prefix.version in channels
        for route in await bird.routes(
            RouteQuery(within=prefix, export=Export.SENT, exported_to=session.name)
        )
    }
    exporting = (version for version, channel in channels.items() if channel.output_filter != _NOTHING)
    return SessionSeen(session.name, frozenset(exporting), frozenset(told))


async def _ask_neighbour(neighbour: Neighbour, prefixes: Collection[Prefix]) -> NeighbourSeen:
    try:
        async with BirdClient.connect(
            neighbour.bird_socket, timeout_s=_TIMEOUT_S, where=neighbour.name
        ) as bird:
            has = {
                route.network
                for prefix in prefixes
                # BIRD refuses the question for a family that the session doesn't have.
                if prefix.version in neighbour.families
                for route in await bird.routes(RouteQuery(within=prefix, protocol=neighbour.its_session))
            }
    except DaemonError as error:
        return NeighbourSeen(neighbour, error.what)
    return NeighbourSeen(neighbour, "", frozenset(has))
