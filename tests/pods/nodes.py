"""A node of its own for tests: a namespace with a management address, a store, an agent, and pods' namespaces."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network, ip_interface
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from bifilar.kernel import namespaces, sysctl
from bifilar.kernel.links import Links, configure, management_device_kind
from bifilar.kernel.sysctl import Setting
from bifilar.pods.failpoints import VARIABLE, Step
from bifilar.pods.model import Pool, PoolName, Subnet
from bifilar.pods.sqlite import SqliteStore

DEADLINE_S = 20.0
PROGRAM = Path(sys.executable).with_name("bifilar")
MANAGEMENT = "10.69.0.4"
MANAGEMENT6 = "fd69::4"
_numbers = count()

Answer = tuple[bool, dict[str, Any]]
"""Whether the plugin would fail, and what it would print."""


def until(condition: Callable[[], object]) -> None:
    """Wait for something, not for ever."""
    deadline = monotonic() + DEADLINE_S
    while not condition():
        assert monotonic() < deadline, "it didn't happen in time"
        sleep(0.005)


class Agent:
    """An agent that can be started, asked, and killed, on a node that others have made."""

    def __init__(
        self,
        directory: Path,
        namespace: Path,
        store_path: Path,
        *,
        node: str,
        management: str,
        bird_socket: Path,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.namespace = namespace
        self.node = node
        self.management = management
        self.store_path = store_path
        self.socket = directory / "cni.sock"
        self.bird_socket = bird_socket
        self.agent: subprocess.Popen[bytes] | None = None
        self.pods: list[str] = []
        self.options: tuple[str, ...] = ()
        """Given at every start."""

    def start(self, failpoint: Step | None = None, *options: str, times: int = 1) -> None:
        """Start the agent and wait until it answers."""
        environment = {**os.environ, **({VARIABLE: f"{failpoint}:{times}"} if failpoint else {})}
        command = [
            str(PROGRAM), "agent", "--node", self.node, "--store", f"sqlite:{self.store_path}",
            "--management", self.management, "--socket", str(self.socket), "--bird-socket", str(self.bird_socket),
            "--cool-down", "0", *self.options, *options,
        ]  # fmt: skip
        log = (self.directory / "agent.log").open("ab")
        self.agent = namespaces.run_in(
            self.namespace, lambda: subprocess.Popen(command, env=environment, stderr=log, stdout=log)
        )
        log.close()
        until(self._answers)

    def _answers(self) -> bool:
        assert self.agent is not None
        assert self.agent.poll() is None, (self.directory / "agent.log").read_text()
        try:
            self.call("VERSION")
        except (OSError, ValueError):
            return False
        return True

    def stop(self, number: int = signal.SIGKILL) -> int:
        """End the agent; its exit status."""
        assert self.agent is not None
        self.agent.send_signal(number)
        return self.agent.wait(DEADLINE_S)

    def died(self) -> None:
        """Wait until the agent has killed itself at its failpoint."""
        assert self.agent is not None
        assert self.agent.wait(DEADLINE_S) == -signal.SIGKILL

    def pod(self) -> str:
        """A new namespace for a pod; its name."""
        name = f"pt-{os.getpid()}-p{next(_numbers)}"
        namespaces.create(name)
        self.pods.append(name)
        return name

    def call(self, verb: str, pod: str = "", *, interface: str = "eth0", **configuration: object) -> Answer:
        """Ask as the plugin does. The container is called as its namespace.

        Raises:
            ValueError: there was no answer.
        """
        with self.ask(verb, pod, interface=interface, **configuration) as connection:
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        if not answer:
            raise ValueError("no answer")
        return answer[:1] == b"1", json.loads(answer[1:] or b"{}")

    def ask(
        self, verb: str, pod: str = "", *, interface: str = "eth0", **configuration: object
    ) -> socket.socket:
        """Ask, and leave the answer to be read."""
        variables = {"CNI_COMMAND": verb, "CNI_PATH": "/opt/cni/bin"}
        if pod:
            variables |= {
                "CNI_CONTAINERID": pod,
                "CNI_NETNS": str(namespaces.path_of(pod)),
                "CNI_IFNAME": interface,
                "CNI_ARGS": f"IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME={pod}",
            }
        document = {"cniVersion": "1.1.0", "name": "bifilar", "type": "bifilar", **configuration}
        request = b"".join(f"{name}={value}".encode() + b"\0" for name, value in variables.items()) + b"\0"
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(DEADLINE_S)
            connection.connect(str(self.socket))
            connection.sendall(request + json.dumps(document).encode())
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            connection.close()
            raise
        return connection

    def add(self, pod: str) -> str:
        """Have a pod attached; its IPv4 address."""
        failed, document = self.call("ADD", pod)
        assert not failed, document
        return str(document["ips"][0]["address"].partition("/")[0])

    def collect(self, *pods: str) -> Answer:
        """GC with these pods as the valid ones."""
        valid = [{"containerID": pod, "ifname": "eth0"} for pod in pods]
        return self.call("GC", **{"cni.dev/valid-attachments": valid})

    def remove(self) -> None:
        """End the agent, and remove the pods' namespaces."""
        if self.agent is not None and self.agent.poll() is None:
            self.stop()
        for pod in self.pods:
            namespaces.delete(pod)


class AgentNode(Agent):
    """An agent with a node of its own, without a routing daemon, and with a pool ``default``; dual stack if wanted."""

    def __init__(
        self, directory: Path, *, dual: bool = False, bits: int = 5, network: str = "10.64.0.0/20"
    ) -> None:
        self.name = f"pt-{os.getpid()}-{next(_numbers)}"
        management = f"{MANAGEMENT},{MANAGEMENT6}" if dual else MANAGEMENT
        super().__init__(
            directory,
            namespaces.create(self.name),
            directory / "pods.sqlite",
            node="node1",
            management=management,
            bird_socket=directory / "bird.ctl",
        )
        _prepare(self.namespace, management)
        self.store = SqliteStore(self.store_path)
        self.store.make()
        v4 = IPv4Network(network)
        v6 = IPv6Network(f"fd64::/{128 - v4.max_prefixlen + v4.prefixlen}")
        self.store.put_pool(Pool(PoolName("default"), bits, (Subnet(v4, v6 if dual else None),)))

    def remove(self) -> None:
        """Leave nothing."""
        super().remove()
        namespaces.delete(self.name)


def _prepare(namespace: Path, management: str) -> None:
    """Make a namespace a server, as far as pods need it."""
    kind = management_device_kind()

    def make_management_device(links: Links) -> None:
        links.set_up("lo")
        links.add_dummy("node0", kind)
        for address in management.split(","):
            links.add_address("node0", ip_interface(address))
        links.set_up("node0")

    configure(namespace, make_management_device)
    forwarding = [Setting("net/ipv4/ip_forward", "1"), Setting("net/ipv6/conf/all/forwarding", "1")]
    namespaces.run_in(namespace, lambda: sysctl.apply(forwarding))


@contextmanager
def agent_node(
    directory: Path, *, dual: bool = False, bits: int = 5, network: str = "10.64.0.0/20"
) -> Iterator[AgentNode]:
    """A node without a running agent, removed at the end."""
    namespaces.prepare()
    node = AgentNode(directory, dual=dual, bits=bits, network=network)
    try:
        yield node
    finally:
        node.remove()
