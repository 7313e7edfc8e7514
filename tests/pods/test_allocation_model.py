"""Nodes that take, free, lose their memory and give blocks back, in any order: what must hold all the time."""

from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network
from itertools import count
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bifilar.pods.allocation import Holdings
from bifilar.pods.model import (
    Address,
    Addresses,
    Attachment,
    Block,
    BlockName,
    Key,
    NodeName,
    Pool,
    PoolName,
    Subnet,
)
from bifilar.pods.pools import carve, change

POOLS = (
    Pool(PoolName("dual"), 1, (Subnet(IPv4Network("10.1.0.0/29"), IPv6Network("fd01::/125")),)),
    Pool(PoolName("v4"), 2, (Subnet(IPv4Network("10.2.0.0/30")), Subnet(IPv4Network("10.3.0.0/29")))),
    Pool(PoolName("v6"), 0, (Subnet(ipv6=IPv6Network("fd02::/126")),)),
)
NODES = (NodeName("a"), NodeName("b"))

nodes = st.sampled_from(NODES)
pools = st.sampled_from(POOLS)
seconds = st.sampled_from([0.0, 1.0, 5.0])


@dataclass
class _Node:
    holdings: Holdings = field(default_factory=lambda: Holdings.of(()))
    kernel: dict[Key, Attachment] = field(default_factory=dict)
    """What the kernel has attached: the truth, which outlives the holdings."""
    reserved: frozenset[Address] = frozenset()
    """What it has last read of the pools."""


