"""Coil's own sequences of allocations, on our code. Where the outcome differs on purpose, the reason stands here."""

import json
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bifilar.pods.allocation import Holdings, RegistrationError
from bifilar.pods.model import Addresses, Attachment, Block, BlockName, Key, NodeName, Pool, PoolName
from bifilar.pods.pool_specs import parse
from bifilar.pods.pools import capacity
from bifilar.pods.sqlite import SqliteStore
from bifilar.pods.store import PoolExhaustedError, StoreError, StoreUnavailableError
from pods.coil_nodes import (
    Node,
    allocate_while_locked,
    blocks_of_nodes,
    give_reserved,
    store_like_the_stand_in,
)

CASES = Path(__file__).parents[3] / "shared" / "oracles" / "coil_ipam.json"
ORACLE: dict[str, Any] = json.loads(CASES.read_text()) if CASES.exists() else {}

pytestmark = pytest.mark.skipif(not ORACLE, reason=f"Coil's cases are not there: {CASES}")

EXPORTS_AT_ONCE = {
    ("NodeIPAM can restore state and return unused blocks", "register"): (
        "Coil exports nothing between its restart and its first collection of unused blocks, although pods run; "
        "here what is held is exported, from the first moment"
    ),
}
"""Steps after which another set is exported than by Coil, and why."""
EVERYTHING_HELD = ["10.2.0.0/31", "10.2.0.2/31", "10.4.0.0/30", "fd02::200/127", "fd02::202/127"]

NOT_ALLOCATION = {
    "NodeIPAM can return node internal IPs": (
        "Coil asks the API for the node's addresses; an agent is told the management addresses at its start, as those "
        "are what its routing daemon announces"
    ),
    "NodeIPAM should clear export routes when exporter is set": (
        "exports are no state of the allocation: they follow from what is held, and a node that is gone holds nothing"
    ),
    "NodeIPAM should do nothing when exporter is nil": "the same",
}
"""Suites whose only steps are about something that isn't part of the allocation here, and why."""


def _suites(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "suite", [pytest.param(each, id=each["suite"]) for each in ORACLE.get(kind, ())]
    )


def _addresses(step: dict[str, Any]) -> Addresses:
    ipv4, ipv6 = step.get("ipv4"), step.get("ipv6")
    return Addresses(ipv4 and IPv4Address(ipv4), ipv6 and IPv6Address(ipv6))


class _OneBlock:
    """A block, its addresses by their place."""

    def __init__(self, suite: dict[str, Any], clock: Callable[[], float]) -> None:
        ipv4, ipv6 = suite["ipv4_block"], suite["ipv6_block"]
        self._block = Block(PoolName("p"), 0, ipv4 and IPv4Network(ipv4), ipv6 and IPv6Network(ipv6))
        self._holdings = Holdings.of([self._block])
        self._keys = (Key(f"c{number}", "eth0") for number in count())
        self._clock = clock

    def run(self, step: dict[str, Any]) -> Any:
        now = self._clock()
        state = self._holdings.states[self._block.name]
        match step["op"]:
            case "is_empty":
                return not state.users
            case "is_full":
                return state.next_place(now) is None
            case "fill":
                while found := self._holdings.allocate(next(self._keys), self._block.pool, now):
                    self._holdings, _ = found
            case "free":
                key = state.users.get(step["index"], Key("nobody", "eth0"))
                self._holdings = self._holdings.free(key, now)
            case "allocate":
                return self._allocate(now)
            case "register":
                return self._register(_addresses(step))
            case _:
                raise AssertionError(step)
        return None

    def _allocate(self, now: float) -> dict[str, Any]:
        found = self._holdings.allocate(next(self._keys), self._block.pool, now)
        if found is None:
            return {"ok": False}
        self._holdings, attachment = found
        ipv4, ipv6 = (address and str(address) for address in attachment.addresses)
        return {"ok": True, "ipv4": ipv4, "ipv6": ipv6, "index": self._block.offset(attachment.addresses)}

    def _register(self, addresses: Addresses) -> dict[str, Any]:
        try:
            self._holdings = self._holdings.register(
                Attachment(next(self._keys), self._block.pool, addresses)
            )
        except RegistrationError:
            return {"ok": False}
        return {"ok": True, "index": self._block.offset(addresses)}


@_suites("block_allocator")
def test_the_addresses_of_a_block(suite: dict[str, Any]) -> None:
    block = _OneBlock(suite, lambda: 0.0)
    for step in suite["steps"]:
        assert block.run(step) == step.get("expect"), step


def test_when_time_passes_the_longest_freed_address_comes_first_and_not_coils_next_one() -> None:
    """Suite testAllocatorNotToReUse: 3 is freed, then 0. Coil goes on after 3, with the 0 that was in use a moment ago."""
    (suite,) = (each for each in ORACLE["block_allocator"] if each["suite"] == "testAllocatorNotToReUse")
    ticks = count()
    block = _OneBlock(suite, lambda: float(next(ticks)))
    outcomes = [(block.run(step), step.get("expect")) for step in suite["steps"]]
    differing = [(ours["index"], theirs["index"]) for ours, theirs in outcomes if ours != theirs]
    assert differing == [(3, 0), (0, 3)]


@pytest.fixture
def pools() -> dict[str, Pool]:
    """Those of all suites."""
    return {
        each["name"]: parse(each["name"], {key: each[key] for key in each if key != "name"})
        for each in ORACLE["pools"]
    }


