"""Pure module: the blocks of a node, in its routing daemon and in those of its neighbours.

One step at a time: what isn't in the export table is not missed in the daemon, and what the daemon lacks is not missed
at its neighbours.
"""

from collections.abc import Collection, Iterator

from bifilar.pods.audit.findings import Enable, Finding, Kind, Repair, Reread, error, warning
from bifilar.pods.audit.seen import NeighbourSeen, Seen
from bifilar.pods.model import Prefix
from bifilar.pods.numbers import EXPORT_TABLE


def of_daemons(seen: Seen, held: Collection[Prefix]) -> Iterator[Finding]:
    """From the export table to the neighbours.

    Args:
        seen: all of it.
        held: prefixes of the node's blocks.
    """
    node, daemon = seen.node, seen.daemon
    if daemon.fault:
        hint = "start it, or name its socket"
        yield error(Kind.DAEMON_SILENT, node.name, node.bird_socket, daemon.fault, hint=hint)
        return
    down = tuple(sorted(name for name, is_up in daemon.readers.items() if not is_up))
    for name in down:
        what = f"is down: the daemon doesn't read table {EXPORT_TABLE}"
        repair = Repair(f"enable {name}", (Enable(node.bird_socket, (name,)),))
        yield error(Kind.DAEMON_PROTOCOL_DOWN, node.name, name, what, repair)
    if down:
        return
    exported = {route.prefix for route in seen.kernel.exports}
    prefixes = sorted((prefix for prefix in held if prefix in exported), key=str)
    reread = Repair("have the daemon read its configuration again", (_reread(seen, *daemon.readers),))
    for prefix in prefixes:
        if prefix not in daemon.known:
            what = f"is in table {EXPORT_TABLE}, and the daemon doesn't have it from there"
            yield error(Kind.DAEMON_LACKS_BLOCK, node.name, prefix, what, reread)
    known = [prefix for prefix in prefixes if prefix in daemon.known]
    yield from _of_sessions(seen, known)
    for neighbour in seen.neighbours:
        yield from _of_neighbour(seen, neighbour, known)


def _of_sessions(seen: Seen, known: Collection[Prefix]) -> Iterator[Finding]:
    """What the daemon doesn't tell, although it has it."""
    families = {one.neighbour.session: one.neighbour.families for one in seen.neighbours}
    for session in seen.daemon.sessions:
        for prefix in known:
            if prefix in session.told:
                continue
            if session.name in families:
                is_needed = prefix.version in families[session.name]
            else:
                is_needed = prefix.version in session.families and not _is_told_elsewhere(seen, prefix)
            if is_needed:
                yield error(
                    Kind.NOT_ANNOUNCED,
                    seen.node.name,
                    f"{session.name} {prefix}",
                    f"the daemon has {prefix}, and doesn't announce it over {session.name}",
                    Repair("have the daemon read its configuration again", (_reread(seen, session.name),)),
                )


def _is_told_elsewhere(seen: Seen, prefix: Prefix) -> bool:
    """One session that tells is enough where nobody says which should: others may be there for something else."""
    return any(prefix in session.told for session in seen.daemon.sessions)


def _of_neighbour(seen: Seen, seen_neighbour: NeighbourSeen, known: Collection[Prefix]) -> Iterator[Finding]:
    neighbour, node = seen_neighbour.neighbour, seen.node.name
    if seen_neighbour.fault:
        yield warning(
            Kind.NEIGHBOUR_SILENT,
            node,
            f"{neighbour.name} {neighbour.its_session}",
            seen_neighbour.fault,
            hint="see what became of its daemon",
        )
        return
    told = {
        prefix
        for session in seen.daemon.sessions
        if session.name == neighbour.session
        for prefix in session.told
    }
    for prefix in known:
        if prefix in told and prefix not in seen_neighbour.has:
            yield error(
                Kind.NEIGHBOUR_LACKS_BLOCK,
                node,
                f"{neighbour.name} {prefix}",
                f"{neighbour.name} has been told of {prefix}, and doesn't have it over {neighbour.its_session}",
                Repair(
                    f"have the daemon of {neighbour.name} read its configuration again",
                    (Reread(neighbour.bird_socket, (neighbour.its_session,)),),
                ),
            )


def _reread(seen: Seen, *protocols: str) -> Reread:
    return Reread(seen.node.bird_socket, protocols)
