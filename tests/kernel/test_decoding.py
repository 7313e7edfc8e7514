from ipaddress import ip_address
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifilar.kernel.decoding import describe

BGP_KEEPALIVE = b"\xff" * 16 + pack("!HB", 19, 4)
BGP_UPDATE = b"\xff" * 16 + pack("!HB", 23, 2) + bytes(4)


def ethernet(kind: int, body: bytes) -> bytes:
    return bytes(12) + pack("!H", kind) + body


def ipv4(protocol: int, payload: bytes, offset: int = 0) -> bytes:
    header = pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, offset, 64, protocol, 0)
    return header + ip_address("10.0.0.1").packed + ip_address("10.0.0.2").packed + payload


def ipv6(following: int, payload: bytes) -> bytes:
    addresses = ip_address("fd00::1").packed + ip_address("fd00::2").packed
    return pack("!IHBB", 6 << 28, len(payload), following, 64) + addresses + payload


def tcp(source: int, destination: int, flags: int, content: bytes = b"") -> bytes:
    return pack("!HHIIBBHHH", source, destination, 0, 0, 5 << 4, flags, 0, 0, 0) + content


def udp(destination: int, content: bytes) -> bytes:
    return pack("!HHHH", 49152, destination, 8 + len(content), 0) + content


V4, V6, ARP = 0x0800, 0x86DD, 0x0806
ASK, ANSWER = (
    pack("!HHBBH", 1, V4, 6, 4, operation)
    + bytes.fromhex("0200deadbeef")
    + ip_address("10.0.0.1").packed
    + bytes(6)
    + ip_address("10.0.0.2").packed
    for operation in (1, 2)
)


@pytest.mark.parametrize(
    ("frame", "line"),
    [
        (ethernet(ARP, ASK), "ARP who has 10.0.0.2? tell 10.0.0.1"),
        (ethernet(ARP, ANSWER), "ARP 10.0.0.1 is at 02:00:de:ad:be:ef"),
        (ethernet(0x88CC, b"lldp"), "Ethernet type 0x88cc, 4 bytes"),
        (
            ethernet(V4, ipv4(6, tcp(40112, 179, 0x02))),
            "IPv4 10.0.0.1:40112 > 10.0.0.2:179 TCP SYN BGP, 40 bytes",
        ),
        (
            ethernet(V4, ipv4(6, tcp(179, 40112, 0x18, BGP_UPDATE + BGP_KEEPALIVE))),
            "IPv4 10.0.0.1:179 > 10.0.0.2:40112 TCP PSH ACK BGP UPDATE KEEPALIVE, 82 bytes",
        ),
        (
            ethernet(V4, ipv4(6, tcp(80, 40112, 0x10, b"web"))),
            "IPv4 10.0.0.1:80 > 10.0.0.2:40112 TCP ACK, 43 bytes",
        ),
        (
            ethernet(V6, ipv6(17, udp(3784, bytes([0x20, 0xC0]) + bytes(22)))),
            "IPv6 [fd00::1]:49152 > [fd00::2]:3784 UDP BFD Up, 72 bytes",
        ),
        (
            ethernet(V4, ipv4(17, udp(40000, b"probe"))),
            "IPv4 10.0.0.1:49152 > 10.0.0.2:40000 UDP, 33 bytes",
        ),
        (
            ethernet(V4, ipv4(1, pack("!BBHHH", 3, 4, 0, 0, 1400))),
            "IPv4 10.0.0.1 > 10.0.0.2 ICMP fragmentation needed, MTU 1400, 28 bytes",
        ),
        (ethernet(V4, ipv4(1, bytes([5, 1, 0, 0]))), "IPv4 10.0.0.1 > 10.0.0.2 ICMP redirect, 24 bytes"),
        (
            ethernet(V6, ipv6(58, bytes([135, 0, 0, 0]))),
            "IPv6 [fd00::1] > [fd00::2] ICMPv6 neighbour solicitation, 44 bytes",
        ),
        (
            # A listener report stands behind hop-by-hop options.
            ethernet(V6, ipv6(0, bytes([58, 0, 5, 2, 0, 0, 1, 0, 143, 0]))),
            "IPv6 [fd00::1] > [fd00::2] ICMPv6 multicast listener report, 50 bytes",
        ),
        (
            ethernet(0x8100, pack("!HH", 100, V4) + ipv4(89, b"ospf")),
            "IPv4 10.0.0.1 > 10.0.0.2 protocol 89, 24 bytes",
        ),
        (
            ethernet(V4, ipv4(17, b"rest", offset=185)),
            "IPv4 10.0.0.1 > 10.0.0.2 later fragment of protocol 17, 24 bytes",
        ),
        (
            ethernet(V4, ipv4(6, b"cut")),
            "IPv4 10.0.0.1 > 10.0.0.2 protocol 6 (truncated), 23 bytes",
        ),
        (b"short", "frame of 5 bytes (truncated)"),
    ],
)
def test_a_frame_in_one_line(frame: bytes, line: str) -> None:
    assert describe(frame) == line


@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(ethernet, st.sampled_from([V4, V6, ARP]), st.binary(max_size=120)),
        st.builds(
            lambda protocol, payload: ethernet(V4, ipv4(protocol, payload)),
            st.sampled_from([1, 6, 17]),
            st.binary(max_size=90),
        ),
        st.builds(
            lambda following, payload: ethernet(V6, ipv6(following, payload)),
            st.sampled_from([0, 43, 44, 60, 6, 17, 58]),
            st.binary(max_size=90),
        ),
    )
)
def test_any_frame_is_one_line(frame: bytes) -> None:
    line = describe(frame)
    assert line
    assert "\n" not in line
