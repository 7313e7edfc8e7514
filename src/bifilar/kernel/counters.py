"""Edge module: what the links of a namespace have counted."""

import struct
from dataclasses import dataclass

from bifilar.kernel.netlink import Rtnetlink, attributes, messages

_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_IFINFOMSG = struct.Struct("=BxHiII")
_STATS64 = struct.Struct("=8Q")
_IFNAME, _STATISTICS = 3, 23
_UP, _LOWER_UP = 0x1, 0x10000


@dataclass(frozen=True, slots=True)
class LinkCounters:
    """A link, and what it has counted since it was made.

    ``up`` is what the operator set, ``carrier`` whether the other end is there.
    """

    interface: str
    index: int
    up: bool
    carrier: bool
    received_packets: int
    sent_packets: int
    received_bytes: int
    sent_bytes: int
    receive_errors: int
    send_errors: int
    receive_drops: int
    send_drops: int


def dump() -> tuple[LinkCounters, ...]:
    """All links in the calling thread's namespace."""
    with Rtnetlink() as netlink:
        return tuple(
            _counters(datagram, begin, end)
            for datagram in netlink.dump(_RTM_GETLINK, _IFINFOMSG.pack(0, 0, 0, 0, 0))
            for kind, begin, end in messages(datagram)
            if kind == _RTM_NEWLINK
        )


def _counters(datagram: bytes, begin: int, end: int) -> LinkCounters:
    _, _, index, flags, _ = _IFINFOMSG.unpack_from(datagram, begin)
    found = attributes(datagram, begin + _IFINFOMSG.size, end)
    return LinkCounters(
        found[_IFNAME].rstrip(b"\0").decode(),
        index,
        bool(flags & _UP),
        bool(flags & _LOWER_UP),
        *_STATS64.unpack_from(found[_STATISTICS]),
    )
