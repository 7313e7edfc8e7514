"""Value module: a node's share of the pod network, as everybody who knows of it tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path

from bifilar.kernel.interfaces import KernelInterface
from bifilar.kernel.neighbours import KernelNeighbour
from bifilar.kernel.routes import KernelRoute
from bifilar.kernel.rules import KernelRule
from bifilar.pods.model import Addresses, Block, Key, NodeName, Pool, PoolName, Prefix

OWN_NAMESPACE = Path("/proc/self/ns/net")
"""The network namespace of this process."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A router that a node announces its blocks to.

    Attributes:
        name: of the device.
        session: the protocol of the node's daemon that speaks with it.
        its_session: the protocol of its own daemon on the other side.
        bird_socket: the control socket of its daemon.
        families: IP versions whose blocks it is to hear of.
    """

    name: str
    session: str
    its_session: str
    bird_socket: Path
    families: frozenset[int]


@dataclass(frozen=True, slots=True)
class AuditedNode:
    """A node, and where it is asked.

    Attributes:
        name: in the store.
        management: its management addresses.
        mtu: that its pods' interfaces should have, in bytes.
        namespace: the file by which its network namespace is entered.
        bird_socket: the control socket of its routing daemon.
        neighbours: the routers whose daemons can be asked too.
        containers: whose interface is in the network namespace with an inode number, where somebody has noted it.
    """

    name: NodeName
    management: Addresses
    mtu: int
    namespace: Path
    bird_socket: Path
    neighbours: tuple[Neighbour, ...] = ()
    containers: Mapping[int, Key] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Stock:
    """What the store says.

    Attributes:
        pools: by name.
        holders: every block that is held by a node, or that is only reserved: then by ``None``.
        ranges: addresses that aren't for pods, by what they are for.
    """

    pools: Mapping[PoolName, Pool]
    holders: tuple[tuple[Block, NodeName | None], ...]
    ranges: Mapping[str, tuple[Prefix, ...]]

    def held(self, node: NodeName) -> tuple[Block, ...]:
        """The blocks of a node."""
        return tuple(block for block, holder in self.holders if holder == node)


@dataclass(frozen=True, slots=True)
class Inside:
    """What there is in a pod's network namespace.

    Attributes:
        path: the file by which it was entered.
        inode: number of the namespace.
        addresses: by the name of their interface.
    """

    path: Path
    inode: int
    interfaces: tuple[KernelInterface, ...]
    addresses: tuple[tuple[str, IPv4Interface | IPv6Interface], ...]
    routes: tuple[KernelRoute, ...]
    neighbours: tuple[KernelNeighbour, ...]


@dataclass(frozen=True, slots=True)
class KernelSeen:
    """A node's kernel, as far as pods are concerned.

    Attributes:
        interfaces: in the group of pods' interfaces, or with an alias of ours, by index.
        addresses: of all interfaces, by the interface's name.
        pod_routes: everything in the table of pods.
        exports: everything in the table that the routing daemon reads.
        rules: all.
        forwarding: IP versions whose packets it forwards.
        insides: what there is behind an interface, by its index; those that could not be entered are missing.
    """

    interfaces: tuple[KernelInterface, ...]
    addresses: tuple[tuple[str, IPv4Interface | IPv6Interface], ...]
    pod_routes: tuple[KernelRoute, ...]
    exports: tuple[KernelRoute, ...]
    rules: tuple[KernelRule, ...]
    forwarding: frozenset[int]
    insides: Mapping[int, Inside]


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """A BGP session of a node's daemon that is up.

    Attributes:
        name: of the protocol.
        families: IP versions of which it exports anything at all.
        told: prefixes of those asked for that the neighbour has been told.
    """

    name: str
    families: frozenset[int]
    told: frozenset[Prefix]


@dataclass(frozen=True, slots=True)
class DaemonSeen:
    """A node's routing daemon.

    Attributes:
        fault: why it could not be asked; all else is empty then.
        readers: protocols by which it reads the blocks from the kernel, and whether each is up.
        known: prefixes of those asked for that it has from the node itself.
        sessions: those that are up.
    """

    fault: str = ""
    readers: Mapping[str, bool] = field(default_factory=dict, hash=False)
    known: frozenset[Prefix] = frozenset()
    sessions: tuple[SessionSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class NeighbourSeen:
    """A neighbour's daemon.

    Attributes:
        fault: why it could not be asked.
        has: prefixes of those asked for that it has over its session with the node.
    """

    neighbour: Neighbour
    fault: str = ""
    has: frozenset[Prefix] = frozenset()


@dataclass(frozen=True, slots=True)
class Seen:
    """All of it."""

    node: AuditedNode
    stock: Stock
    kernel: KernelSeen
    daemon: DaemonSeen
    neighbours: tuple[NeighbourSeen, ...] = ()
