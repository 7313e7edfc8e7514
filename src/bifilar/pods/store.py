"""Value module: what a node needs from the outside world.

Two things implement it: an embedded data base (:mod:`bifilar.pods.sqlite`) and the Kubernetes API.
"""

from collections.abc import Mapping
from typing import Protocol

from bifilar.errors import OperationError
from bifilar.pods.model import Block, BlockName, NodeName, Pool, PoolName


class StoreError(OperationError):
    """The store refused, or could not be reached."""


class StoreUnavailableError(StoreError):
    """The store can't be reached, or is too busy, at the moment: the same call may succeed later."""


class NoPoolError(StoreError):
    """There is no such pool, or it gives no more blocks: it is being deleted, or overlaps with something."""


class PoolExhaustedError(StoreError):
    """Every block of the pool is held by a node or reserved."""


class Store(Protocol):
    """Pools, the blocks of nodes, and the annotations of namespaces. Usable from any thread.

    Every method raises :class:`StoreUnavailableError` when it can't be reached in time.
    """

    def pools(self) -> Mapping[PoolName, Pool]:
        """All pools."""
        ...

    def held(self, node: NodeName) -> tuple[Block, ...]:
        """The blocks that a node holds, reserved ones too, by pool and index."""
        ...

    def acquire(self, node: NodeName, pool: PoolName, timeout_s: float) -> Block:
        """Get the lowest free block of a pool for a node; it is the node's until released.

        Raises:
            NoPoolError: there is no such pool, or it gives nothing.
            PoolExhaustedError: there is no free block.
        """
        ...

    def release(self, node: NodeName, block: BlockName) -> None:
        """Give a block back, after which another node may have it at once. Not the node's (any more): nothing."""
        ...

    def annotations(self, namespace: str) -> Mapping[str, str]:
        """The annotations of a namespace; none if there is no such namespace."""
        ...
