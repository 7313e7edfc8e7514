"""Edge module: packets as they pass an interface, and files of them that tcpdump and Wireshark read."""

import socket
import struct
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bifilar.errors import MachineError
from bifilar.kernel import decoding

_ETH_P_ALL = 0x0003
_OUTGOING = 4
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@ll")
_LARGEST_BYTES = 1 << 18
"""Above what segmentation offload hands down in one piece."""
_BUFFER_BYTES = 1 << 22
_PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, _LARGEST_BYTES, 1)
"""Nanoseconds, little endian, version 2.4, Ethernet."""
_PCAP_RECORD = struct.Struct("<IIII")
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that was seen.

    Attributes:
        time_ns: when the kernel saw it, in nanoseconds since 1970.
        data: the Ethernet frame.
        outgoing: sent from the interface rather than received on it.
    """

    time_ns: int
    data: bytes
    outgoing: bool


class Capture:
    """Everything that passes one interface of the namespace it is made in, from then on. Use as a context manager.

    Usable from any thread afterwards.

    Raises:
        MachineError: there is no such interface, or no right to look at it.
    """

    def __init__(self, interface: str) -> None:
        # Protocol 0 hears nothing: packets of other interfaces must not come in before it is bound to this one.
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            self._socket.bind((interface, _ETH_P_ALL))
        except OSError as error:
            self._socket.close()
            raise MachineError(
                interface, f"can't be captured: {error.strerror}", "see 'ip link' in the namespace"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()

    def fileno(self) -> int:
        """The descriptor, to wait for packets of several interfaces at once."""
        return self._socket.fileno()

    def packets(self, count: int | None = None, duration_s: float | None = None) -> Iterator[Packet]:
        """Packets as they come.

        Args:
            count: end after so many.
            duration_s: end after so many seconds, counted from the first request for a packet. With neither
                of them it never ends.

        Raises:
            MachineError: the interface is gone, or down.
        """
        deadline = None if duration_s is None else time.monotonic() + duration_s
        seen = 0
        while count is None or seen < count:
            left_s = None if deadline is None else deadline - time.monotonic()
            if left_s is not None and left_s <= 0:
                return
            self._socket.settimeout(left_s)
            try:
                packet = self._receive()
            except TimeoutError:
                return
            except OSError as error:
                raise MachineError(
                    "capture", f"has ended: {error.strerror}", "is the interface up?"
                ) from error
            yield packet
            seen += 1

    def _receive(self) -> Packet:
        data, ancillary, _, address = self._socket.recvmsg(_LARGEST_BYTES, socket.CMSG_SPACE(_TIMESPEC.size))
        seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
        return Packet(seconds * _NS + nanoseconds, data, address[2] == _OUTGOING)


def packets(
    interface: str, count: int | None = None, duration_s: float | None = None
) -> Generator[Packet, None, None]:
    """Packets of an interface of the calling thread's namespace, from this call on; see :meth:`Capture.packets`.

    It listens at once, until the last packet or ``close()``, and may be iterated in another thread: ``run_in(path, lambda: packets("eth0", count=5))``.

    Raises:
        MachineError: there is no such interface, or no right to look at it.
    """
    return _until_closed(Capture(interface), count, duration_s)


def _until_closed(
    capture: Capture, count: int | None, duration_s: float | None
) -> Generator[Packet, None, None]:
    with capture:
        yield from capture.packets(count, duration_s)


def write_pcap(path: Path, captured: Iterable[Packet]) -> int:
    """Write packets to a pcap file as they come, so that a capture that is broken off has them; how many.

    Raises:
        MachineError: the file can't be written.
    """
    try:
        file = path.open("wb", buffering=0)
    except OSError as error:
        raise MachineError(str(path), f"can't be written: {error.strerror}", "choose another file") from error
    written = 0
    with file:
        file.write(_PCAP_HEADER)
        for packet in captured:
            seconds, nanoseconds = divmod(packet.time_ns, _NS)
            size = len(packet.data)
            file.write(_PCAP_RECORD.pack(seconds, nanoseconds, size, size) + packet.data)
            written += 1
    return written


def summary(packet: Packet) -> str:
    """One line about a packet: who speaks to whom, and what."""
    return decoding.describe(packet.data)
