"""The plugins that are compared, each with a namespace of its own that plays the node.

What is made here is named after this process, so that the next run finds what a killed one has left.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from pathlib import Path

from calls import PLUGINS, Side, write_configuration

from bifilar.kernel import namespaces
from bifilar.kernel.links import Links, configure, management_device_kind
from bifilar.pods import plugin
from bifilar.pods.model import Pool, PoolName, Subnet
from bifilar.pods.sqlite import SqliteStore

PREFIX = "bifilar-bench"
NETWORK = "bifilar"
_IPV4, _IPV6 = IPv4Network("10.64.0.0/16"), IPv6Network("fd00:64::/112")
_BLOCK_SIZE_BITS = 5
_MANAGEMENT = (IPv4Interface("10.69.0.4/32"), IPv6Interface("fd00:69::4/128"))
_PTP_SUBNET = "10.65.0.0/16"
_START_S = 30.0
_POLL_S = 0.02
_SCRIPTS = Path(sys.executable).parent


def name_of(what: str) -> str:
    """A name for a namespace of this run."""
    return f"{PREFIX}-{os.getpid()}-{what}"


def remove_namespaces(*, of_the_dead: bool = False) -> None:
    """Remove the namespaces of this run; or else those of runs that have ended without doing so."""
    for name in namespaces.names():
        if found := re.fullmatch(rf"{PREFIX}-(\d+)-.*", name):
            pid = int(found[1])
            if (pid == os.getpid()) != of_the_dead and (not of_the_dead or not Path(f"/proc/{pid}").exists()):
                namespaces.delete(name)


def make_host(name: str, *addresses: IPv4Interface | IPv6Interface) -> Path:
    """A namespace that plays a node, with its management addresses."""
    host = namespaces.create(name_of(name))
    kind = management_device_kind()

    def add(links: Links) -> None:
        links.set_up("lo")
        links.add_dummy("node0", kind)
        links.set_up("node0")
        for address in addresses:
            links.add_address("node0", address)

    configure(host, add)
    return host


def ptp(scratch: Path) -> Side:
    """Debian's ptp with host-local, which keeps its addresses in files."""
    content = {
        "cniVersion": "1.0.0",
        "name": "ptp",
        "type": "ptp",
        "ipam": {
            "type": "host-local",
            "dataDir": str(scratch / "host-local"),
            "ranges": [[{"subnet": _PTP_SUBNET}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    return Side("ptp", make_host("ptp"), PLUGINS / "ptp", write_configuration(scratch / "ptp.json", content))


@contextmanager
def bifilar(scratch: Path, name: str, *, dual: bool = False) -> Iterator[tuple[Side, int]]:
    """Ours, with an agent; and the agent's process number."""
    store = SqliteStore(scratch / f"{name}.sqlite")
    store.make()
    store.put_pool(Pool(PoolName("default"), _BLOCK_SIZE_BITS, (Subnet(_IPV4, _IPV6 if dual else None),)))
    store.close()
    management = _MANAGEMENT if dual else _MANAGEMENT[:1]
    host, socket_path = make_host(name, *management), scratch / f"{name}.sock"
    content = {
        "cniVersion": "1.0.0",
        "name": NETWORK,
        "type": "bifilar",
        "socket": str(socket_path),
    }
    side = Side(name, host, plugin.binary(), write_configuration(scratch / f"{name}.json", content))
    # The kernel ends the agent with us, however that happens.
    wrapped = ["nsenter", f"--net={host}", "setpriv", "--pdeathsig", "KILL", "--"]
    options = {
        "--node": name,
        "--store": f"sqlite:{scratch / f'{name}.sqlite'}",
        "--socket": str(socket_path),
        "--management": ",".join(str(address.ip) for address in management),
        "--bird-socket": str(scratch / "no-bird.ctl"),
        # Thousands of addresses are used within seconds.
        "--cool-down": "1",
    }
    words = [word for option in options.items() for word in option]
    log = scratch / f"{name}.log"
    with log.open("wb") as errors:
        agent = subprocess.Popen([*wrapped, str(_SCRIPTS / "bifilar"), "agent", *words], stderr=errors)
    try:
        _wait_served(socket_path, agent, log)
        yield side, agent.pid
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait()


def _wait_served(path: Path, agent: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while agent.poll() is None and time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except OSError:
                time.sleep(_POLL_S)
            else:
                return
    sys.exit(f"bench: the agent doesn't serve {path}:\n{log.read_text()[-2000:]}")
