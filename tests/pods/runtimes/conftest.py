"""Two servers on two racks of a lab, with a pod network and container runtimes on them."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bifilar.fabric import design
from bifilar.intent import load_intent
from bifilar.lab import Lab
from pods.runtimes import image
from pods.runtimes.cnitool import Cnitool
from pods.runtimes.containerd import Containerd
from pods.runtimes.host import Host
from pods.runtimes.machine import missing_for
from pods.runtimes.network import make_store, set_up
from pods.runtimes.podman import Podman
from pods.runtimes.runtime import PORTS, RunningPod, Runtime, Server

_INTENT = Path(__file__).parents[3] / "examples" / "dual-stack.yaml"
_CONVERGENCE_S = 120


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The dual-stack fabric, converged."""
    name = f"rt-{os.getpid()}"
    try:
        built = Lab.up(design(load_intent(_INTENT)), _INTENT.read_text(), name)
        built.wait_converged(_CONVERGENCE_S)
        yield built
    finally:
        Lab.remove(name)


@pytest.fixture(scope="session")
def store(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all servers get their blocks."""
    return make_store(lab, tmp_path_factory.mktemp("store") / "pods.sqlite")


@pytest.fixture(scope="session")
def make_host(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Host]]:
    """Makes hosts of the lab's servers; in the end nothing is left of them."""
    hosts: list[Host] = []
    with ExitStack() as stack:

        def make(device: str) -> Host:
            host = stack.enter_context(Host(lab, device, tmp_path_factory.mktemp(device) / "host"))
            hosts.append(host)
            return host

        yield make
    assert [leftover for host in hosts for leftover in host.leftovers()] == []


@pytest.fixture(scope="session")
def servers(make_host: Callable[[str], Host], store: Path) -> tuple[Server, Server]:
    """Two servers on two racks."""
    first, second = (make_host(f"rack{rack}-server1") for rack in (0, 1))
    return Server(first, set_up(first, store)), Server(second, set_up(second, store))


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image of the pods."""
    return image.save(tmp_path_factory.mktemp("image") / "image.tar")


@pytest.fixture(scope="module", params=["containerd", "podman", "cnitool"])
def runtime(request: pytest.FixtureRequest) -> str:
    """A runtime that this machine has."""
    name: str = request.param
    if missing := missing_for(name):
        pytest.skip(missing)
    return name


@pytest.fixture(scope="module")
def runtimes(runtime: str, servers: tuple[Server, Server], archive: Path) -> tuple[Runtime, Runtime]:
    """The same runtime on both servers."""

    def start(server: Server) -> Runtime:
        match runtime:
            case "containerd":
                return Containerd(*server, archive)
            case "podman":
                return Podman(*server, archive)
            case _:
                return Cnitool(*server)

    first, second = map(start, servers)
    return first, second


@pytest.fixture(scope="module")
def pods(
    servers: tuple[Server, Server], runtimes: tuple[Runtime, Runtime]
) -> Iterator[tuple[RunningPod, RunningPod]]:
    """A pod on each server."""
    first, second = (runtime.run(f"pod{number}", PORTS) for number, runtime in enumerate(runtimes))
    yield RunningPod(servers[0].host, first), RunningPod(servers[1].host, second)
    first.end()
    second.end()
