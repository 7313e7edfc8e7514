"""Edge: UDP sockets in many namespaces, driven by one thread.

A socket stays in the namespace that it was made in, so one process can hold sockets of the whole fabric and
send and receive on all of them without changing namespace again.
"""

import selectors
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Protocol, Self, TypeVar

from bifilar.fabric.model import Address, DeviceName, Family

T = TypeVar("T")

FIRST_PORT = 20_000
"""The stations' UDP ports are this and the following. Linux gives out ports from 32768 on, also to BFD: above that, in
a fabric of a thousand servers, one of them would be taken somewhere."""
RECEIVE_BUFFER_BYTES = 1 << 20
SOCKET_FAMILY = {Family.V4: socket.AF_INET, Family.V6: socket.AF_INET6}
_HEADER = struct.Struct("!8sII")
_MAGIC = b"bifilar\x01"
# linux/in.h and linux/in6.h; the socket module has no names for them.
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER, _PMTUDISC_PROBE = 10, 23, 3
_COLLECT_EVERY = 64
"""Datagrams sent between two looks at what has come: no receive buffer fills up."""
_SETTLE_S = 1.2
"""With nothing heard for that long, what is missing is sent again, or lost. Linux repeats an unanswered neighbour
solicitation after one second."""


class Namespaces(Protocol):
    """Where stations stand: something that runs a function inside a device's namespace."""

    def run_in(self, device: DeviceName, function: Callable[[], T]) -> T:
        """Call ``function`` inside the namespace of ``device``."""


@dataclass(frozen=True, slots=True)
class Flow:
    """One datagram: from a station's socket to an address and port of another.

    ``source_port`` and ``destination_port`` count from the station's first.
    """

    source: DeviceName
    destination: DeviceName
    address: Address
    source_port: int = 0
    destination_port: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A flow that arrived, and the source address that the receiver saw."""

    flow: Flow
    source: Address


class Stations:
    """UDP sockets on devices: ``ports`` sockets of each family on each, unbound to any address.

    ``mtu`` switches to full-size datagrams: every packet has that many bytes and must not be fragmented.
    Use as a context manager; :meth:`exchange` sends a set of flows and says which arrived.
    """

    def __init__(
        self,
        namespaces: Namespaces,
        devices: Iterable[DeviceName],
        families: Sequence[Family],
        *,
        ports: int = 1,
        mtu: int | None = None,
    ) -> None:
        self._namespaces = namespaces
        self._devices = tuple(devices)
        self._families = tuple(families)
        self._ports = ports
        self._mtu = mtu
        self._stack = ExitStack()
        self._selector = selectors.EpollSelector()
        self._sockets: dict[tuple[DeviceName, Family], list[socket.socket]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self._selector.close)
            for device in self._devices:
                for family in self._families:
                    opened = self._namespaces.run_in(device, partial(self._open, family, stack))
                    self._sockets[device, family] = opened
                    for opened_socket in opened:
                        self._selector.register(opened_socket, selectors.EVENT_READ, opened_socket)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _open(self, family: Family, stack: ExitStack) -> list[socket.socket]:
        opened = []
        for offset in range(self._ports):
            udp = stack.enter_context(socket.socket(SOCKET_FAMILY[family], socket.SOCK_DGRAM))
            udp.settimeout(0)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            if family is Family.V6:
                udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                udp.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_PROBE)
            else:
                # "Probe" sets DF on every packet and does not trust a path MTU learnt before.
                udp.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_PROBE)
            udp.bind(("", FIRST_PORT + offset))
            opened.append(udp)
        return opened

    def exchange(
        self, flows: Sequence[Flow], *, rounds: int = 3, progress: Callable[[int], None] = lambda _: None
    ) -> dict[int, Arrival]:
        """Send every flow once, and those that did not arrive again, in at most ``rounds`` rounds.

        Returns the arrivals by the index of their flow. Resending forgives a packet that a busy machine dropped
        from a queue; a path that loses all packets still shows.
        """
        arrived: dict[int, Arrival] = {}
        for _ in range(rounds):
            missing = [index for index in range(len(flows)) if index not in arrived]
            if not missing:
                break
            self._round(flows, missing, arrived, progress)
        return arrived

    def _round(
        self,
        flows: Sequence[Flow],
        indexes: Sequence[int],
        arrived: dict[int, Arrival],
        progress: Callable[[int], None],
    ) -> None:
        for position, index in enumerate(indexes):
            self._send(index, flows[index])
            if position % _COLLECT_EVERY == 0:
                self._collect(flows, arrived, timeout_s=0)
                progress(len(arrived))
        wanted = len(arrived) + sum(index not in arrived for index in indexes)
        last_heard = time.monotonic()
        while len(arrived) < wanted and time.monotonic() - last_heard < _SETTLE_S:
            if self._collect(flows, arrived, timeout_s=_SETTLE_S / 5):
                last_heard = time.monotonic()
        progress(len(arrived))

    def _send(self, index: int, flow: Flow) -> None:
        family = Family(flow.address.version)
        udp = self._sockets[flow.source, family][flow.source_port]
        try:
            udp.sendto(self._datagram(index, family), (str(flow.address), FIRST_PORT + flow.destination_port))
        except OSError:
            # No route, too large for the interface, full queue: the flow does not arrive, which is the finding.
            return

    def _datagram(self, index: int, family: Family) -> bytes:
        header = _HEADER.pack(_MAGIC, index, 0)
        if self._mtu is None:
            return header
        headers = 20 + 8 if family is Family.V4 else 40 + 8
        return header.ljust(self._mtu - headers, b"\0")

    def _collect(self, flows: Sequence[Flow], arrived: dict[int, Arrival], *, timeout_s: float) -> int:
        """Read what has come; returns how many datagrams."""
        count = 0
        for key, _ in self._selector.select(timeout_s):
            for datagram, source in _datagrams(key.data):
                count += 1
                if len(datagram) >= _HEADER.size:
                    magic, index, _zero = _HEADER.unpack_from(datagram)
                    if magic == _MAGIC and index < len(flows):
                        arrived.setdefault(index, Arrival(flows[index], source))
        return count


def _datagrams(udp: socket.socket) -> Iterator[tuple[bytes, Address]]:
    while True:
        try:
            datagram, source = udp.recvfrom(65_535)
        except BlockingIOError:
            return
        except OSError:
            # An ICMP error for an earlier datagram; the datagram's flow did not arrive, which is the finding.
            continue
        yield datagram, ip_address(source[0].partition("%")[0])
