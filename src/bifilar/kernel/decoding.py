"""Pure module: one line about an Ethernet frame, in the words of those who run a fabric."""

import struct
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

_ARP, _IPV4, _IPV6 = 0x0806, 0x0800, 0x86DD
_VLANS = frozenset({0x8100, 0x88A8})
_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
_FRAGMENT = 44
_EXTENSIONS = frozenset({0, 43, 60, _FRAGMENT})
"""IPv6: hop by hop, routing, destination options, fragment."""
BGP_PORT, BFD_PORTS = 179, frozenset({3784, 4784})
_BGP_HEADER_BYTES = 19
_BGP_MESSAGES = {1: "OPEN", 2: "UPDATE", 3: "NOTIFICATION", 4: "KEEPALIVE", 5: "ROUTE-REFRESH"}
_BFD_STATES = ("AdminDown", "Down", "Init", "Up")
_TCP_FLAGS = ((0x02, "SYN"), (0x01, "FIN"), (0x04, "RST"), (0x08, "PSH"), (0x10, "ACK"))
_ICMP_NAMES = {
    0: "echo reply",
    3: "destination unreachable",
    5: "redirect",
    8: "echo request",
    11: "time exceeded",
}
_ICMPV6_NAMES = {
    1: "destination unreachable",
    2: "packet too big",
    3: "time exceeded",
    128: "echo request",
    129: "echo reply",
    133: "router solicitation",
    134: "router advertisement",
    135: "neighbour solicitation",
    136: "neighbour advertisement",
    137: "redirect",
    143: "multicast listener report",
}


def describe(frame: bytes) -> str:
    """One line; of a frame that is cut off, what it would have been, with ``(truncated)``."""
    try:
        return _ethernet(frame)
    except (IndexError, struct.error, ValueError):
        return f"frame of {len(frame)} bytes (truncated)"


def _ethernet(frame: bytes) -> str:
    kind, start = _u16(frame, 12), 14
    while kind in _VLANS:
        kind, start = _u16(frame, start + 2), start + 4
    body = frame[start:]
    if kind == _ARP:
        return _arp(body)
    if kind == _IPV4:
        return _ipv4(body)
    if kind == _IPV6:
        return _ipv6(body)
    return f"Ethernet type 0x{kind:04x}, {len(body)} bytes"


def _arp(body: bytes) -> str:
    sender, target = IPv4Address(body[14:18]), IPv4Address(body[24:28])
    if _u16(body, 6) == 1:
        return f"ARP who has {target}? tell {sender}"
    return f"ARP {sender} is at {body[8:14].hex(':')}"


def _ipv4(body: bytes) -> str:
    source, destination = IPv4Address(body[12:16]), IPv4Address(body[16:20])
    header, total, offset = (body[0] & 0x0F) * 4, _u16(body, 2), _u16(body, 6) & 0x1FFF
    return _packet(
        "IPv4", f"{source}", f"{destination}", body[9], body[header:total], total, later=offset > 0
    )


def _ipv6(body: bytes) -> str:
    source, destination = IPv6Address(body[8:24]), IPv6Address(body[24:40])
    total = 40 + _u16(body, 4)
    following, position, later = body[6], 40, False
    while following in _EXTENSIONS:
        if following == _FRAGMENT:
            later, length = _u16(body, position + 2) >> 3 > 0, 8
        else:
            length = 8 + body[position + 1] * 8
        following, position = body[position], position + length
    return _packet(
        "IPv6", f"[{source}]", f"[{destination}]", following, body[position:total], total, later=later
    )


def _packet(
    version: str, source: str, destination: str, protocol: int, payload: bytes, total: int, *, later: bool
) -> str:
    """One line about an IP packet of ``total`` bytes; a ``later`` fragment has no header of its protocol."""
    decode = _PROTOCOLS.get(protocol)
    if later:
        what = f"later fragment of protocol {protocol}"
    elif decode is None:
        what = f"protocol {protocol}"
    else:
        try:
            return f"{version} {decode(source, destination, payload)}, {total} bytes"
        except (IndexError, struct.error):
            what = f"protocol {protocol} (truncated)"
    return f"{version} {source} > {destination} {what}, {total} bytes"


def _udp(source: str, destination: str, payload: bytes) -> str:
    source_port, destination_port = _u16(payload, 0), _u16(payload, 2)
    line = f"{source}:{source_port} > {destination}:{destination_port} UDP"
    if destination_port in BFD_PORTS:
        return f"{line} BFD {_BFD_STATES[payload[9] >> 6]}"
    return line


def _tcp(source: str, destination: str, payload: bytes) -> str:
    source_port, destination_port = _u16(payload, 0), _u16(payload, 2)
    flags, header = payload[13], (payload[12] >> 4) * 4
    set_flags = " ".join(name for bit, name in _TCP_FLAGS if flags & bit)
    line = f"{source}:{source_port} > {destination}:{destination_port} TCP {set_flags}"
    if BGP_PORT in {source_port, destination_port}:
        return " ".join([f"{line} BGP", *_bgp_messages(payload[header:])])
    return line


def _bgp_messages(stream: bytes) -> list[str]:
    """Types of the messages of a segment; from the middle of a longer message nothing can be told."""
    names, position = [], 0
    while stream[position : position + 16] == b"\xff" * 16 and position + _BGP_HEADER_BYTES <= len(stream):
        kind = stream[position + 18]
        names.append(_BGP_MESSAGES.get(kind, f"type {kind}"))
        # A length that is none would keep us here for ever.
        position += max(_u16(stream, position + 16), _BGP_HEADER_BYTES)
    return names


def _icmp(source: str, destination: str, payload: bytes) -> str:
    kind, code = payload[0], payload[1]
    name = _ICMP_NAMES.get(kind, f"type {kind}")
    if (kind, code) == (3, 4):
        name = f"fragmentation needed, MTU {_u16(payload, 6)}"
    return f"{source} > {destination} ICMP {name}"


def _icmpv6(source: str, destination: str, payload: bytes) -> str:
    return f"{source} > {destination} ICMPv6 {_ICMPV6_NAMES.get(payload[0], f'type {payload[0]}')}"


def _u16(buffer: bytes, position: int) -> int:
    value: int = struct.unpack_from("!H", buffer, position)[0]
    return value


_PROTOCOLS: dict[int, Callable[[str, str, bytes], str]] = {
    _ICMP: _icmp,
    _TCP: _tcp,
    _UDP: _udp,
    _ICMPV6: _icmpv6,
}
