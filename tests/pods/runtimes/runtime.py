"""What every runtime of these tests does, whatever it is."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import NamedTuple, Protocol

from pods.runtimes import image
from pods.runtimes.host import Host

Address = IPv4Address | IPv6Address

PORTS = {18080: image.PORT}
"""Where pods are reached on their server."""


class Network(NamedTuple):
    """The pod network of a server, as an operator has set it up.

    Attributes:
        configurations: directory of network configurations.
        plugins: directory of plugins.
        name: of the network.
    """

    configurations: Path
    plugins: Path
    name: str


class Pod(Protocol):
    """A container that serves the page :data:`pods.runtimes.image.PEER_PAGE`."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Its addresses as its runtime tells them, IPv4 first."""
        ...

    def execute(self, *command: str) -> str:
        """Run a command inside it; what it says."""
        ...

    def end(self) -> None:
        """Stop and remove it."""
        ...


class Runtime(Protocol):
    """A runtime on one server."""

    def run(self, name: str, ports: Mapping[int, int]) -> Pod:
        """Start a pod.

        Args:
            name: of the pod.
            ports: ports of the pod by the port of the server that leads there.
        """
        ...


class Server(NamedTuple):
    """A server of the lab with its pod network."""

    host: Host
    network: Network


class RunningPod(NamedTuple):
    """A pod, and where it runs."""

    host: Host
    pod: Pod
