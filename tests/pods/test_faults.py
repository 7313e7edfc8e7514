"""What is lost when something dies: nothing. The agent is killed at every step of a request, and so is all around it."""

import os
import signal
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Self

import pytest

from bifilar.kernel import namespaces
from bifilar.pods.failpoints import Step
from bifilar.pods.model import NodeName
from bifilar.pods.observe import Observation, observe
from pods.nodes import MANAGEMENT, AgentNode, agent_node, until

pytestmark = pytest.mark.lab

ADD_STEPS = [step for step in Step if step.name.startswith("ADD_")]
DEL_STEPS = [step for step in Step if step.name.startswith("DEL_")]
FIRST_BLOCK_STEPS = [Step.BLOCK_ACQUIRED, Step.BLOCK_EXPORTED]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[AgentNode]:
    with agent_node(tmp_path, dual=True) as made:
        yield made


def seen(node: AgentNode) -> Observation:
    return namespaces.run_in(node.namespace, observe)


def interrupt(node: AgentNode, step: Step, verb: str, pod: str) -> None:
    """Have the agent die at a step of a request, and start another."""
    node.start(step)
    try:
        answered = node.call(verb, pod)
    except (ValueError, OSError):
        answered = None
    assert answered is None
    node.died()
    node.start()


def check_only(node: AgentNode, *pods: str) -> None:
    """These pods, whole and with different addresses, and nothing else: no interface, no route, no block too many."""
    found = seen(node)
    assert sorted(attachment.key.container for attachment in found.attachments) == sorted(pods)
    assert not found.incomplete
    assert not found.strays
    addresses = [address for interface in found.interfaces for address in interface.addresses]
    assert len(addresses) == len(set(addresses)) == 2 * len(pods)
    held = {prefix for block in node.store.held(NodeName("node1")) for prefix in block.prefixes()}
    assert {route.prefix for route in found.exports} == {route.prefix for route in found.guards} == held
    for pod in pods:
        (attachment,) = (each for each in found.attachments if each.key.container == pod)
        assert echoes(node, pod, str(attachment.addresses.ipv4))


def echoes(node: AgentNode, pod: str, address: str) -> bool:
    """Whether a packet from the node reaches a pod, and the answer comes back from there."""
    with (
        namespaces.run_in(namespaces.path_of(pod), lambda: _bound(address, 7007)) as there,
        namespaces.run_in(node.namespace, lambda: _bound(MANAGEMENT, 0)) as here,
    ):
        here.sendto(b"?", (address, 7007))
        data, source = there.recvfrom(16)
        there.sendto(data, source)
        return here.recv(16) == b"?"


def _bound(address: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.settimeout(5)
    opened.bind((address, port))
    return opened


@pytest.mark.parametrize("step", ADD_STEPS)
@pytest.mark.parametrize("after", ["ADD again", "DEL", "GC"])
def test_killed_during_add(node: AgentNode, step: Step, after: str) -> None:
    """Whatever a runtime does about a request without an answer, it comes out right."""
    node.start()
    running, pod = node.pod(), node.pod()
    node.add(running)
    node.stop()
    interrupt(node, step, "ADD", pod)
    match after:
        case "ADD again":
            node.add(pod)
            check_only(node, running, pod)
        case "DEL":
            assert node.call("DEL", pod) == (False, {})
            check_only(node, running)
        case _:
            assert node.collect(running) == (False, {})
            check_only(node, running)
    node.add(pod)
    check_only(node, running, pod)


@pytest.mark.parametrize("step", DEL_STEPS)
@pytest.mark.parametrize("after", ["DEL again", "GC"])
def test_killed_during_del(node: AgentNode, step: Step, after: str) -> None:
    node.start()
    running, pod = node.pod(), node.pod()
    node.add(running)
    node.add(pod)
    node.stop()
    interrupt(node, step, "DEL", pod)
    assert (
        node.call("DEL", pod) == (False, {}) if after == "DEL again" else node.collect(running) == (False, {})
    )
    check_only(node, running)
    node.add(pod)
    check_only(node, running, pod)


@pytest.mark.parametrize("step", FIRST_BLOCK_STEPS)
def test_killed_while_getting_a_block(node: AgentNode, step: Step) -> None:
    pod = node.pod()
    interrupt(node, step, "ADD", pod)
    node.add(pod)
    check_only(node, pod)
    assert len(node.store.held(NodeName("node1"))) == 1


def test_a_plugin_that_is_killed_gets_no_answer_and_loses_nothing(node: AgentNode) -> None:
    """Its request may come to its end, or not: the runtime removes what it doesn't know of."""
    node.start()
    running = node.pod()
    node.add(running)
    pods = [node.pod() for _ in range(10)]
    for pod in pods:
        node.ask("ADD", pod).close()
    for pod in pods:
        assert node.call("DEL", pod) == (False, {})
    assert node.collect(running) == (False, {})
    check_only(node, running)


def test_half_a_request_is_none(node: AgentNode) -> None:
    node.start()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(node.socket))
        connection.sendall(b"CNI_COMMAND=ADD")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(16) == b""
    check_only(node)


