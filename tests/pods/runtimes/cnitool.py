"""``cnitool`` of the CNI project: no runtime, only what a runtime does about the network."""

import json
from collections.abc import Mapping
from ipaddress import ip_interface
from types import MappingProxyType

from pods.runtimes import image, programs
from pods.runtimes.host import Host
from pods.runtimes.runtime import Network


class Cnitool:
    """Namespaces made by ``ip``, interfaces in them by ``cnitool``."""

    def __init__(self, host: Host, network: Network) -> None:
        self._host = host
        self._network = network
        self._program = programs.cnitool()
        self.root = host.directory / "root"
        image.unpack(self.root)
        (self.root / "proc").mkdir()
        host.run("mount", "-t", "proc", "proc", self.root / "proc")

    def call(self, verb: str, name: str = "any", ports: Mapping[int, int] = MappingProxyType({})) -> str:
        """Have the network's plugins do something, if it is about a pod for that pod; what they say."""
        mappings = [
            {"hostPort": outside, "containerPort": inside, "protocol": "tcp"}
            for outside, inside in ports.items()
        ]
        environment = {
            "CNI_PATH": str(self._network.plugins),
            "NETCONFPATH": str(self._network.configurations),
            "CAP_ARGS": json.dumps({"portMappings": mappings}),
        }
        words = (verb, self._network.name, f"/run/netns/{name}")
        return self._host.run(self._program, *words, environment=environment)

    def run(self, name: str, ports: Mapping[int, int]) -> "CnitoolPod":
        """Start a pod."""
        self._host.run("ip", "netns", "add", name)
        self._host.run("ip", "-n", name, "link", "set", "lo", "up")
        return CnitoolPod(self, self._host, name, ports)


class CnitoolPod:
    """A namespace, and a web server in it."""

    def __init__(self, cnitool: Cnitool, host: Host, name: str, ports: Mapping[int, int]) -> None:
        self._cnitool = cnitool
        self._host = host
        self.name = name
        self._ports = ports
        answer = json.loads(cnitool.call("add", name, ports))
        self.addresses = tuple(ip_interface(given["address"]).ip for given in answer["ips"])
        self._server = host.start(*self._inside(*image.WEB_SERVER))

    def execute(self, *command: str) -> str:
        """Run a command inside it."""
        return self._host.run(*self._inside(*command))

    def _inside(self, *command: str) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.name, "chroot", str(self._cnitool.root), *command)

    def end(self) -> None:
        """Stop and remove it."""
        self._cnitool.call("del", self.name, self._ports)
        self._server.terminate()
        self._server.wait()
        self._host.run("ip", "netns", "delete", self.name)
