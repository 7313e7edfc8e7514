"""Addresses that an operator reserves, with a real agent: no pod gets them, and those that have them keep them."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from bifilar.pods.choice import DEFAULT_POOL
from pods.nodes import AgentNode, agent_node, until

pytestmark = pytest.mark.lab


@pytest.fixture
def node(tmp_path: Path) -> Iterator[AgentNode]:
    """With four addresses in one block."""
    with agent_node(tmp_path, dual=True, bits=2, network="10.64.0.0/30") as made:
        yield made


def reserve(node: AgentNode, *addresses: str) -> None:
    """Reserve these addresses, and only these."""
    pool = node.store.pools()[DEFAULT_POOL]
    node.store.put_pool(replace(pool, reserved=frozenset(map(ip_address, addresses))))


def is_refused(node: AgentNode, pod: str) -> bool:
    """Whether a pod gets no address."""
    failed, document = node.call("ADD", pod)
    assert not failed or "held by nodes or reserved" in document["msg"] + document.get("details", "")
    return failed


def test_no_pod_gets_a_reserved_address_of_either_family(node: AgentNode) -> None:
    reserve(node, "10.64.0.0", "fd64::2")
    node.start()
    assert [node.add(node.pod()) for _ in range(2)] == ["10.64.0.1", "10.64.0.3"]
    assert is_refused(node, node.pod())
    node.stop()
    node.start()
    assert is_refused(node, node.pod())


def test_a_pod_keeps_an_address_that_becomes_reserved_and_no_other_pod_gets_it(node: AgentNode) -> None:
    node.start()
    pods = [node.pod() for _ in range(4)]
    addresses = [node.add(pod) for pod in pods]
    reserve(node, addresses[1])
    # A new agent reads the pools at its start, without being told.
    node.stop()
    node.start()
    assert [node.add(pod) for pod in pods] == addresses
    assert not node.call("DEL", pods[1])[0]
    assert is_refused(node, node.pod())


def test_a_running_agent_learns_of_addresses_that_are_reserved_no_more(node: AgentNode) -> None:
    reserve(node, "10.64.0.1", "10.64.0.2", "10.64.0.3")
    node.start()
    node.add(node.pod())
    assert is_refused(node, node.pod())
    reserve(node, "10.64.0.1", "10.64.0.3")
    assert node.agent is not None
    node.agent.send_signal(signal.SIGHUP)
    pod = node.pod()
    until(lambda: not is_refused(node, pod))
    assert is_refused(node, node.pod())
