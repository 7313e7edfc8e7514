"""Pure module: the blocks of a node, in the store and in the kernel's tables."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from bifilar.kernel import requests
from bifilar.kernel.routes import KernelRoute
from bifilar.pods import exports
from bifilar.pods.audit.findings import ChangeTables, Claim, Finding, Kind, Repair, Send, error, warning
from bifilar.pods.audit.seats import Seat
from bifilar.pods.audit.seen import Seen
from bifilar.pods.exports import Changes
from bifilar.pods.model import Address, Block, Prefix
from bifilar.pods.numbers import EXPORT_TABLE, POD_TABLE, ROUTE_PROTOCOL
from bifilar.pods.pools import block_of


def unheld(seen: Seen, seats: Collection[Seat]) -> tuple[list[Finding], tuple[Block, ...]]:
    """Pods with addresses of blocks that the node doesn't hold, and those blocks that it can have again."""
    findings: list[Finding] = []
    node = seen.node.name
    free: defaultdict[Block, list[Address]] = defaultdict(list)
    holders = {block.name: holder for block, holder in seen.stock.holders}
    for seat, address in _homeless(seen, seats):
        block = _block_of(seen, address)
        if block is None:
            what = f"{seat.interface.name} has it, and it is of no pool"
            findings.append(
                error(Kind.NO_POOL, node, address, what, hint="make its pool again, or delete the pod")
            )
        elif holder := holders.get(block.name):
            what = f"{seat.interface.name} has it, and its block {block.name} is held by {holder}"
            hint = "have its runtime delete the pod: others reach the address elsewhere"
            findings.append(error(Kind.BLOCK_OF_ANOTHER, node, address, what, hint=hint))
        else:
            free[block].append(address)
    for block, addresses in free.items():
        what = f"isn't held by {node}, whose pods have {', '.join(sorted(map(str, addresses)))}"
        repair = Repair(f"have {node} hold it again", (Claim(node, block.name),))
        findings.append(error(Kind.BLOCK_FREE, node, block.name, what, repair))
    return findings, tuple(free)


def _homeless(seen: Seen, seats: Collection[Seat]) -> Iterator[tuple[Seat, Address]]:
    held = seen.stock.held(seen.node.name)
    for seat in seats:
        for address in seat.own.each():
            if not any(address in prefix for block in held for prefix in block.prefixes()):
                yield seat, address


def _block_of(seen: Seen, address: Address) -> Block | None:
    found = (block_of(pool, address) for pool in seen.stock.pools.values())
    return next((block for block in found if block is not None), None)


def of_tables(seen: Seen, held: Collection[Block], seats: Collection[Seat]) -> Iterator[Finding]:
    """What the two tables should have of the node's blocks, and what they have.

    Args:
        seen: all of it.
        held: the blocks that the node holds, or should.
        seats: interfaces of pods.
    """
    node = seen.node.name
    wanted = [prefix for block in held for prefix in block.prefixes()]
    guards = [
        route for route in seen.kernel.pod_routes if not route.next_hops and route.protocol == ROUTE_PROTOCOL
    ]
    ours = [route for route in seen.kernel.exports if route.protocol == ROUTE_PROTOCOL]
    foreign = [route for route in seen.kernel.exports if route.protocol != ROUTE_PROTOCOL]
    changes = exports.plan(wanted, (), ours, guards)
    for prefix in changes.guard:
        what = f"has no guard in table {POD_TABLE}: packets for addresses of it without a pod go in circles"
        yield error(Kind.GUARD_MISSING, node, prefix, what, _tables("guard it", Changes(guard=(prefix,))))
    for route in changes.unguard:
        what = f"is guarded in table {POD_TABLE}, and is no block of {node}"
        yield warning(
            Kind.GUARD_EXTRA, node, route.prefix, what, _tables("remove the guard", Changes(unguard=(route,)))
        )
    yield from _foreign(node, foreign, wanted)
    replaced = {route.prefix for route in foreign}
    for prefix in changes.export:
        if prefix not in replaced:
            yield _unexported(node, prefix, seats)
    for route in changes.withdraw:
        what = f"is announced by table {EXPORT_TABLE}, and is no block of {node}"
        yield error(
            Kind.EXPORT_EXTRA, node, route.prefix, what, _tables("withdraw it", Changes(withdraw=(route,)))
        )


def _unexported(node: str, prefix: Prefix, seats: Iterable[Seat]) -> Finding:
    repair = _tables("export it", Changes(guard=(prefix,), export=(prefix,)))
    what = f"is held by {node}, and isn't in table {EXPORT_TABLE}"
    if any(address in prefix for seat in seats for address in seat.own.each()):
        return error(Kind.EXPORT_MISSING, node, prefix, f"{what}: nobody else finds its pods", repair)
    return warning(
        Kind.EXPORT_MISSING, node, prefix, f"{what}; no pod is in it: an agent may be giving it back", repair
    )


def _foreign(node: str, routes: Iterable[KernelRoute], wanted: Collection[Prefix]) -> Iterator[Finding]:
    """Routes that somebody else has put into the export table; the daemon announces them like ours."""
    for route in routes:
        gone = requests.delete_route(
            route.prefix, table=EXPORT_TABLE, protocol=route.protocol, metric=route.metric
        )
        again = (ChangeTables(Changes(export=(route.prefix,))),) if route.prefix in wanted else ()
        words = "put ours in its place" if again else "remove it"
        what = f"is in table {EXPORT_TABLE} from protocol {route.protocol}, not {ROUTE_PROTOCOL}"
        yield error(Kind.EXPORT_FOREIGN, node, route.prefix, what, Repair(words, (Send((gone,)), *again)))


def _tables(words: str, changes: Changes) -> Repair:
    return Repair(words, (ChangeTables(changes),))
