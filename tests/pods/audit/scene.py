"""A lab with pods, and damage to it."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address
from pathlib import Path

from bifilar.fabric import design
from bifilar.intent import parse_intent
from bifilar.kernel import namespaces
from bifilar.lab import Lab
from bifilar.lab.agents import find
from bifilar.lab.places import places_of
from bifilar.pods.audit import Report
from bifilar.pods.model import Addresses, Attachment, Key, PoolName
from bifilar.pods.observe import observe
from bifilar.pods.sqlite import SqliteStore
from bifilar.pods.wiring import Order, Wiring, host_interface_name
from pods.nodes import until

EXAMPLE = Path(__file__).parents[3] / "examples" / "dual-stack.yaml"
NODE, OTHER = "rack0-server1", "rack1-server1"
PODS = {"a": NODE, "b": NODE, "c": OTHER}
"""Two on one server, one on another in another rack."""
BLOCK, BLOCK6 = "10.64.0.0/27", "fd00:64::/123"
"""Of ``NODE``; those of ``OTHER`` come next."""
MANAGEMENT = "10.69.0.4"
"""Of ``NODE``."""
_CONVERGENCE_S = 120


class Scene:
    """A lab, and what can be done to it."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.places = places_of(lab.name)

    def kill_agents(self) -> None:
        """Have nobody correct anything."""
        for device in (NODE, OTHER):
            agent = find(self.places, device)
            assert agent is not None
            os.kill(agent, signal.SIGKILL)
            until(lambda device=device: find(self.places, device) is None)

    def audit(self, *, mend: bool = False) -> Report:
        """Look at once: nobody changes anything meanwhile."""
        return self.lab.audit(mend=mend, patience_s=0)

    def found(self) -> dict[str, int]:
        """How many findings there are of each kind."""
        kinds = [str(outcome.finding.kind) for outcome in self.audit().outcomes]
        return {kind: kinds.count(kind) for kind in kinds}

    def ip(self, *words: str, device: str = NODE) -> None:
        """Have ``ip`` do something on a server."""
        _ip(self.lab.namespace(device), words)

    def ip_in(self, pod: str, *words: str) -> None:
        """Have ``ip`` do something in a pod."""
        _ip(self.lab.pods.named(pod).netns, words)

    def ip_in_namespace(self, namespace: str, *words: str) -> None:
        """Have ``ip`` do something in a namespace."""
        _ip(namespaces.path_of(namespace), words)

    def host_end(self, pod: str) -> str:
        """The name of a pod's interface on its server."""
        return host_interface_name(self.key(pod), "default", pod)

    def key(self, pod: str) -> Key:
        """What a pod's interface is known by."""
        return Key(self.lab.pods.named(pod).container, "eth0")

    def address(self, pod: str, version: int = 4) -> str:
        """A pod's address."""
        return next(str(each) for each in self.lab.pods.named(pod).addresses if each.version == version)

    def alias(self, pod: str) -> str:
        """The alias of a pod's interface."""
        v4, v6 = self.lab.pods.named(pod).addresses
        assert v4.version == 4
        assert v6.version == 6
        return Attachment(self.key(pod), PoolName("default"), Addresses(v4, v6)).alias

    @contextmanager
    def store(self) -> Iterator[SqliteStore]:
        """The lab's store."""
        with closing(SqliteStore(self.places.pod_store)) as opened:
            yield opened

    def sql(self, statement: str) -> None:
        """Change the store behind its back."""
        with closing(sqlite3.connect(self.places.pod_store)) as connection, connection:
            connection.execute(statement)

    def birdc(self, *words: str, device: str = NODE) -> str:
        """A command to a server's daemon."""
        command = ["birdc", "-s", str(self.lab.bird_socket(device)), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def misconfigure(self, directory: Path, *replacements: tuple[str, str], device: str = NODE) -> None:
        """Have a daemon run with another configuration than that in its file."""
        text = self.lab.bird_config(device).read_text()
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        wrong = directory / f"{device}.conf"
        wrong.write_text(text)
        said = self.birdc("configure", f'"{wrong}"', device=device)
        assert "Reconfigur" in said, said

    def wire(self, namespace: str, address: str) -> None:
        """Attach a pod of nobody's on the first server, with an address of nobody's choice."""
        device = self.lab.device(NODE)
        v4 = next(each for each in device.management if each.version == 4)
        v6 = next(each for each in device.management if each.version == 6)
        key = Key(namespace, "eth0")
        found = ip_address(address)
        assert found.version == 4
        attachment = Attachment(key, PoolName("default"), Addresses(found, None))

        def attach() -> None:
            wiring = Wiring(Addresses(v4, v6), self.lab.fabric.mtu)
            try:
                path = str(namespaces.path_of(namespace))
                wiring.attach(Order(attachment, path, host_interface_name(key)))
            finally:
                wiring.close()

        self.lab.run_in(NODE, attach)

    def interfaces(self) -> int:
        """How many interfaces of pods the first server has."""
        return len(self.lab.run_in(NODE, observe).interfaces)


def _ip(namespace: Path, words: tuple[str, ...]) -> None:
    subprocess.run(["ip", "-n", namespace.name, *words], capture_output=True, text=True, check=True)


@contextmanager
def converged(name: str) -> Iterator[Lab]:
    """The lab without pods; removed at the end."""
    text = EXAMPLE.read_text()
    lab = Lab.up(design(parse_intent(text, str(EXAMPLE))), text, name)
    try:
        lab.wait_converged(_CONVERGENCE_S)
        yield lab
    finally:
        Lab.remove(name)


@contextmanager
def scene() -> Iterator[Scene]:
    """Three pods, and no agent that mends what is broken."""
    with converged(f"au-{os.getpid()}") as lab:
        for name, device in PODS.items():
            lab.pods.run(name, device)
        made = Scene(lab)
        made.kill_agents()
        yield made
