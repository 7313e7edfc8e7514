"""Pure module: everything that is known of a node's share of the pod network, held against each other."""

from collections.abc import Collection, Iterator

from bifilar.pods.audit import attachments, blocks, containers, daemons, pools, rules, ways
from bifilar.pods.audit.findings import Finding
from bifilar.pods.audit.seats import seats as seats_of
from bifilar.pods.audit.seen import Seen, Stock
from bifilar.pods.model import NodeName


def compare_stock(stock: Stock, nodes: Collection[NodeName] | None) -> tuple[Finding, ...]:
    """The store held against itself.

    Args:
        stock: the store.
        nodes: all nodes that there are; ``None`` if nobody knows.
    """
    unknown = () if nodes is None else pools.of_nodes(stock, nodes)
    return (*pools.of_pools(stock), *unknown)


def compare(seen: Seen) -> tuple[Finding, ...]:
    """What is wrong with a node, in the order in which it should be mended; always the same for the same."""
    return tuple(_compare(seen))


def _compare(seen: Seen) -> Iterator[Finding]:
    yield from rules.of_forwarding(seen)
    yield from rules.of_rules(seen)
    everyone = seats_of(seen.kernel, seen.stock)
    twins, seats = attachments.without_twins(seen.node.name, everyone)
    yield from twins
    for seat in seats:
        yield from attachments.of_seat(seen, seat)
        yield from ways.of_seat(seen, seat)
        yield from containers.of_seat(seen, seat)
    # Routes over a twin go with it.
    yield from ways.of_table(seen, everyone)
    yield from ways.of_twins(seen, seats)
    homeless, claimed = blocks.unheld(seen, seats)
    yield from homeless
    held = (*seen.stock.held(seen.node.name), *claimed)
    yield from blocks.of_tables(seen, held, seats)
    yield from daemons.of_daemons(seen, [prefix for block in held for prefix in block.prefixes()])
