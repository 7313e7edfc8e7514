"""Edge module: interfaces that go away, as the kernel announces it."""

import ctypes
import errno
import os
import select
import socket
import struct

from bifilar.kernel.netlink import messages

_DELLINK = 17
_GROUP_LINK = 1
_IFINFOMSG = struct.Struct("=BxHiII")
_AF_UNSPEC = 0
_RECEIVE_BYTES = 1 << 16
_BUFFER_BYTES = 1 << 22
_SO_RCVBUFFORCE, _SO_ATTACH_FILTER = 33, 26
_INSTRUCTION = struct.Struct("=HBBI")
_LOAD_HALF, _JUMP_EQUAL, _RETURN = 0x28, 0x15, 0x06
_TYPE_OFFSET = 4


class Removals:
    """Hears of interfaces that leave the namespace of the thread that makes it. Usable from any thread afterwards.

    The kernel announces the end of an interface when its name, index, addresses and routes are gone; the request that
    ended it is answered some twenty milliseconds later. If announcements come faster than they are read, some are lost.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
            _attach_filter(self._socket)
            self._socket.bind((0, 1 << (_GROUP_LINK - 1)))
        except OSError:
            self._socket.close()
            raise
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)

    def close(self) -> None:
        """Stop listening. Nobody waits any more."""
        self._socket.close()
        os.close(self._wake)

    def wake(self) -> None:
        """Have :meth:`wait` return from now on, in whatever thread."""
        os.eventfd_write(self._wake, 1)

    def wait(self) -> list[int]:
        """Wait for removals; indexes of the interfaces that are gone, none if some were lost or :meth:`wake` was called."""
        self._poll.poll()
        try:
            datagram = self._socket.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return []
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                return []
            raise
        found = (
            _IFINFOMSG.unpack_from(datagram, begin)
            for kind, begin, _ in messages(datagram)
            if kind == _DELLINK
        )
        # A port that leaves a bridge is announced alike, with the family of bridges.
        return [index for family, _, index, _, _ in found if family == _AF_UNSPEC]


def _attach_filter(listener: socket.socket) -> None:
    """Have the kernel drop all but removals: a new interface is announced half a dozen times."""
    # The filter's machine reads numbers in network byte order, the header has the machine's.
    wanted = socket.htons(_DELLINK)
    program = b"".join(
        _INSTRUCTION.pack(*instruction)
        for instruction in (
            (_LOAD_HALF, 0, 0, _TYPE_OFFSET),
            (_JUMP_EQUAL, 0, 1, wanted),
            (_RETURN, 0, 0, 0xFFFFFFFF),
            (_RETURN, 0, 0, 0),
        )
    )
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: how many instructions, and where they are.
    described = struct.pack("@HP", len(program) // _INSTRUCTION.size, ctypes.addressof(buffer))
    listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