class Nodes(RuleBasedStateMachine):
    """Several nodes over one store."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.numbers = count()
        self.nodes = {name: _Node() for name in NODES}
        self.pools = {pool.name: pool for pool in POOLS}
        self.store: dict[BlockName, tuple[NodeName, Block]] = {}
        self.cooling: dict[Addresses, float] = {}
        """Until when nobody may get addresses, for those freed since their node's last restart."""

    @rule(name=nodes, pool=pools)
    def take(self, name: NodeName, pool: Pool) -> None:
        """A new attachment gets an address, unless there is none."""
        node = self.nodes[name]
        key = Key(f"c{next(self.numbers)}", "eth0")
        found = node.holdings.allocate(key, pool.name, self.now)
        ready_at = node.holdings.ready_at(pool.name)
        if found is None:
            assert node.holdings.counts(pool.name, self.now).free == 0
            assert ready_at is None or ready_at > self.now
            return
        assert node.holdings.counts(pool.name, self.now).free > 0
        assert ready_at is not None
        assert ready_at <= self.now
        node.holdings, attachment = found
        assert self.cooling.get(attachment.addresses, self.now) <= self.now
        assert attachment.pool == pool.name
        assert not node.reserved.intersection(attachment.addresses.each())
        node.kernel[key] = attachment

    @rule(name=nodes, pool=pools, data=st.data())
    def take_again(self, name: NodeName, pool: Pool, data: st.DataObject) -> None:
        """An attachment that exists gets what it has."""
        node = self.nodes[name]
        if node.kernel:
            key = data.draw(st.sampled_from(sorted(node.kernel)))
            assert node.holdings.allocate(key, pool.name, self.now) == (node.holdings, node.kernel[key])

    @rule(name=nodes, data=st.data(), cool_down=seconds)
    def free(self, name: NodeName, data: st.DataObject, cool_down: float) -> None:
        """An attachment goes; nobody may have its address before its time."""
        node = self.nodes[name]
        if node.kernel:
            key = data.draw(st.sampled_from(sorted(node.kernel)))
            node.holdings = node.holdings.free(key, self.now + cool_down)
            self.cooling[node.kernel.pop(key).addresses] = self.now + cool_down

    @rule(name=nodes, pool=pools)
    def acquire(self, name: NodeName, pool: Pool) -> None:
        """A node gets another block."""
        taken = {block.index for _, block in self.store.values() if block.pool == pool.name}
        block = carve(self.pools[pool.name], taken)
        self.refresh(name)
        if block is not None:
            assert any(
                self.nodes[name].reserved.isdisjoint(block.addresses(place).each())
                for place in range(block.size)
            )
            self.store[block.name] = (name, block)
            self.nodes[name].holdings = self.nodes[name].holdings.with_block(block)

    @rule(pool=pools, data=st.data())
    def reserve(self, pool: Pool, data: st.DataObject) -> None:
        """Somebody says which addresses no pod is to get; nodes read it later."""
        addresses = [address for subnet in pool.subnets for prefix in subnet.prefixes() for address in prefix]
        reserved = data.draw(st.frozensets(st.sampled_from(addresses)))
        self.pools[pool.name] = change(self.pools[pool.name], replace(pool, reserved=reserved))

    @rule(name=nodes)
    def refresh(self, name: NodeName) -> None:
        """A node reads what is reserved."""
        node = self.nodes[name]
        node.reserved = frozenset(address for pool in self.pools.values() for address in pool.reserved)
        node.holdings = node.holdings.with_reserved(node.reserved)

    @rule(name=nodes, pool=pools)
    def give_back(self, name: NodeName, pool: Pool) -> None:
        """A node gives its empty blocks back; nothing of them is used or cooling."""
        node = self.nodes[name]
        for block in node.holdings.empty_blocks(pool.name, self.now):
            _, given = self.store[block]
            for offset in range(given.size):
                assert self.cooling.get(given.addresses(offset), self.now) <= self.now
            node.holdings = node.holdings.closed(block).without_block(block)
            del self.store[block]

    @rule(name=nodes, pool=pools, opens=st.booleans())
    def close_or_reopen(self, name: NodeName, pool: Pool, opens: bool) -> None:
        """Blocks hand out nothing for a while."""
        holdings = self.nodes[name].holdings
        for block in holdings.blocks():
            if block.pool == pool.name:
                holdings = holdings.reopened(block.name) if opens else holdings.closed(block.name)
        self.nodes[name].holdings = holdings

    @rule(name=nodes, order=st.randoms(use_true_random=False), cool_down=seconds)
    def restart(self, name: NodeName, order: Random, cool_down: float) -> None:
        """A node forgets everything, and finds the same in the store and the kernel."""
        node = self.nodes[name]
        found = list(node.kernel.values())
        order.shuffle(found)
        rebuilt = Holdings.of(
            [block for holder, block in self.store.values() if holder == name],
            reserved=node.reserved,
            cool_until=self.now + cool_down,
        )
        for attachment in found:
            rebuilt = rebuilt.register(attachment)
        assert rebuilt.leases == node.holdings.leases
        assert {each: state.users for each, state in rebuilt.states.items()} == {
            each: state.users for each, state in node.holdings.states.items()
        }
        node.holdings = rebuilt
        blocks = rebuilt.blocks()
        for addresses in [
            each for each in self.cooling if any(block.offset(each) is not None for block in blocks)
        ]:
            self.cooling[addresses] = self.now + cool_down

    @rule(passed=seconds)
    def wait(self, passed: float) -> None:
        """Time passes."""
        self.now += passed

    @invariant()
    def no_address_twice(self) -> None:
        """On all nodes together."""
        used = [
            address
            for node in self.nodes.values()
            for each in node.kernel.values()
            for address in each.addresses.each()
        ]
        assert len(used) == len(set(used))

    @invariant()
    def nothing_lost(self) -> None:
        """Every address is in exactly one state."""
        for node in self.nodes.values():
            for pool in POOLS:
                blocks = [block for block in node.holdings.blocks() if block.pool == pool.name]
                counts = node.holdings.counts(pool.name, self.now)
                assert counts.size == sum(block.size for block in blocks)
                assert min(counts) >= 0
                assert counts.used == sum(each.pool == pool.name for each in node.kernel.values())

    @invariant()
    def what_is_reserved_is_withheld_unless_it_is_in_use(self) -> None:
        """In either family, whatever became reserved when."""
        for node in self.nodes.values():
            for state in node.holdings.states.values():
                reserved = {
                    place
                    for place in range(state.size)
                    if not node.reserved.isdisjoint(state.block.addresses(place).each())
                }
                withheld = (
                    reserved - state.users.keys()
                    if state.gives
                    else set(range(state.size)) - state.users.keys()
                )
                assert state.counts(self.now).withheld == len(withheld)

    @invariant()
    def holdings_agree_with_the_kernel_and_the_store(self) -> None:
        """What a node thinks is so."""
        for name, node in self.nodes.items():
            assert {key: lease.attachment for key, lease in node.holdings.leases.items()} == node.kernel
            assert {block.name for block in node.holdings.blocks()} == {
                block for block, (holder, _) in self.store.items() if holder == name
            }
            for key, lease in node.holdings.leases.items():
                state = node.holdings.states[lease.block]
                assert state.users[lease.place] == key
                assert state.block.addresses(lease.place) == lease.attachment.addresses


TestNodes = Nodes.TestCase
TestNodes.settings = settings(
    max_examples=100, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
