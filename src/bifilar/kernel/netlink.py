"""Edge module: requests and dumps over rtnetlink, as raw messages.

A dump of a thousand routes takes the kernel half a millisecond; what takes time is to make objects of them. So the
messages come as they are, and each reader makes only what it needs.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from bifilar.errors import MachineError

Attributes = dict[int, bytes]
"""Attributes of a message by type; the last one of a type that comes twice."""

_HEADER = struct.Struct("=IHHII")
_LENGTH_AND_TYPE = struct.Struct("=IH")
_ATTRIBUTE = struct.Struct("=HH")
_ERROR = struct.Struct("=i")
_TYPE_MASK = 0x3FFF
"""Without the flags that say that an attribute is nested, or in network byte order."""
_ALIGN = 3
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_REQUEST, _ACK, _DUMP, _DUMP_INTERRUPTED = 0x001, 0x004, 0x300, 0x010
_ACK_ATTRIBUTES = 0x200
_MESSAGE = 1
_SOL_NETLINK, _CAPPED_ACK, _EXTENDED_ACK, _GET_STRICT_CHECK = 270, 10, 11, 12
_RECEIVE_BYTES = 1 << 18
_ANSWER_BYTES = 1 << 14
"""A single answer is never so long. A buffer of the other size comes from the kernel each time: 40 us, ten times an ADD."""
_ATTEMPTS = 50
"""A dump during which the table changed is begun again; a fabric that converges changes it all the time."""


class RefusedError(OSError):
    """The kernel refuses a request.

    Attributes:
        errno: why, as a number; also in words where the kernel has some.
        place: which of the requests sent together, from 0.
    """

    def __init__(self, number: int, place: int, words: str) -> None:
        super().__init__(number, words or os.strerror(number))
        self.place = place


class Rtnetlink:
    """A socket in the namespace of the thread that makes it. Usable from any thread afterwards."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        # Only with it the kernel filters dumps by table and protocol itself.
        self._socket.setsockopt(_SOL_NETLINK, _GET_STRICT_CHECK, 1)
        # Answers say in words why, and don't repeat the question.
        self._socket.setsockopt(_SOL_NETLINK, _EXTENDED_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _CAPPED_ACK, 1)
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def request(self, *requests: tuple[int, int, bytes]) -> None:
        """Ask for changes, in their order, and wait until each is done or refused.

        One refused doesn't keep the others from being done: send alone what the others depend on.

        Args:
            requests: type, flags and body of each; see :mod:`bifilar.kernel.requests`.

        Raises:
            RefusedError: the first that the kernel refuses.
        """
        if not requests:
            return
        first = self._sequence + 1
        last = self._sequence = self._sequence + len(requests)
        parts = []
        for sequence, (kind, flags, body) in enumerate(requests, first):
            # They are done in their order, and a refusal comes unasked: the answer to the last one is enough.
            asked = flags | _REQUEST | (_ACK if sequence == last else 0)
            parts.append(_HEADER.pack(_HEADER.size + len(body), kind, asked, sequence, 0))
            parts.append(body)
        self._socket.send(b"".join(parts))
        self._await(first)

    def _await(self, first: int) -> None:
        """Read what became of the requests from this sequence number on."""
        refused: RefusedError | None = None
        sequence = 0
        while sequence != self._sequence:
            datagram = self._socket.recv(_ANSWER_BYTES)
            # Each answer comes in a datagram of its own.
            length, kind, flags, sequence, _ = _HEADER.unpack_from(datagram)
            if kind != _NLMSG_ERROR or sequence < first:
                continue
            if refused is None and _ERROR.unpack_from(datagram, _HEADER.size)[0]:
                refused = _refusal(datagram, length, flags, sequence - first)
        if refused is not None:
            raise refused

    def ask(self, kind: int, body: bytes) -> bytes:
        """The one message that answers a question, as a datagram.

        Raises:
            RefusedError: the kernel refuses; ``ENODEV`` and the like if there is no such thing.
        """
        self._sequence += 1
        header = _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST, self._sequence, 0)
        self._socket.send(header + body)
        while True:
            datagram = self._socket.recv(_ANSWER_BYTES)
            length, answered, flags, sequence, _ = _HEADER.unpack_from(datagram)
            if sequence != self._sequence:
                continue
            if answered == _NLMSG_ERROR:
                raise _refusal(datagram, length, flags, 0)
            return datagram

    def dump(self, kind: int, body: bytes) -> list[bytes]:
        """The datagrams of the answer; :func:`messages` takes them apart.

        Raises:
            MachineError: the kernel refuses.
        """
        for _ in range(_ATTEMPTS):
            datagrams = self._dump(kind, body)
            if datagrams is not None:
                return datagrams
        raise MachineError(
            "rtnetlink",
            f"a table changed during each of {_ATTEMPTS} dumps",
            "wait until the network is steady",
        )

    def _dump(self, kind: int, body: bytes) -> list[bytes] | None:
        """As :meth:`dump`; ``None`` if the table changed meanwhile."""
        self._sequence += 1
        header = _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | _DUMP, self._sequence, 0)
        self._socket.send(header + body)
        datagrams: list[bytes] = []
        steady = True
        while True:
            datagram = self._socket.recv(_RECEIVE_BYTES)
            datagrams.append(datagram)
            steady = steady and not _HEADER.unpack_from(datagram)[2] & _DUMP_INTERRUPTED
            end = _end_of_dump(datagram)
            if end is not None:
                _check(_ERROR.unpack_from(datagram, end)[0])
                return datagrams if steady else None


