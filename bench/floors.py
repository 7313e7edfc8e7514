"""What no plugin can be faster than on this machine: starting a program, and the kernel's own work."""

import os
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

from bifilar.kernel import libc, namespaces, requests
from bifilar.kernel.netlink import Rtnetlink

_POD_TABLE, _PROTOCOL, _BOOT = 116, 30, 3
_GATEWAY = IPv4Address("10.69.0.4")
_DEFAULT = IPv4Network("0.0.0.0/0")
_FIRST = IPv4Address("10.64.0.0")
_OWN = "/proc/thread-self/ns/net"


def start_ms(program: Path, times: int) -> list[float]:
    """How long it takes to start a plugin, have it answer VERSION, and see it end; in ms."""
    environment = {"CNI_COMMAND": "VERSION"}
    nothing = os.open(os.devnull, os.O_RDWR)
    said = os.memfd_create("configuration")
    os.write(said, b'{"cniVersion":"1.0.0"}')
    files = [(os.POSIX_SPAWN_DUP2, said, 0), (os.POSIX_SPAWN_DUP2, nothing, 1)]
    found = []
    try:
        for _ in range(times):
            os.lseek(said, 0, os.SEEK_SET)
            began = time.monotonic()
            pid = os.posix_spawn(program, [str(program)], environment, file_actions=files)
            os.waitpid(pid, 0)
            found.append((time.monotonic() - began) * 1000)
    finally:
        os.close(said)
        os.close(nothing)
    return found


def kernel_ms(host: Path, pods: Sequence[Path]) -> tuple[list[float], list[float]]:
    """How long the kernel takes to wire a container and to unwire it, asked directly; each in ms.

    Unwired is when the kernel has answered, which is long after everybody could see that the interface is gone.
    """

    def measure() -> tuple[list[float], list[float]]:
        with Rtnetlink() as netlink:
            indexes, wired = [], []
            for place, pod in enumerate(pods):
                began = time.monotonic()
                indexes.append(_wire(netlink, place, pod))
                wired.append((time.monotonic() - began) * 1000)
            unwired = []
            for place, index in enumerate(indexes):
                began = time.monotonic()
                route = IPv4Network(_FIRST + place)
                netlink.request(requests.delete_route(route, table=_POD_TABLE, protocol=_PROTOCOL))
                netlink.request(requests.delete_link(index))
                unwired.append((time.monotonic() - began) * 1000)
        return wired, unwired

    return namespaces.run_in(host, measure)


def _wire(netlink: Rtnetlink, place: int, pod: Path) -> int:
    """What an ADD has the kernel do; the index of the interface on the host."""
    address = _FIRST + place
    descriptor = os.open(pod, os.O_RDONLY)
    try:
        name = f"veth{place}"
        netlink.request(requests.add_veth(name, "eth0", descriptor, mtu=1500))
        index = socket.if_nametoindex(name)
        netlink.request(
            requests.change_link(index, up=True, alias=f"floor:{place}"),
            requests.add_route(
                IPv4Network(address), index, table=_POD_TABLE, protocol=_PROTOCOL, scope=requests.SCOPE_LINK
            ),
        )
        with _inside(descriptor), Rtnetlink() as inner:
            eth0 = socket.if_nametoindex("eth0")
            inner.request(
                requests.change_link(eth0, up=True),
                requests.add_address(eth0, IPv4Interface(address)),
                requests.add_route(IPv4Network(_GATEWAY), eth0, protocol=_BOOT, scope=requests.SCOPE_LINK),
                requests.add_route(_DEFAULT, eth0, gateway=_GATEWAY, protocol=_BOOT),
            )
    finally:
        os.close(descriptor)
    return index


@contextmanager
def _inside(descriptor: int) -> Iterator[None]:
    home = os.open(_OWN, os.O_RDONLY)
    try:
        libc.setns(descriptor, libc.CLONE_NEWNET)
        yield
    finally:
        libc.setns(home, libc.CLONE_NEWNET)
        os.close(home)
