from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifilar.errors import InputError
from bifilar.pods.model import Block, Pool, PoolName, Subnet
from bifilar.pods.pool_specs import parse
from bifilar.pods.pools import block_at, capacity, carve, change, check_apart


def _pool(*subnets: str, bits: int = 2, name: str = "default", reserved: Sequence[str] = ()) -> Pool:
    """Subnets as ``10.0.0.0/24``, or with both families as ``10.0.0.0/24 fd00::/120``."""
    keys = [{f"ipv{ip_network(each).version}": each for each in subnet.split()} for subnet in subnets]
    return parse(name, {"blockSizeBits": bits, "subnets": keys, "reserved": reserved})


def test_a_pool_is_written_as_in_coil() -> None:
    spec = {
        "subnets": [
            {"ipv4": "10.2.0.0/24", "ipv6": "fd02::/120"},
            {"ipv4": "10.3.0.0/27", "ipv6": "fd03::/123"},
        ]
    }
    assert parse("default", spec) == Pool(
        PoolName("default"),
        5,
        (
            Subnet(IPv4Network("10.2.0.0/24"), IPv6Network("fd02::/120")),
            Subnet(IPv4Network("10.3.0.0/27"), IPv6Network("fd03::/123")),
        ),
    )


def test_addresses_of_both_families_may_be_reserved() -> None:
    spec = {
        "subnets": [
            {"ipv4": "10.2.0.0/24", "ipv6": "fd02::/120"},
            {"ipv4": "10.3.0.0/27", "ipv6": "fd03::/123"},
        ],
        "reserved": ["10.2.0.1", "fd03::1f", "fd03:0::1f"],
    }
    assert parse("default", spec).reserved == {IPv4Address("10.2.0.1"), IPv6Address("fd03::1f")}


GOOD = [{"ipv4": "10.2.0.0/24"}]


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        (None, "is not a mapping"),
        ([], "is not a mapping"),
        ({}, "has no list of subnets"),
        ({"subnets": None}, "has no list of subnets"),
        ({"subnets": "10.2.0.0/24"}, "has no list of subnets"),
        ({"subnets": []}, "has no subnet"),
        ({"subnets": ["10.2.0.0/24"]}, "subnet 1: is not a mapping"),
        ({"subnets": [{}]}, "neither ipv4 nor ipv6"),
        ({"subnets": GOOD, "block-size-bits": 5}, "what is `block-size-bits`?"),
        ({"subnets": [{"ipv4": "10.2.0.0/24", "IPv6": "fd00::/120"}]}, "subnet 1: what is `IPv6`?"),
        ({"subnets": GOOD, "blockSizeBits": "5"}, "'5', not a whole number"),
        ({"subnets": GOOD, "blockSizeBits": True}, "True, not a whole number"),
        ({"subnets": GOOD, "blockSizeBits": -1}, "blockSizeBits is -1"),
        (
            {"subnets": GOOD, "blockSizeBits": 9},
            "a block of 2^9 addresses is larger than 10.2.0.0/24, which has 2^8",
        ),
        ({"subnets": [*GOOD, {"ipv4": "10.3.0.0/28"}]}, "larger than 10.3.0.0/28"),
        ({"subnets": [{"ipv4": "a.b.c.d/24"}]}, "'a.b.c.d/24' is not an IPv4 prefix"),
        ({"subnets": [{"ipv4": "10.2.0.1/24"}]}, "has host bits set"),
        ({"subnets": [{"ipv4": "10.2.0.0"}]}, "'10.2.0.0' is not an IPv4 prefix"),
        ({"subnets": [{"ipv4": 10}]}, "10 is not an IPv4 prefix"),
        ({"subnets": [{"ipv4": "fd00::/120"}]}, "'fd00::/120' is not an IPv4 prefix"),
        ({"subnets": [{"ipv6": "10.2.0.0/24"}]}, "'10.2.0.0/24' is not an IPv6 prefix"),
        ({"subnets": [{"ipv4": "10.2.0.0/24", "ipv6": "fd00::/112"}]}, "differ in size"),
        ({"subnets": [*GOOD, {"ipv6": "fd00::/120"}]}, "fd00::/120 is IPv6, and the first subnet IPv4"),
        ({"subnets": [*GOOD, {"ipv4": "10.2.0.128/25"}]}, "10.2.0.0/24 and 10.2.0.128/25 overlap"),
        ({"subnets": [{"ipv4": "127.0.0.0/24"}]}, "127.0.0.0 in 127.0.0.0/24 can't be a pod's"),
        ({"subnets": [{"ipv4": "0.0.0.0/0"}]}, "0.0.0.0 in 0.0.0.0/0 can't be a pod's"),
        ({"subnets": [{"ipv6": "fe80::/64"}]}, "fe80:: in fe80::/64 can't be a pod's"),
        ({"subnets": [{"ipv4": "224.0.0.0/24"}]}, "224.0.0.0 in 224.0.0.0/24 can't be a pod's"),
        ({"subnets": GOOD, "reserved": None}, "reserved is not a list of addresses"),
        ({"subnets": GOOD, "reserved": "10.2.0.1"}, "reserved is not a list of addresses"),
        ({"subnets": GOOD, "reserved": ["gateway"]}, "'gateway' in reserved is not an address"),
        ({"subnets": GOOD, "reserved": ["10.2.0.0/30"]}, "'10.2.0.0/30' in reserved is not an address"),
        ({"subnets": GOOD, "reserved": [0x0A020001]}, "167903233 in reserved is not an address"),
        (
            {"subnets": [{"ipv6": "fd02::/120"}], "reserved": ["fd02::1%eth0"]},
            "'fd02::1%eth0' in reserved is not an address",
        ),
        ({"subnets": GOOD, "reserved": ["10.2.0.1", "10.2.1.0"]}, "10.2.1.0 is reserved, but in none of its"),
        ({"subnets": GOOD, "reserved": ["fd02::1"]}, "fd02::1 is reserved, but in none of its subnets"),
    ],
)
def test_what_is_no_pool_is_refused_with_a_hint(spec: Any, what: str) -> None:
    with pytest.raises(InputError) as refused:
        parse("web", spec)
    assert refused.value.where.startswith("pool web")
    assert what in str(refused.value)
    assert refused.value.hint