def _refusal(datagram: bytes, length: int, flags: int, place: int) -> RefusedError:
    """What an answer of type NLMSG_ERROR says."""
    begin = 2 * _HEADER.size + _ERROR.size
    said = attributes(datagram, begin, length) if flags & _ACK_ATTRIBUTES else {}
    number = -_ERROR.unpack_from(datagram, _HEADER.size)[0]
    return RefusedError(number, place, said.get(_MESSAGE, b"").rstrip(b"\0").decode())


def _end_of_dump(datagram: bytes) -> int | None:
    """Where the status of the whole dump stands, if this is its last datagram."""
    position, size = 0, len(datagram)
    unpack = _LENGTH_AND_TYPE.unpack_from
    while position < size:
        length, kind = unpack(datagram, position)
        if kind in (_NLMSG_DONE, _NLMSG_ERROR):
            return position + _HEADER.size
        position += (length + _ALIGN) & ~_ALIGN
    return None


def _check(status: int) -> None:
    # ENOENT: a routing table that nobody has put anything into.
    if status < 0 and -status != errno.ENOENT:
        what = f"the kernel refuses a dump: {os.strerror(-status)}"
        raise MachineError("rtnetlink", what, "is the kernel too old? 5.0 is needed")


def messages(datagram: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, begin and end of the body of each message of a datagram; the end of the dump is none."""
    position, size = 0, len(datagram)
    unpack = _LENGTH_AND_TYPE.unpack_from
    while position < size:
        length, kind = unpack(datagram, position)
        if kind > _NLMSG_DONE:
            yield kind, position + _HEADER.size, position + length
        position += (length + _ALIGN) & ~_ALIGN


def attributes(buffer: bytes, position: int, end: int) -> Attributes:
    """The attributes in a part of a buffer."""
    found: Attributes = {}
    unpack = _ATTRIBUTE.unpack_from
    while position < end:
        length, kind = unpack(buffer, position)
        found[kind & _TYPE_MASK] = buffer[position + 4 : position + length]
        position += (length + _ALIGN) & ~_ALIGN
    return found


def first_attribute(buffer: bytes, position: int, wanted: int) -> bytes | None:
    """The first attribute of a type from a place on; ``None`` if there is none. For who needs no other."""
    unpack = _ATTRIBUTE.unpack_from
    end = len(buffer)
    while position < end:
        length, kind = unpack(buffer, position)
        if kind & _TYPE_MASK == wanted:
            return buffer[position + 4 : position + length]
        position += (length + _ALIGN) & ~_ALIGN
    return None


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, as it stands in a request."""
    padding = -len(value) % (_ALIGN + 1)
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(padding)