class _Pools:
    """What Coil's controller does for its pools."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def run(self, step: dict[str, Any]) -> Any:
        match step["op"]:
            case "new_pool_manager":
                return None
            case "is_used":
                return bool(self._counts(step["pool"])["allocated_blocks"])
            case "sync_pool":
                # There is nothing to catch up with: a block that was given back is free at once.
                return {"ok": True, **self._counts(step["pool"])}
            case "api_delete_block":
                for each in self._store.blocks():
                    if each.block.name == step["block"] and each.node is not None:
                        self._store.release(each.node, each.block.name)
                return None
            case "allocate_block":
                return self._allocate(NodeName(step["node"]), PoolName(step["pool"]))
        raise AssertionError(step)

    def _allocate(self, node: NodeName, pool: PoolName) -> dict[str, Any]:
        try:
            block = self._store.acquire(node, pool, 1)
        except PoolExhaustedError:
            return {"ok": False, "block": None, **self._counts(pool)}
        ipv4, ipv6 = (prefix and str(prefix) for prefix in (block.ipv4, block.ipv6))
        said = {"name": block.name, "index": block.index, "ipv4": ipv4, "ipv6": ipv6}
        return {"ok": True, "block": said, **self._counts(pool)}

    def _counts(self, pool: str) -> dict[str, int]:
        allocated = sum(each.block.pool == pool for each in self._store.blocks())
        return {"allocated_blocks": allocated, "max_blocks": capacity(self._store.pools()[PoolName(pool)])}


@_suites("pool_manager")
def test_the_blocks_of_a_pool(suite: dict[str, Any], tmp_path: Path, pools: dict[str, Pool]) -> None:
    store = SqliteStore(tmp_path / "store")
    store.make()
    for pool in pools.values():
        store.put_pool(pool)
    manager = _Pools(store)
    for step in suite["steps"]:
        expected = step.get("expect")
        if isinstance(expected, dict) and expected.get("block"):
            # Labels and finalizers are how Kubernetes' objects say it; here the row says who has it.
            kept = ("name", "index", "ipv4", "ipv6")
            expected = {**expected, "block": {key: expected["block"][key] for key in kept}}
        assert manager.run(step) == expected, step
    store.close()


class _Nodes:
    """Agents that come, take and give back."""

    def __init__(self, path: Path, pools: dict[str, Pool]) -> None:
        self._path = path
        self._store = store_like_the_stand_in(path, pools.values())
        self._nodes: dict[int, Node] = {}

    def run(self, step: dict[str, Any]) -> dict[str, Any]:
        """What came of a step, as far as it is said of Coil's."""
        outcome: dict[str, Any] = {"ok": True}
        match step["op"]:
            case "new_node_ipam":
                self._nodes[step["ipam"]] = Node(NodeName(step["node"]), self._store)
                return {}
            case "api_create_block":
                give_reserved(self._store, NodeName("node1"), BlockName(step["block"]["name"]))
                return {}
            case "controller_creates_block":
                return {}  # the next step has the store do it
            case "allocate":
                outcome = self._allocate(self._nodes[step["ipam"]], step)
            case "free":
                node = self._nodes[step["ipam"]]
                node.holdings = node.holdings.free(_key(step), 0)
            case "register":
                node = self._nodes[step["ipam"]]
                node.holdings = node.holdings.register(Attachment(_key(step), step["pool"], _addresses(step)))
            case "gc":
                self._nodes[step["ipam"]].give_back()
            case _:
                raise AssertionError(step)
        exports = self._nodes[step["ipam"]].exports()
        return {**outcome, "exported_routes": exports, "blocks_after": blocks_of_nodes(self._store)}

    def close(self) -> None:
        self._store.close()

    def _allocate(self, node: Node, step: dict[str, Any]) -> dict[str, Any]:
        if "timeout_ms" in step:
            error = allocate_while_locked(node, self._path, _key(step), step["pool"])
            return {"ok": error is None, "deadline_exceeded": isinstance(error, StoreUnavailableError)}
        try:
            attachment = node.allocate(_key(step), step["pool"])
        except StoreError:
            return {"ok": False}
        ipv4, ipv6 = (address and str(address) for address in attachment.addresses)
        return {"ok": True, "ipv4": ipv4, "ipv6": ipv6}


def _key(step: dict[str, Any]) -> Key:
    return Key(step["container"], step["iface"])


@_suites("node_ipam")
def test_the_addresses_of_nodes(suite: dict[str, Any], tmp_path: Path, pools: dict[str, Pool]) -> None:
    if suite["suite"] in NOT_ALLOCATION:
        assert {step["op"] for step in suite["steps"]} <= {
            "new_node_ipam",
            "node_internal_ip",
            "clear_routes",
        }
        return
    nodes = _Nodes(tmp_path / "store", pools)
    for step in suite["steps"]:
        outcome = nodes.run(step)
        expected = step.get("expect", {})
        same = {key: value for key, value in outcome.items() if key in expected}
        if (suite["suite"], step["op"]) in EXPORTS_AT_ONCE:
            assert expected["exported_routes"] == []
            assert same == {**expected, "exported_routes": EVERYTHING_HELD}
        else:
            assert same == expected, step
    nodes.close()


def test_every_case_is_here_and_every_difference_is_of_a_case() -> None:
    suites = {
        each["suite"]: each
        for kind in ("block_allocator", "pool_manager", "node_ipam")
        for each in ORACLE[kind]
    }
    assert len(suites) == 14
    assert set(NOT_ALLOCATION) <= set(suites)
    for suite, op in EXPORTS_AT_ONCE:
        assert any(step["op"] == op for step in suites[suite]["steps"])
