"""A node's kernel without an agent: a namespace with a management address, namespaces of pods, and what is wired."""

import os
import select
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_interface
from itertools import count
from pathlib import Path
from typing import TypeVar

from bifilar.kernel import namespaces, sysctl
from bifilar.kernel.links import Links, configure, management_device_kind
from bifilar.kernel.namespaces import Traveller
from bifilar.kernel.sysctl import Setting
from bifilar.pods.model import Address, Addresses, Attachment, Key, PoolName
from bifilar.pods.observe import Observation, observe
from bifilar.pods.wiring import Order, Wiring, host_interface_name

NODE = Addresses(ip_address("10.69.0.4"), ip_address("fd69::4"))
MTU = 1480
PORT = 7000
DEADLINE_S = 10
_LISTENING_S = 0.05
_SETTINGS = (
    Setting("net.ipv4.ip_forward", "1"),
    Setting("net.ipv6.conf.all.forwarding", "1"),
    # As a server of the fabric: only the interface that has an address answers for it.
    Setting("net.ipv4.conf.all.arp_ignore", "1"),
    Setting("net.ipv4.conf.all.arp_announce", "2"),
    Setting("net.ipv4.conf.all.rp_filter", "0"),
    Setting("net.ipv4.conf.default.rp_filter", "0"),
)
_numbers = count()
Result = TypeVar("Result")


class Host:
    """A node's namespace, a thread in it, and a wiring made there."""

    def __init__(self) -> None:
        self._made: list[Path] = []
        self.namespace = self.make_namespace()
        self._thread = Traveller()
        self._containers = count(1)
        configure(
            self.namespace,
            lambda links: links.set_up("lo"),
            lambda links: links.add_dummy("node0", management_device_kind()),
            lambda links: links.set_up("node0"),
            *(_with_address(address) for address in NODE.each()),
        )
        self._thread.run_in(self.namespace, lambda: sysctl.apply(_SETTINGS))
        self.wiring: Wiring = self.run(lambda: Wiring(NODE, MTU))
        self.run(self.wiring.ensure_rules)

    def close(self) -> None:
        """Remove all."""
        self.run(self.wiring.close)
        self._thread.__exit__()
        for path in self._made:
            namespaces.delete(path.name)

    def make_namespace(self) -> Path:
        """An empty namespace; it goes with the host."""
        self._made.append(namespaces.create(f"pw-{os.getpid()}-{next(_numbers)}"))
        return self._made[-1]

    def run(self, function: Callable[[], Result]) -> Result:
        """Call a function in the host's namespace."""
        return self._thread.run(function)

    def order(self, families: str = "46", *, pod: str | None = None, interface: str = "eth0") -> Order:
        """A new container, not wired yet, with addresses that no other has.

        Args:
            families: ``4``, ``6`` or ``46``.
            pod: its name in Kubernetes, if it has one.
            interface: the name that the runtime asks for.
        """
        number = next(self._containers)
        addresses = Addresses(
            ip_address(f"10.64.0.{number}") if "4" in families else None,
            ip_address(f"fd64::{number:x}") if "6" in families else None,
        )
        key = Key(f"container{number}", interface)
        namespace = None if pod is None else "default"
        name = host_interface_name(key, namespace, pod)
        return Order(Attachment(key, PoolName("default"), addresses), str(self.make_namespace()), name)

    def attached(self, families: str = "46", *, pod: str | None = None) -> Order:
        """A new container, wired."""
        order = self.order(families, pod=pod)
        self.run(lambda: self.wiring.attach(order))
        return order

    def observation(self) -> Observation:
        """What the host's kernel knows of pods."""
        return self.run(observe)

    def ip(self, *words: str) -> str:
        """Have ``ip`` do something on the host; what it prints."""
        return ip(self.namespace, *words)


def _with_address(address: Address) -> Callable[[Links], None]:
    return lambda links: links.add_address("node0", ip_interface(address))


def ip(namespace: Path | str, *words: str) -> str:
    """Have ``ip`` do something in a namespace; what it prints."""
    command = ["ip", "-n", Path(namespace).name, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def receiver(namespace: Path | str, address: Address) -> socket.socket:
    """A UDP socket at an address of a namespace. Refused while somebody is still asked whether he has the address."""

    def make() -> socket.socket:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        opened = socket.socket(family, socket.SOCK_DGRAM)
        opened.settimeout(DEADLINE_S)
        opened.bind((str(address), PORT))
        return opened

    return namespaces.run_in(Path(namespace), make)


def exchange(one: socket.socket, other: socket.socket) -> None:
    """A packet there and one back, from the very addresses that the sockets are bound to."""
    one.sendto(b"there", other.getsockname())
    received, sender = other.recvfrom(16)
    assert (received, sender) == (b"there", one.getsockname())
    other.sendto(b"back", sender)
    assert one.recvfrom(16) == (b"back", other.getsockname())


@contextmanager
def monitored(host: Host, *objects: str) -> Iterator[Iterator[str]]:
    """Lines that ``ip monitor`` prints about a host's objects (``link``, ``route``) from now on, and some noise."""
    command = ["ip", "-n", host.namespace.name, "-o", "monitor", *objects]
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        try:
            heard = b""
            while b"10.99.0.0" not in heard:
                # Something happens until it is told of: then it listens.
                for verb in ("add", "del"):
                    host.ip("route", verb, "10.99.0.0/24", "dev", "lo", "table", "99")
                if select.select([process.stdout], [], [], _LISTENING_S)[0]:
                    heard += os.read(process.stdout.fileno(), 1 << 16)
            yield (line.decode() for line in process.stdout)
        finally:
            process.terminate()