def test_what_a_pool_has_is_told_to_whoever_writes_something_else() -> None:
    with pytest.raises(InputError) as refused:
        parse("web", {"subnets": GOOD, "excluded": []})
    assert refused.value.hint == "there is `blockSizeBits`, `subnets` and `reserved`"


def test_the_hint_for_families_of_different_size_is_the_right_length() -> None:
    with pytest.raises(InputError) as refused:
        _pool("10.2.0.0/24 fd00::/112")
    assert "/120" in refused.value.hint


@pytest.mark.parametrize("name", ["", "Web", "web_1", "-web", "web-", "a" * 64, "a:b", "ä"])
def test_a_name_that_kubernetes_would_not_take_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="can't be the name of a pool"):
        _pool("10.2.0.0/24", name=name)


def test_subnets_may_be_appended() -> None:
    new = _pool("10.2.0.0/24", "10.3.0.0/30")
    assert change(_pool("10.2.0.0/24"), new) == new
    assert change(new, new) == new


def test_reserved_addresses_may_come_and_go() -> None:
    old = _pool("10.2.0.0/24", reserved=["10.2.0.1", "10.2.0.2"])
    new = _pool("10.2.0.0/24", reserved=["10.2.0.2", "10.2.0.3"])
    assert change(old, new) == new
    grown = _pool("10.2.0.0/24", "10.3.0.0/24", reserved=["10.3.0.1"])
    assert change(new, grown) == grown
    with pytest.raises(InputError, match=r"10\.3\.0\.1 is reserved, but in none"):
        change(old, replace(old, reserved=grown.reserved))


@pytest.mark.parametrize(
    ("new", "what"),
    [
        (_pool("10.2.0.0/24", "10.3.0.0/24", bits=3), "blockSizeBits is 2 for good, and can't become 3"),
        (_pool("10.2.0.0/24"), "its subnet 10.3.0.0/24 has to stay, as number 2"),
        (_pool("10.2.0.0/24", "10.4.0.0/24"), "its subnet 10.3.0.0/24 has to stay, as number 2"),
        (_pool("10.3.0.0/24", "10.2.0.0/24"), "its subnet 10.2.0.0/24 has to stay, as number 1"),
        (
            _pool("10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"),
            "its subnet 10.2.0.0/24 has to stay, as number 1",
        ),
        (_pool("10.2.0.0/23"), "its subnet 10.2.0.0/24 has to stay, as number 1"),
        (_pool("10.2.0.0/24", "10.3.0.0/24", name="web"), "can't be renamed to web"),
        (
            Pool(PoolName("default"), 2, (*_pool("10.2.0.0/24", "10.3.0.0/24").subnets, Subnet())),
            "neither ipv4 nor ipv6",
        ),
    ],
)
def test_what_would_move_blocks_is_refused(new: Pool, what: str) -> None:
    with pytest.raises(InputError) as refused:
        change(_pool("10.2.0.0/24", "10.3.0.0/24"), new)
    assert refused.value.where == "pool default"
    assert what in refused.value.what


def test_an_overlap_with_another_pool_names_both() -> None:
    with pytest.raises(InputError) as refused:
        check_apart(
            _pool("10.2.0.0/24 fd00::/120"), [_pool("10.3.0.0/24"), _pool("fd00::40/122", name="web")], {}
        )
    assert refused.value.where == "pool default"
    assert refused.value.what == "fd00::/120 overlaps fd00::40/122 of pool web"
    assert refused.value.hint.startswith("fd00::/120 is all from fd00:: to fd00::ff")


