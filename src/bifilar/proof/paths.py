"""Pure module: how BGP carries one path from a session's announcing side to its receiving side.

The rules are those of the fabric's policies (:class:`~bifilar.fabric.model.Channel`) and of RFC 4271, 4456
(route reflection) and 8326 (graceful shutdown), as BIRD implements them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from bifilar.fabric.model import (
    Address,
    AnnouncedNextHop,
    Asn,
    Channel,
    Device,
    Family,
    Prefix,
    ReceivedNextHop,
    Session,
    SessionKind,
    Source,
)

_PREFERRED, _AVOIDED = 100, 0


@dataclass(frozen=True, slots=True)
class Path:
    """A path as a device holds it.

    ``session`` is the one that it was received on, ``None`` for a path of the device's own. ``source`` says
    under which word of an announce policy it falls. ``gateway`` is where packets go, ``next_hop`` the attribute.
    """

    as_path: tuple[Asn, ...]
    source: Source
    local_pref: int
    shutting_down: bool
    session: Session | None = None
    next_hop: Address | None = None
    gateway: Address | None = None

    @property
    def rank(self) -> tuple[int, int, bool]:
        """Smaller is better; paths of equal rank share traffic (BIRD's ``merge paths``)."""
        interior = self.session is not None and self.session.kind is SessionKind.IBGP
        return (-self.local_pref, len(self.as_path), interior)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A path on the wire."""

    as_path: tuple[Asn, ...]
    next_hop: Address
    shutting_down: bool


def own_path(source: Source) -> Path:
    """A path that starts at the device."""
    return Path((), source, _PREFERRED, shutting_down=False)


def announce(device: Device, best: Path, session: Session, channel: Channel) -> Announcement | None:
    """What ``device`` says over its side of a session about its best path, ``None`` for nothing."""
    if best.source not in channel.announce:
        return None
    learnt = best.session
    interior = session.kind is SessionKind.IBGP
    if (
        interior
        and learnt is not None
        and learnt.kind is SessionKind.IBGP
        and not (session.route_reflector_client or learnt.route_reflector_client)
    ):
        return None
    as_path = best.as_path if interior else (session.local_as, *best.as_path)
    return Announcement(
        as_path, _announced_next_hop(best, session, channel), best.shutting_down or device.drain
    )


def _announced_next_hop(best: Path, session: Session, channel: Channel) -> Address:
    learnt = best.session
    own = session.local_address
    if learnt is None or best.next_hop is None or channel.announced_next_hop is AnnouncedNextHop.SELF:
        return own
    if channel.announced_next_hop is AnnouncedNextHop.SELF_FOR_EBGP and learnt.kind is SessionKind.EBGP:
        return own
    # eBGP, too, leaves a next hop on the network shared with the peer, if the path came over the same
    # interface ("third party", RFC 4271 5.1.3).
    third_party = learnt.interface == session.interface and _shared(
        best.next_hop, session.remote_address, channel.shared_length
    )
    return best.next_hop if session.kind is SessionKind.IBGP or third_party else own


def receive(announcement: Announcement, session: Session, channel: Channel, prefix: Prefix) -> Path | None:
    """What the receiving side of a session makes of an announcement, ``None`` if it rejects it."""
    if session.local_as in announcement.as_path:
        return None
    if channel.accept is not None and not any(prefix in accepted for accepted in channel.accept):
        return None
    sender = session.remote_address
    gateway = announcement.next_hop
    if channel.received_next_hop is ReceivedNextHop.SENDER_UNLESS_SHARED and not _shared(
        gateway, sender, channel.shared_length
    ):
        gateway = sender
    return Path(
        announcement.as_path,
        Source.ABOVE if session.upward else Source.BELOW,
        _AVOIDED if announcement.shutting_down else _PREFERRED,
        announcement.shutting_down,
        session,
        announcement.next_hop,
        gateway,
    )


def select(paths: Iterable[Path], router_ids: dict[str, int]) -> tuple[Path, ...]:
    """The paths that share traffic, the best one first.

    The last tie is the neighbour's router id (RFC 4271 9.1.2.2): it decides whose AS path is announced onwards.
    """
    found = list(paths)
    if len(found) < 2:  # noqa: PLR2004 - nothing to choose among
        return tuple(found)
    rank = min(path.rank for path in found)
    return tuple(
        sorted(
            (path for path in found if path.rank == rank),
            key=lambda path: -1 if path.session is None else router_ids[path.session.peer],
        )
    )


def channel_of(session: Session, family: Family) -> Channel | None:
    """The channel of a session that carries a family."""
    for channel in session.channels:
        if channel.family is family:
            return channel
    return None


@lru_cache(maxsize=1 << 16)
def _shared(one: Address, other: Address, length: int) -> bool:
    """Whether two addresses are in one network of that prefix length."""
    if isinstance(one, IPv4Address) != isinstance(other, IPv4Address):
        return False
    if isinstance(one, IPv6Address) and (one.is_link_local or other.is_link_local):
        return False
    return (int(one) ^ int(other)) >> (one.max_prefixlen - length) == 0
