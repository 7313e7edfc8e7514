"""Edge: steady streams of numbered packets, and how long each was interrupted.

Every packet carries the number of its flow, its own, and when it was sent. An interruption is measured on the sender's
clock, from the first packet that was lost to the first that arrived again: a receiver that comes late does not make it
longer, nor does a sender that comes late make it shorter.
"""

import selectors
import socket
import struct
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Self

from bifilar.fabric.model import DeviceName, Family
from bifilar.verify.traffic.stations import (
    FIRST_PORT,
    RECEIVE_BUFFER_BYTES,
    SOCKET_FAMILY,
    Flow,
    Namespaces,
)

PERIOD_MS = 1
_NS_PER_MS = 1_000_000
_PERIOD_NS = PERIOD_MS * _NS_PER_MS
_PACKET = struct.Struct("!8sIIQ")
_MAGIC = b"bifilar\x02"
_LOOK_S = 0.05
"""The receiver looks so often whether it is to end."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """What a flow went through.

    Attributes:
        flow: which.
        sent: packets.
        lost: of these.
        longest_ms: the longest time without one that arrived.
        recovered: whether the last ones arrived.
    """

    flow: Flow
    sent: int
    lost: int
    longest_ms: float
    recovered: bool


class Streams:
    """One packet a millisecond for each flow, while it is open. Use as a context manager.

    Every flow has a socket of its own at each end, on the port that it names.
    """

    def __init__(self, namespaces: Namespaces, flows: Sequence[Flow]) -> None:
        self._namespaces = namespaces
        self._flows = tuple(flows)
        self._stack = ExitStack()
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._senders: list[Callable[[bytes], object]] = []
        self._receivers: list[socket.socket] = []
        self._sent_ns = [array("Q") for _ in flows]
        self._arrived: list[set[int]] = [set() for _ in flows]
        self._newest_ns = [0] * len(self._flows)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for flow in self._flows:
                target = str(flow.address), FIRST_PORT + flow.destination_port
                sender = self._open(stack, flow.source, flow, FIRST_PORT + flow.source_port)
                self._senders.append(partial(_send, sender, target))
                self._receivers.append(self._open(stack, flow.destination, flow, target[1]))
            for work in (self._receive, self._send_all):
                thread = threading.Thread(target=work, name=work.__name__, daemon=True)
                thread.start()
                self._threads.append(thread)
            stack.callback(self._end)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _end(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _open(self, stack: ExitStack, place: DeviceName, flow: Flow, port: int) -> socket.socket:
        def make() -> socket.socket:
            udp = socket.socket(SOCKET_FAMILY[Family(flow.address.version)], socket.SOCK_DGRAM)
            stack.callback(udp.close)
            udp.settimeout(0)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            if Family(flow.address.version) is Family.V6:
                udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            udp.bind(("", port))
            return udp

        return self._namespaces.run_in(place, make)

    def _send_all(self) -> None:
        began = time.monotonic_ns()
        for number in range(1 << 32):
            if self._ending.is_set():
                return
            wait_ns = began + number * _PERIOD_NS - time.monotonic_ns()
            if wait_ns > 0:
                time.sleep(wait_ns / 1e9)
            for index, send in enumerate(self._senders):
                now = time.monotonic_ns()
                self._sent_ns[index].append(now)
                send(_PACKET.pack(_MAGIC, index, number, now))

    def _receive(self) -> None:
        with selectors.EpollSelector() as selector:
            for receiver in self._receivers:
                selector.register(receiver, selectors.EVENT_READ)
            while True:
                ready = selector.select(_LOOK_S)
                for key, _ in ready:
                    self._drain(key.fileobj)  # type: ignore[arg-type]  # we registered sockets
                if not ready and self._ending.is_set():
                    return

    def _drain(self, receiver: socket.socket) -> None:
        while True:
            try:
                packet = receiver.recv(2 * _PACKET.size)
            except BlockingIOError:
                return
            except OSError:
                # An ICMP error for a packet that was sent from here; that packet is lost, which is what counts.
                continue
            if len(packet) == _PACKET.size:
                magic, index, number, sent_ns = _PACKET.unpack(packet)
                if magic == _MAGIC and index < len(self._arrived):
                    self._arrived[index].add(number)
                    self._newest_ns[index] = max(sent_ns, self._newest_ns[index])

    def ages_ms(self) -> list[float]:
        """For each flow, how long ago the newest packet that has arrived was sent; long ago if none has."""
        now = time.monotonic_ns()
        return [(now - newest) / _NS_PER_MS for newest in self._newest_ns]

    def interruptions(self) -> list[Interruption]:
        """What each flow went through; ask after the end."""
        return [
            interruption(flow, sent, arrived)
            for flow, sent, arrived in zip(self._flows, self._sent_ns, self._arrived, strict=True)
        ]


def interruption(flow: Flow, sent_ns: Sequence[int], arrived: Iterable[int]) -> Interruption:
    """What a flow went through.

    Args:
        flow: which.
        sent_ns: when each packet was sent, in nanoseconds.
        arrived: numbers of those that arrived.
    """
    there = set(arrived)
    longest_ns, since = 0, None
    for number, moment in enumerate(sent_ns):
        if number in there:
            if since is not None:
                longest_ns = max(longest_ns, moment - since)
            since = None
        elif since is None:
            since = moment
    if since is not None:
        longest_ns = max(longest_ns, sent_ns[-1] - since)
    return Interruption(
        flow, len(sent_ns), len(sent_ns) - len(there), longest_ns / _NS_PER_MS, recovered=since is None
    )


def _send(sender: socket.socket, target: tuple[str, int], packet: bytes) -> None:
    try:
        sender.sendto(packet, target)
    except OSError:
        # No route, full queue: the packet is lost, which is what counts.
        return