def test_without_a_routing_daemon_pods_are_added_but_status_says_that_nobody_reaches_them(
    node: AgentNode,
) -> None:
    node.start()
    pod = node.pod()
    node.add(pod)
    failed, document = node.call("STATUS")
    assert (failed, document["code"]) == (True, 51)
    failed, document = node.call("CHECK", pod, prevResult={"cniVersion": "1.1.0", "ips": []})
    assert (failed, document["code"]) == (True, 100)
    assert "the routing daemon can't be asked" in document["details"]


def test_gc_removes_interfaces_that_lost_their_routes(node: AgentNode) -> None:
    node.start()
    running, pod = node.pod(), node.pod()
    node.add(running)
    address = node.add(pod)
    for words in (
        ["-4", "route", "flush", address],
        ["-6", "route", "flush", "dev", host_interface(node, pod)],
    ):
        command = ["ip", "-n", node.name, *words, "table", "116"]
        subprocess.run(command, check=True)
    assert seen(node).incomplete
    assert node.collect(running) == (False, {})
    check_only(node, running)


def host_interface(node: AgentNode, pod: str) -> str:
    return next(each.name for each in seen(node).interfaces if each.key and each.key.container == pod)


def test_a_namespace_that_vanishes_during_add_is_unknown_and_leaves_nothing(node: AgentNode) -> None:
    node.start()
    running, gone = node.pod(), node.pod()
    node.add(running)
    namespaces.delete(gone)
    failed, document = node.call("ADD", gone)
    assert (failed, document["code"]) == (True, 3)
    check_only(node, running)


def test_the_nodes_own_namespace_is_no_containers(node: AgentNode) -> None:
    node.start()
    node.pods.append(node.name)
    failed, document = node.call("ADD", node.pods.pop())
    assert (failed, document["code"]) == (True, 8)
    check_only(node)


def test_namespaces_that_vanish_at_any_moment_leave_nothing(node: AgentNode) -> None:
    node.start()
    running = node.pod()
    node.add(running)
    pods = [node.pod() for _ in range(20)]

    def vanish(pod: str, delay_s: float) -> None:
        sleep(delay_s)
        namespaces.delete(pod)

    for number, pod in enumerate(pods):
        vanishing = threading.Thread(target=vanish, args=(pod, number * 0.0002))
        vanishing.start()
        node.call("ADD", pod)
        vanishing.join()
    # Interfaces that were complete go with their namespaces, in the kernel's own time.
    until(lambda: len(seen(node).interfaces) == 1)
    assert node.collect(running) == (False, {})
    check_only(node, running)


def test_a_pod_whose_namespace_is_gone_is_removed_all_the_same(node: AgentNode) -> None:
    node.start()
    running, pod = node.pod(), node.pod()
    node.add(running)
    node.add(pod)
    namespaces.delete(pod)
    assert node.call("DEL", pod) == (False, {})
    until(lambda: len(seen(node).interfaces) == 1)
    check_only(node, running)


def test_a_full_pool_is_told_and_heals(tmp_path: Path) -> None:
    with agent_node(tmp_path, bits=2, network="10.64.0.0/30") as node:
        node.start()
        pods = [node.pod() for _ in range(5)]
        addresses = {node.add(pod) for pod in pods[:4]}
        assert len(addresses) == 4
        failed, document = node.call("ADD", pods[4])
        assert (failed, document["code"]) == (True, 11)
        failed, document = node.call("STATUS")
        assert (failed, document["code"]) == (True, 50)
        node.call("DEL", pods[0])
        assert node.add(pods[4]) in addresses


