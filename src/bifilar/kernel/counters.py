"""Edge module: what the links of a namespace have counted."""

import struct
from collections.abc import Iterator

from bifilar.kernel.netlink import Rtnetlink, attributes, messages

_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_IFINFOMSG = struct.Struct("=BxHiII")
_STATS64 = struct.Struct("=QQ")
"""The first fields of ``struct rtnl_link_stats64``: packets received, packets sent."""
_IFNAME, _STATISTICS = 3, 23


def dump() -> dict[str, int]:
    """Packets that each interface in the calling thread's namespace has sent since it was made, by its name."""
    with Rtnetlink() as netlink:
        return {
            name: sent
            for datagram in netlink.dump(_RTM_GETLINK, _IFINFOMSG.pack(0, 0, 0, 0, 0))
            for name, sent in parse(datagram)
        }


def parse(datagram: bytes) -> Iterator[tuple[str, int]]:
    """Interface and packets sent, for each link in a datagram of a dump."""
    for kind, begin, end in messages(datagram):
        if kind == _RTM_NEWLINK:
            found = attributes(datagram, begin + _IFINFOMSG.size, end)
            _, sent = _STATS64.unpack_from(found[_STATISTICS])
            yield found[_IFNAME].rstrip(b"\0").decode(), sent
