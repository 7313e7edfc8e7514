"""Pure module: where the addresses of a namespace's pods come from, and why."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bifilar.pods.choice import Choice, choose
from bifilar.pods.model import Address, Block, NodeName, Pool, PoolName
from bifilar.pods.pools import capacity


@dataclass(frozen=True, slots=True)
class Holding:
    """A block that a node holds, or that is reserved.

    Attributes:
        node: who holds it; ``None`` if it is only reserved.
        used: how many of its addresses pods have; ``None`` if nobody has looked.
    """

    block: Block
    node: NodeName | None
    used: int | None

    def as_json(self) -> dict[str, object]:
        """The block as plain words."""
        return {
            "name": self.block.name,
            "node": self.node,
            "prefixes": [str(prefix) for prefix in self.block.prefixes()],
            "reserved": self.block.reserved,
            "used": self.used,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where addresses come from.

    Attributes:
        choice: the pool's name, and why it is this one.
        pool: ``None`` if there is no pool of the name: then there is no address.
        holdings: its blocks that are held or reserved, by index.
    """

    namespace: str
    choice: Choice
    pool: Pool | None
    holdings: tuple[Holding, ...] = ()

    @property
    def free_blocks(self) -> int:
        """Blocks that nobody holds."""
        return 0 if self.pool is None else capacity(self.pool) - len(self.holdings)

    @property
    def free_addresses(self) -> int | None:
        """Addresses, of each family, that no pod has; ``None`` if nobody has looked which the pods have.

        Those of reserved blocks don't count; those that cool down do.
        """
        if self.pool is None:
            return 0
        free = self.free_blocks << self.pool.block_size_bits
        for holding in self.holdings:
            if holding.used is None:
                return None
            if not holding.block.reserved:
                free += holding.block.size - holding.used
        return free

    def as_json(self) -> dict[str, object]:
        """The explanation as plain words."""
        subnets = () if self.pool is None else self.pool.subnets
        return {
            "namespace": self.namespace,
            "pool": self.choice.pool,
            "why": self.choice.why,
            "exists": self.pool is not None,
            "subnets": [[str(prefix) for prefix in subnet.prefixes()] for subnet in subnets],
            "block_size": None if self.pool is None else 1 << self.pool.block_size_bits,
            "blocks": [holding.as_json() for holding in self.holdings],
            "free_blocks": self.free_blocks,
            "free_addresses": self.free_addresses,
        }


def explain(
    namespace: str,
    annotations: Mapping[str, str],
    pools: Mapping[PoolName, Pool],
    holders: Iterable[tuple[Block, NodeName | None]],
    used: Collection[Address] | None,
) -> Explanation:
    """Why the pods of a namespace get the addresses that they get.

    Args:
        namespace: its name.
        annotations: all that it has.
        pools: all pools.
        holders: every block that is held or reserved, by pool and index.
        used: the addresses of all pods; ``None`` if nobody has looked.
    """
    choice = choose(namespace, annotations)
    return Explanation(
        namespace,
        choice,
        pools.get(choice.pool),
        tuple(
            Holding(block, node, None if used is None else _used(block, used))
            for block, node in holders
            if block.pool == choice.pool
        ),
    )


def _used(block: Block, used: Collection[Address]) -> int:
    """Places of a block that are in use; those of two families are one."""
    return len(
        {
            int(address) - int(prefix.network_address)
            for prefix in block.prefixes()
            for address in used
            if address in prefix
        }
    )
