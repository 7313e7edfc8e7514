import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from ipaddress import ip_interface
from itertools import islice
from os import O_RDONLY, close
from os import open as os_open
from pathlib import Path

import pytest

from bifilar.errors import MachineError
from bifilar.kernel import capture, counters, namespaces
from bifilar.kernel.capture import Capture, Packet
from bifilar.kernel.links import Links, configure

PATIENCE_S = 20.0


def test_a_pcap_file_holds_every_byte_and_nanosecond(tmp_path: Path) -> None:
    file = tmp_path / "a.pcap"
    packets = [
        Packet(1_700_000_000_123_456_789, b"first frame", outgoing=True),
        Packet(1_700_000_001_000_000_001, b"", outgoing=False),
    ]
    assert capture.write_pcap(file, packets) == 2
    content = file.read_bytes()
    assert struct.unpack("<IHHiIII", content[:24])[:3] == (0xA1B23C4D, 2, 4)
    assert struct.unpack("<I", content[20:24]) == (1,)
    assert content[24:] == (
        struct.pack("<IIII", 1_700_000_000, 123_456_789, 11, 11)
        + b"first frame"
        + struct.pack("<IIII", 1_700_000_001, 1, 0, 0)
    )


def test_packets_are_in_the_file_before_the_capture_ends(tmp_path: Path) -> None:
    file = tmp_path / "a.pcap"

    def broken_off() -> Iterator[Packet]:
        yield Packet(0, b"frame", outgoing=True)
        assert file.read_bytes().endswith(b"frame")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        capture.write_pcap(file, broken_off())
    assert file.read_bytes().endswith(b"frame")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=str(tmp_path)):
        capture.write_pcap(tmp_path, [])


@pytest.fixture
def pair(make_namespace: Callable[[], Path]) -> tuple[Path, Path]:
    """Two namespaces with a link between them: 10.0.0.1 and 10.0.0.2 on ``eth0``."""
    a, b = make_namespace(), make_namespace()
    first, second = os_open(a, O_RDONLY), os_open(b, O_RDONLY)
    configure(a, lambda links: links.add_veth("eth0", first, "eth0", second))
    for descriptor in (first, second):
        close(descriptor)
    for path, address in ((a, "10.0.0.1/24"), (b, "10.0.0.2/24")):
        configure(
            path,
            lambda links: links.set_up("eth0"),
            partial(Links.add_address, name="eth0", address=ip_interface(address)),
        )
    return a, b


def send(namespace: Path, address: str, port: int, count: int = 1) -> None:
    def inside() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            for _ in range(count):
                udp.sendto(bytes([0x20, 0xC0]) + bytes(22), (address, port))

    namespaces.run_in(namespace, inside)


@pytest.mark.lab
def test_both_sides_see_a_packet_once_each_in_their_direction(pair: tuple[Path, Path]) -> None:
    a, b = pair
    sender = namespaces.run_in(a, lambda: Capture("eth0"))
    receiver = namespaces.run_in(b, lambda: Capture("eth0"))
    with sender, receiver:
        before = time.time_ns()
        send(a, "10.0.0.2", 3784)
        sent = first_bfd(sender)
        received = first_bfd(receiver)
    assert (sent.outgoing, received.outgoing) == (True, False)
    assert sent.data == received.data
    assert before <= sent.time_ns <= time.time_ns()
    assert capture.summary(received).endswith("> 10.0.0.2:3784 UDP BFD Up, 52 bytes")


def first_bfd(opened: Capture) -> Packet:
    """Past what IPv6 and ARP say on a new link."""
    return next(p for p in opened.packets(duration_s=PATIENCE_S) if "BFD" in capture.summary(p))


@pytest.mark.lab
def test_a_capture_listens_from_its_call_on_and_ends_after_a_count(pair: tuple[Path, Path]) -> None:
    a, _ = pair
    found = namespaces.run_in(a, lambda: capture.packets("eth0", count=2, duration_s=PATIENCE_S))
    send(a, "10.0.0.2", 3784, count=5)
    assert len(list(found)) == 2


@pytest.mark.lab
def test_a_capture_ends_at_its_deadline(namespace: Path) -> None:
    """Nothing passes an interface that is alone; the end comes nevertheless."""
    configure(namespace, lambda links: links.set_up("lo"))
    assert list(namespaces.run_in(namespace, lambda: capture.packets("lo", duration_s=0.05))) == []


@pytest.mark.lab
def test_other_interfaces_are_not_heard(pair: tuple[Path, Path]) -> None:
    a, _ = pair
    configure(a, lambda links: links.set_up("lo"))
    with namespaces.run_in(a, lambda: Capture("eth0")) as opened:
        send(a, "127.0.0.1", 4784)
        send(a, "10.0.0.2", 3784)
        lines = [capture.summary(first_bfd(opened))]
    assert ":3784 " in lines[0]


@pytest.mark.lab
def test_an_interface_that_is_not_there_is_named(namespace: Path) -> None:
    with pytest.raises(MachineError, match="eth7: can't be captured: No such device"):
        namespaces.run_in(namespace, lambda: Capture("eth7"))


@pytest.mark.lab
def test_an_interface_that_goes_away_ends_the_capture_with_an_error(pair: tuple[Path, Path]) -> None:
    a, _ = pair
    with namespaces.run_in(a, lambda: Capture("eth0")) as opened:
        configure(a, lambda links: links.delete("eth0"))
        with pytest.raises(MachineError, match="capture: has ended: Network is down"):
            list(opened.packets(duration_s=PATIENCE_S))


@pytest.mark.lab
def test_counters_count_what_was_sent(pair: tuple[Path, Path]) -> None:
    a, _ = pair
    found = namespaces.run_in(a, lambda: capture.packets("eth0", duration_s=PATIENCE_S))
    before = namespaces.run_in(a, counters.dump)["eth0"]
    send(a, "10.0.0.2", 3784, count=50)
    with closing(found):
        bfd = (packet for packet in found if "BFD" in capture.summary(packet))
        assert len(list(islice(bfd, 50))) == 50
    assert namespaces.run_in(a, counters.dump)["eth0"] >= before + 50
