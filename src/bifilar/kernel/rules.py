"""Edge module: the rules by which the kernel chooses a routing table."""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from bifilar.kernel.netlink import Attributes, Rtnetlink, attributes, messages

_NEWRULE, _GETRULE = 32, 34
_FIB_RULE_HEADER = struct.Struct("=BBBBBBBBI")
_U32 = struct.Struct("=I")
_TO_TABLE = 1
_PRIORITY, _SUPPRESS_GROUP, _SUPPRESS_LENGTH, _TABLE, _PROTOCOL = 6, 13, 14, 15, 21
_NO_SUPPRESSION = b"\xff\xff\xff\xff"
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}


@dataclass(frozen=True, slots=True)
class KernelRule:
    """A rule.

    Attributes:
        version: of IP.
        priority: rules of smaller ones come first.
        table: where packets are looked up; 0 if the rule does something else.
        protocol: who put it there, 0 if nobody says.
        is_for_all: it is for all packets, without any condition.
    """

    version: int
    priority: int
    table: int
    protocol: int
    is_for_all: bool


def dump(families: tuple[int, ...] = (4, 6)) -> list[KernelRule]:
    """The rules in the calling thread's namespace, in their order, IPv4 first.

    Args:
        families: IP versions.
    """
    with Rtnetlink() as netlink:
        return [
            rule
            for version in families
            for datagram in netlink.dump(_GETRULE, _FIB_RULE_HEADER.pack(_FAMILIES[version], *bytes(7), 0))
            for rule in parse(datagram, version)
        ]


def parse(datagram: bytes, version: int) -> Iterator[KernelRule]:
    """The rules in a datagram of a dump."""
    for kind, begin, end in messages(datagram):
        if kind != _NEWRULE:
            continue
        header = _FIB_RULE_HEADER.unpack_from(datagram, begin)
        found = attributes(datagram, begin + _FIB_RULE_HEADER.size, end)
        _, _, _, _, short_table, _, _, action, _ = header
        table = _U32.unpack(found[_TABLE])[0] if _TABLE in found else short_table
        yield KernelRule(
            version,
            priority=_U32.unpack(found[_PRIORITY])[0] if _PRIORITY in found else 0,
            table=table if action == _TO_TABLE else 0,
            protocol=found[_PROTOCOL][0] if _PROTOCOL in found else 0,
            is_for_all=_has_no_condition(header, found),
        )


def _has_no_condition(header: tuple[int, ...], found: Attributes) -> bool:
    _, destination_bits, source_bits, type_of_service, _, _, _, _, flags = header
    if destination_bits or source_bits or type_of_service or flags:
        return False
    # Any other attribute is one more condition, also one that this module doesn't know.
    conditions = found.keys() - {_PRIORITY, _TABLE, _PROTOCOL}
    return all(
        kind in (_SUPPRESS_GROUP, _SUPPRESS_LENGTH) and found[kind] == _NO_SUPPRESSION for kind in conditions
    )
