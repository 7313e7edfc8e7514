"""The pod network of a server, set up as an operator does: the agent, the plugin, others chained behind it."""

import json
import socket
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from bifilar.lab import Lab, pools
from bifilar.pods.sqlite import SqliteStore
from pods.runtimes.host import Host
from pods.runtimes.runtime import Network

NAME = "bifilar"
RATE_BITS = 10_000_000
"""Of a pod, into it and out of it, a second."""
BACKLOG = 77
"""A setting of a pod that nobody else makes: ``net.core.somaxconn``."""
_CHAINED = ("portmap", "bandwidth", "tuning")
STOCK = Path("/usr/lib/cni")
"""Where Debian's containernetworking-plugins lie."""
_PROGRAM = Path(sys.executable).with_name("bifilar")
_START_S = 60
_POLL_S = 0.05
_SETTINGS: dict[str, dict[str, Any]] = {
    "bandwidth": {
        "ingressRate": RATE_BITS,
        "ingressBurst": RATE_BITS,
        "egressRate": RATE_BITS,
        "egressBurst": RATE_BITS,
    },
    "tuning": {"sysctl": {"net.core.somaxconn": str(BACKLOG)}},
}


def make_store(lab: Lab, path: Path) -> Path:
    """The store of a lab's servers, with the pool that its fabric implies."""
    with closing(SqliteStore(path)) as store:
        store.make()
        store.set_ranges(pools.other_ranges(lab.fabric))
        store.put_pool(pools.default_pool(lab.fabric))
    return path


def set_up(
    host: Host, store: Path, *, cni_version: str = "1.0.0", chained: tuple[str, ...] = _CHAINED
) -> Network:
    """Start the agent of a server, and install the plugin with others behind it."""
    cni_socket = host.directory / "cni.sock"
    _start_agent(host, store, cni_socket)
    network = Network(host.directory / "net.d", host.directory / "bin", NAME)
    network.plugins.mkdir()
    for plugin in STOCK.glob("*"):
        (network.plugins / plugin.name).symlink_to(plugin)
    chain = [word for plugin in chained for word in ("--chain", plugin)]
    places = ("--bin-dir", network.plugins, "--conf-dir", network.configurations, "--socket", cni_socket)
    host.run(_PROGRAM, "cni", "install", *places, "--cni-version", cni_version, *chain)
    (written,) = network.configurations.iterdir()
    content = json.loads(written.read_text())
    for plugin in content["plugins"]:
        plugin.update(_SETTINGS.get(plugin["type"], {}))
    written.write_text(json.dumps(content))
    return network


def _start_agent(host: Host, store: Path, cni_socket: Path) -> None:
    device = host.lab.device(host.device)
    options = {
        "--node": device.name,
        "--store": f"sqlite:{store}",
        "--socket": str(cni_socket),
        "--management": ",".join(map(str, device.management)),
        "--bird-socket": str(host.lab.bird_socket(host.device)),
    }
    words = [word for option in options.items() for word in option]
    agent = host.start(_PROGRAM, "agent", "--announce", *words)
    deadline = time.monotonic() + _START_S
    while not _is_served(cni_socket):
        assert agent.poll() is None, (host.directory / "bifilar.log").read_text()
        assert time.monotonic() < deadline, f"the agent of {host.device} doesn't serve"
        time.sleep(_POLL_S)


def _is_served(cni_socket: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(cni_socket))
        except OSError:
            return False
    return True
