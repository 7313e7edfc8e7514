"""Pure module: the store held against itself."""

from collections.abc import Collection, Iterator

from bifilar.errors import InputError
from bifilar.pods.audit.findings import Finding, Kind, Release, Repair, error, warning
from bifilar.pods.audit.seen import Stock
from bifilar.pods.model import NodeName
from bifilar.pods.pools import check_apart


def of_pools(stock: Stock) -> Iterator[Finding]:
    """Pools that have addresses in common with each other or with what else has addresses."""
    pools = sorted(stock.pools.values(), key=lambda pool: pool.name)
    for place, pool in enumerate(pools):
        try:
            check_apart(pool, pools[:place], stock.ranges)
        except InputError as refusal:
            hint = "retire the pool, move its pods to another one, and delete it"
            yield error(Kind.POOLS_OVERLAP, "", pool.name, refusal.what, hint=hint)


def of_nodes(stock: Stock, nodes: Collection[NodeName]) -> Iterator[Finding]:
    """Blocks that are held by no node that there is.

    Args:
        stock: the store.
        nodes: all nodes that there are.
    """
    for block, holder in stock.holders:
        if holder is not None and holder not in nodes:
            repair = Repair(f"release block {block.name}", (Release(holder, block.name),))
            yield warning(
                Kind.NODE_UNKNOWN, holder, block.name, f"is held by {holder}, which isn't there", repair
            )
