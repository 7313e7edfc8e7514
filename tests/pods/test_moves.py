"""A block moves from one server to another, on real daemons and under traffic: no packet goes where it was."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from time import monotonic, sleep
from typing import Self

import pytest

from bifilar.kernel import namespaces, routes
from bifilar.lab import Lab
from bifilar.pods.failpoints import Step
from bifilar.pods.model import NodeName, Pool, PoolName, Subnet
from bifilar.pods.observe import observe
from bifilar.pods.sqlite import SqliteStore
from pods.nodes import Agent, until
from verify.labs import EXAMPLES, running_lab

pytestmark = [pytest.mark.lab, pytest.mark.slow]

HOLD_S = 6
ADDRESS = "10.64.0.0"
PORT = 7009
SO_RCVBUFFORCE = 33
OLD, NEW = "rack0-server1", "rack1-server1"
SENDERS = ("rack0-server2", "rack1-server2")
"""One beside the old place of the block, one beside the new."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """The article's fabric with a short hold time, and BFD so slow that a stopped router is believed for long."""
    file = tmp_path / "moves.yaml"
    text = (EXAMPLES / "article.yaml").read_text()
    assert "multiplier: 5" in text
    file.write_text(
        text.replace("multiplier: 5", "multiplier: 10") + f"bgp: {{hold-s: {HOLD_S}, keepalive-s: 2}}\n"
    )
    with running_lab(file) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    """A pool that is one block of one address, so that the next pod needs the block of the last."""
    made = SqliteStore(tmp_path / "pods.sqlite")
    made.make()
    made.put_pool(Pool(PoolName("default"), 0, (Subnet(IPv4Network(f"{ADDRESS}/32")),)))
    return made


def agent(lab: Lab, directory: Path, device: str, *, settle_s: float = HOLD_S) -> Agent:
    made = Agent(
        directory / device,
        lab.namespace(device),
        directory / "pods.sqlite",
        node=device,
        management=str(lab.device(device).management[0]),
        bird_socket=lab.bird_socket(device),
    )
    made.options = ("--settle", str(settle_s), "--idle", "0", "--add-timeout", "1")
    made.start()
    return made


class Senders:
    """A hundred numbered packets a second to the address from each place, and what was answered by errors."""

    def __init__(self, lab: Lab) -> None:
        self.sent = dict.fromkeys(SENDERS, 0)
        self.errors: list[str] = []
        self._ending = threading.Event()
        self._sockets = {device: lab.run_in(device, lambda: _opened(("", 0))) for device in SENDERS}
        self._threads = [threading.Thread(target=self._send, args=(device,)) for device in SENDERS]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        for opened in self._sockets.values():
            opened.close()

    def _send(self, device: str) -> None:
        opened = self._sockets[device]
        opened.connect((ADDRESS, PORT))
        began = monotonic()
        while not self._ending.is_set():
            try:
                opened.send(f"{device} {self.sent[device]}".encode())
                self.sent[device] += 1
            except OSError as error:
                # What an earlier packet was answered: refused by the guard, or no way.
                self.errors.append(f"{device}: {error.strerror}")
            sleep(max(0.0, began + self.sent[device] * 0.01 - monotonic()))


def _opened(address: tuple[str, int]) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
    opened.bind(address)
    opened.settimeout(1)
    return opened


def move(first: Agent, second: Agent, pod: str) -> str:
    """Remove a pod here, and add one there as soon as its address is to be had."""
    assert first.call("DEL", pod) == (False, {})
    new = second.pod()
    until(lambda: not second.call("ADD", new)[0])
    return new


def believers(lab: Lab, without: str) -> list[str]:
    """Devices whose kernel still has the old place as next hop of the address."""
    places = {address.ip for interface in lab.device(OLD).interfaces for address in interface.addresses}
    prefix = ip_network(ADDRESS)
    return [
        device.name
        for device in lab.fabric.devices
        if device.name not in (OLD, without)
        for route in lab.run_in(device.name, routes.dump)
        if route.prefix == prefix and places & {hop.gateway for hop in route.next_hops}
    ]


@pytest.mark.parametrize("stopped", ["", "rack0-tor1"])
def test_no_packet_goes_to_the_old_place(lab: Lab, store: SqliteStore, tmp_path: Path, stopped: str) -> None:
    """Also while the daemon of a router that still believes in the old place doesn't run."""
    with ExitStack() as stack:
        old, new = (agent(lab, tmp_path, device) for device in (OLD, NEW))
        stack.callback(old.remove)
        stack.callback(new.remove)
        pod = old.pod()
        assert old.add(pod) == ADDRESS
        daemon = (
            next(device.pid for device in lab.status().devices if device.name == stopped) if stopped else None
        )
        if daemon is not None:
            os.kill(daemon, signal.SIGSTOP)
            stack.callback(_resume, daemon)
        moved = move(old, new, pod)
        assert [block.index for block in store.held(NodeName(NEW))] == [0]
        assert believers(lab, without=stopped) == []
        arriving = stack.enter_context(
            namespaces.run_in(namespaces.path_of(moved), lambda: _opened((ADDRESS, PORT)))
        )
        with Senders(lab) as senders:
            until(lambda: min(senders.sent.values()) > 100)
            if daemon is not None:
                # It wakes up with the routes that it had, and must not attract anybody before it knows better.
                os.kill(daemon, signal.SIGCONT)
                lab.wait_converged(60)
            until(lambda: min(senders.sent.values()) > 400)
        received: set[str] = set()
        with suppress(TimeoutError):
            while True:
                received.add(arriving.recv(64).decode())
        wanted = {f"{device} {number}" for device, count in senders.sent.items() for number in range(count)}
        assert senders.errors == []
        assert wanted - received == set()


@pytest.mark.parametrize("step", [Step.BLOCK_WITHDRAWN, Step.BLOCK_UNGUARDED, Step.BLOCK_RELEASED])
def test_killed_while_giving_a_block_back(lab: Lab, store: SqliteStore, tmp_path: Path, step: Step) -> None:
    """The next agent goes on with it; nobody else has the block before it is really gone."""
    with ExitStack() as stack:
        old, new = (agent(lab, tmp_path, device, settle_s=1) for device in (OLD, NEW))
        stack.callback(old.remove)
        stack.callback(new.remove)
        old.stop()
        old.start(step)
        pod = old.pod()
        assert old.add(pod) == ADDRESS
        assert old.call("DEL", pod) == (False, {})
        old.died()
        old.start()
        moved = new.pod()
        until(lambda: not new.call("ADD", moved)[0])
        assert [block.index for block in store.held(NodeName(NEW))] == [0]
        assert store.held(NodeName(OLD)) == ()
        assert believers(lab, without="") == []
        left = lab.run_in(OLD, observe)
        assert (left.exports, left.guards, left.interfaces) == ((), (), ())


def _resume(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