def test_an_overlap_with_other_addresses_names_them() -> None:
    ranges = {"servers": [IPv4Network("10.69.0.0/20")], "spine-tor": [IPv4Network("10.72.1.0/24")]}
    check_apart(_pool("10.64.0.0/14"), [], ranges)
    with pytest.raises(InputError, match=r"10\.68\.0\.0/14 overlaps 10\.69\.0\.0/20 of servers"):
        check_apart(_pool("10.68.0.0/14"), [], ranges)


def test_a_pool_does_not_overlap_its_older_self() -> None:
    check_apart(_pool("10.2.0.0/24", "10.3.0.0/24"), [_pool("10.2.0.0/24")], {})


def test_blocks_count_over_all_subnets() -> None:
    pool = _pool("10.2.0.0/29 fd02::/125", "10.3.0.0/30 fd03::/126", bits=1)
    assert capacity(pool) == 6
    assert block_at(pool, 4) == Block(pool.name, 4, IPv4Network("10.3.0.0/31"), IPv6Network("fd03::/127"))
    for index in (-1, 6):
        with pytest.raises(IndexError, match="6 blocks"):
            block_at(pool, index)


def test_the_lowest_free_block_is_cut_first() -> None:
    pool = _pool("10.2.0.0/29", "10.3.0.0/30")
    assert carve(pool, ()) == block_at(pool, 0)
    assert carve(pool, {0, 2}) == block_at(pool, 1)
    assert carve(pool, {0, 1}) == block_at(pool, 2)
    assert carve(pool, {0, 1, 2}) is None


def test_a_block_without_an_address_for_a_pod_is_not_cut() -> None:
    subnets = ("10.2.0.0/30 fd02::/126", "10.3.0.0/31 fd03::/127")
    # Of the first block both addresses, of the second one twice, of the third both, each in one family.
    reserved = ["10.2.0.0", "10.2.0.1", "10.2.0.2", "fd02::2", "10.3.0.0", "fd03::1"]
    pool = _pool(*subnets, bits=1, reserved=reserved)
    assert carve(pool, ()) == block_at(pool, 1)
    assert carve(pool, {1}) is None
    assert carve(replace(pool, reserved=pool.reserved - {IPv6Address("fd03::1")}), {1}) == block_at(pool, 2)


def test_a_pool_may_have_more_blocks_than_a_machine_word_counts() -> None:
    pool = _pool("fd00::/48", bits=0)
    assert capacity(pool) == 2**80
    assert carve(pool, {0, 1}) == Block(pool.name, 2, ipv6=IPv6Network("fd00::2/128"))


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    """Dual-stack pools, small enough to look at each address."""
    bits = draw(st.integers(0, 3))
    sizes = draw(st.lists(st.integers(bits, 6), min_size=1, max_size=4))
    families = draw(st.sampled_from(["v4", "v6", "dual"]))
    subnets = [
        Subnet(
            None if families == "v6" else IPv4Network((f"10.0.{place}.0", 32 - size)),
            None if families == "v4" else IPv6Network((f"fd00::{place}:0", 128 - size)),
        )
        for place, size in enumerate(sizes)
    ]
    return Pool(PoolName("default"), bits, tuple(subnets))


@given(pools())
def test_blocks_cut_one_by_one_are_the_whole_pool_and_share_nothing(pool: Pool) -> None:
    taken: set[int] = set()
    blocks: list[Block] = []
    while (block := carve(pool, taken)) is not None:
        taken.add(block.index)
        blocks.append(block)
    assert [block.index for block in blocks] == list(range(capacity(pool)))
    assert {block.size for block in blocks} == {2**pool.block_size_bits}
    cut = [address for block in blocks for prefix in block.prefixes() for address in prefix]
    whole = [address for subnet in pool.subnets for prefix in subnet.prefixes() for address in prefix]
    assert len(cut) == len(set(cut))
    assert set(cut) == set(whole)


@given(pools(), st.integers(0, 6))
def test_no_block_moves_when_a_subnet_is_appended(pool: Pool, size: int) -> None:
    first = pool.subnets[0]
    appended = Subnet(
        first.ipv4 and IPv4Network(("10.1.0.0", 32 - pool.block_size_bits - size)),
        first.ipv6 and IPv6Network(("fd01::", 128 - pool.block_size_bits - size)),
    )
    new = change(pool, Pool(pool.name, pool.block_size_bits, (*pool.subnets, appended)))
    assert capacity(new) == capacity(pool) + 2**size
    for index in range(capacity(pool)):
        assert block_at(new, index) == block_at(pool, index)


@given(pools())
def test_indexes_follow_addresses_within_a_subnet(pool: Pool) -> None:
    for before, after in pairwise(block_at(pool, index) for index in range(capacity(pool))):
        for low, high in zip(before.prefixes(), after.prefixes(), strict=True):
            assert int(low[0]) < int(high[0])


def test_a_single_address_is_a_block_of_no_bits() -> None:
    block = carve(_pool("10.2.0.7/32", bits=0), ())
    assert block is not None
    assert block.size == 1
    assert block.addresses(0).ipv4 == IPv4Address("10.2.0.7")
