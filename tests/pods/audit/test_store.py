"""What an audit needs of the store and of pools beyond what a node needs."""

from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifilar.pods.model import BlockName, NodeName, Pool, PoolName, Subnet
from bifilar.pods.pools import block_at, block_of, capacity
from bifilar.pods.sqlite import SqliteStore
from bifilar.pods.store import NoPoolError, StoreError

POOL = Pool(
    PoolName("default"),
    2,
    (
        Subnet(IPv4Network("10.64.0.0/28"), IPv6Network("fd64::/124")),
        Subnet(IPv4Network("10.65.0.0/29"), IPv6Network("fd65::/125")),
    ),
)
ONE, TWO = NodeName("one"), NodeName("two")
BLOCK = BlockName("default-3")


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    made = SqliteStore(tmp_path / "pods.sqlite")
    made.make()
    made.put_pool(POOL)
    return made


def test_a_free_block_can_be_claimed(store: SqliteStore) -> None:
    """Again, too; and it isn't given to anybody else."""
    for _ in range(2):
        store.claim(ONE, BLOCK)
        assert [block.name for block in store.held(ONE)] == [BLOCK]
    with pytest.raises(StoreError, match="is held by one"):
        store.claim(TWO, BLOCK)
    assert store.held(TWO) == ()


def test_a_reserved_block_stays_reserved_when_it_is_claimed(store: SqliteStore) -> None:
    store.reserve(BLOCK)
    store.claim(ONE, BLOCK)
    assert [(block.name, block.reserved) for block in store.held(ONE)] == [(BLOCK, True)]


def test_nothing_is_claimed_of_a_pool_that_is_not_there(store: SqliteStore) -> None:
    with pytest.raises(NoPoolError):
        store.claim(ONE, BlockName("other-0"))


def test_ranges_are_what_was_said(store: SqliteStore) -> None:
    ranges = {"links": [IPv4Network("10.72.0.0/24")]}
    store.set_ranges(ranges)
    assert store.ranges() == ranges


@given(index=st.integers(0, capacity(POOL) - 1), offset=st.integers(0, 3))
def test_every_address_of_a_block_is_of_that_block(index: int, offset: int) -> None:
    block = block_at(POOL, index)
    for address in block.addresses(offset).each():
        assert block_of(POOL, address) == block


@pytest.mark.parametrize("text", ["10.63.255.255", "10.64.0.16", "10.65.0.8", "fd64::10"])
def test_other_addresses_are_of_no_block(text: str) -> None:
    assert block_of(POOL, ip_address(text)) is None