def test_a_locked_store_keeps_nobody_from_what_the_node_has(node: AgentNode) -> None:
    node.start(None, "--add-timeout", "0.3")
    running, pod, other = node.pod(), node.pod(), node.pod()
    node.add(running)
    with sqlite3.connect(node.store_path, isolation_level=None) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        # Addresses of its own block need no store but for the namespace's annotations, which can still be read.
        node.add(pod)
        assert node.call("DEL", pod) == (False, {})
        connection.execute("ROLLBACK")
    node.add(other)
    check_only(node, running, other)


def test_a_store_that_is_gone_keeps_del_working(node: AgentNode) -> None:
    node.start()
    running, pod = node.pod(), node.pod()
    node.add(running)
    node.add(pod)
    node.stop()
    away = node.store_path.with_suffix(".away")
    node.store.close()
    node.store_path.rename(away)
    node.start()
    failed, document = node.call("ADD", node.pod())
    assert (failed, document["code"]) == (True, 11)
    failed, document = node.call("STATUS")
    assert (failed, document["code"]) == (True, 50)
    assert node.call("DEL", pod) == (False, {})
    # What runs is still announced.
    found = seen(node)
    assert [attachment.key.container for attachment in found.attachments] == [running]
    assert found.exports
    away.rename(node.store_path)
    again = node.pod()
    until(lambda: not node.call("ADD", again)[0])
    check_only(node, running, again)


def test_the_agent_ends_when_it_is_told_and_leaves_pods_alone(node: AgentNode) -> None:
    node.start()
    running = node.pod()
    node.add(running)
    assert node.stop(signal.SIGTERM) == 0
    assert not node.socket.exists()
    node.start()
    check_only(node, running)


def test_only_one_agent_serves_a_socket(node: AgentNode) -> None:
    node.start()
    first = node.agent
    node.agent = None
    with pytest.raises(AssertionError, match="another agent answers here"):
        _start_dying(node)
    node.agent = first
    node.add(node.pod())


def _start_dying(node: AgentNode) -> None:
    """Start an agent that ends by itself; with what it said as the error."""
    node.socket, serving = node.directory / "cni.sock", node.socket
    try:
        node.start()
        assert node.agent is not None
        node.agent.wait(20)
        assert node.agent.returncode == 0, (node.directory / "agent.log").read_text()
    finally:
        node.socket = serving


RESTARTS = int(os.environ.get("AGENT_RESTARTS", "6"))
"""A hundred take two minutes."""


def test_restarts_lose_no_packet_of_running_pods(node: AgentNode) -> None:
    """A thousand packets a second each way, while the agent is killed, ended and told to read its store again."""
    node.start()
    pod = node.pod()
    address = node.add(pod)
    with Echoes(node, pod, address) as echoes_:
        for number in range(RESTARTS):
            if number % 3 == 2:
                assert node.agent is not None
                node.agent.send_signal(signal.SIGHUP)
            node.stop(signal.SIGKILL if number % 2 else signal.SIGTERM)
            node.start()
    assert echoes_.sent > 100 * RESTARTS
    assert echoes_.received == echoes_.sent
    check_only(node, pod)


class Echoes:
    """A thousand packets a second from a node to a pod and back, within the block."""

    def __init__(self, node: AgentNode, pod: str, address: str) -> None:
        self.sent = self.received = 0
        self._there = namespaces.run_in(namespaces.path_of(pod), lambda: _bound(address, 7008))
        self._here = namespaces.run_in(node.namespace, lambda: _bound(MANAGEMENT, 0))
        self._here.connect((address, 7008))
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._echo, self._count, self._send)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._there.close()
        self._here.close()

    def _echo(self) -> None:
        while not self._ending.is_set() or self._threads[2].is_alive():
            with suppress(TimeoutError):
                data, source = self._there.recvfrom(16)
                self._there.sendto(data, source)

    def _count(self) -> None:
        while not self._ending.is_set() or self.received < self.sent:
            try:
                self.received += self._here.recv(16) != b""
            except TimeoutError:
                if self._ending.is_set():
                    return

    def _send(self) -> None:
        began = monotonic()
        while not self._ending.is_set():
            self._here.send(self.sent.to_bytes(8))
            self.sent += 1
            sleep(max(0.0, began + self.sent * 0.001 - monotonic()))
