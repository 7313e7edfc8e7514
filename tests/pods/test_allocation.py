from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest

from bifilar.pods.allocation import BlockInUseError, Holdings, RegistrationError
from bifilar.pods.model import Address, Addresses, Attachment, Block, BlockName, Key, PoolName
from bifilar.pods.occupancy import Counts

POOL = PoolName("default")
OTHER = PoolName("other")


def _block(index: int = 0, pool: PoolName = POOL, bits: int = 2, *, reserved: bool = False) -> Block:
    first = int(IPv4Address("10.1.0.0" if pool == POOL else "10.2.0.0"))
    return Block(pool, index, IPv4Network((first + (index << bits), 32 - bits)), reserved=reserved)


def _key(name: str) -> Key:
    return Key(name, "eth0")


def _last_byte(attachment: Attachment) -> int:
    assert attachment.addresses.ipv4 is not None
    return attachment.addresses.ipv4.packed[-1]


def _take(
    holdings: Holdings, names: str, now: float = 0, pool: PoolName = POOL
) -> tuple[Holdings, list[int]]:
    """An address for each letter; last bytes, as far as there are any."""
    taken = []
    for name in names:
        found = holdings.allocate(_key(name), pool, now)
        if found is not None:
            holdings, attachment = found
            taken.append(_last_byte(attachment))
    return holdings, taken


def _at(name: str, *addresses: str, pool: PoolName = POOL) -> Attachment:
    ipv4 = next((IPv4Address(each) for each in addresses if "." in each), None)
    ipv6 = next((IPv6Address(each) for each in addresses if ":" in each), None)
    return Attachment(_key(name), pool, Addresses(ipv4, ipv6))


def test_all_addresses_of_a_block_are_handed_out_in_turn_and_then_none() -> None:
    assert _take(Holdings.of([_block()]), "abcde") == (
        _take(Holdings.of([_block()]), "abcd")[0],
        [0, 1, 2, 3],
    )


def test_both_families_have_the_same_place_in_their_block() -> None:
    block = Block(POOL, 0, IPv4Network("10.1.0.0/30"), IPv6Network("fd00::/126"))
    holdings, _ = _take(Holdings.of([block]), "a")
    found = holdings.allocate(_key("b"), POOL, 0)
    assert found is not None
    assert found[1].addresses == (IPv4Address("10.1.0.1"), IPv6Address("fd00::1"))


def test_the_same_key_gets_the_same_again_even_of_another_pool() -> None:
    holdings, _ = _take(Holdings.of([_block(), _block(pool=OTHER)]), "a")
    for pool in (POOL, OTHER):
        again = holdings.allocate(_key("a"), pool, 0)
        assert again is not None
        assert again[0] is holdings
        assert again[1] == _at("a", "10.1.0.0")


def test_pools_are_apart() -> None:
    holdings = Holdings.of([_block(), _block(pool=OTHER)])
    holdings, taken = _take(holdings, "abcde", pool=OTHER)
    assert len(taken) == 4
    assert holdings.counts(POOL, 0) == Counts(free=4)
    assert holdings.counts(OTHER, 0) == Counts(used=4)


def test_an_address_never_used_comes_before_a_freed_one() -> None:
    holdings, _ = _take(Holdings.of([_block()]), "ab")
    holdings = holdings.free(_key("a"), until=0)
    assert _take(holdings, "cde")[1] == [2, 3, 0]


def test_a_freed_address_cools_until_its_time() -> None:
    holdings, _ = _take(Holdings.of([_block()]), "abcd")
    holdings = holdings.free(_key("b"), until=7.0)
    assert holdings.counts(POOL, 6.9) == Counts(used=3, cooling=1)
    assert holdings.ready_at(POOL) == 7.0
    assert holdings.allocate(_key("e"), POOL, 6.9) is None
    assert holdings.counts(POOL, 7.0) == Counts(used=3, free=1)
    assert _take(holdings, "e", now=7.0)[1] == [1]


def test_the_longest_freed_address_is_used_first() -> None:
    holdings, _ = _take(Holdings.of([_block()]), "abcd")
    for until, name in enumerate("dbca"):
        holdings = holdings.free(_key(name), float(until))
    assert _take(holdings, "efgh", now=10)[1] == [3, 1, 2, 0]


def test_the_end_of_the_cool_down_counts_not_the_order_of_freeing() -> None:
    holdings, _ = _take(Holdings.of([_block()]), "abcd")
    holdings = holdings.free(_key("a"), until=9).free(_key("b"), until=3).free(_key("c"), until=6)
    assert holdings.ready_at(POOL) == 3
    assert _take(holdings, "efg", now=6)[1] == [1, 2]


def test_of_addresses_freed_at_once_the_one_after_the_last_is_next() -> None:
    holdings, _ = _take(Holdings.of([_block()]), "abcd")
    for name in "dbca":
        holdings = holdings.free(_key(name), 5)
    holdings, taken = _take(holdings, "ef", now=5)
    assert taken == [0, 1]
    assert _take(holdings.free(_key("f"), 5).free(_key("e"), 5), "ghij", now=5)[1] == [2, 3, 0, 1]


def test_a_freed_address_after_the_last_one_is_passed_over_for_one_never_used() -> None:
    holdings = (
        Holdings.of([_block()], cool_until=9).register(_at("a", "10.1.0.1")).register(_at("b", "10.1.0.3"))
    )
    holdings, taken = _take(holdings.free(_key("a"), 0), "c")
    assert taken == [1]
    assert _take(holdings.free(_key("b"), 0), "defg", now=9)[1] == [2, 0, 3]


def test_low_blocks_are_filled_first_so_that_high_ones_become_empty() -> None:
    holdings = Holdings.of([_block(1), _block(0)])
    holdings, taken = _take(holdings, "abcdef")
    assert taken == [0, 1, 2, 3, 4, 5]
    holdings = holdings.free(_key("e"), 0).free(_key("f"), 0).free(_key("a"), 0)
    holdings, taken = _take(holdings, "g")
    assert taken == [0]
    assert holdings.empty_blocks(POOL, 0) == ("default-1",)


def test_a_block_with_a_cooling_address_is_not_empty() -> None:
    holdings, _ = _take(Holdings.of([_block()]), "a")
    holdings = holdings.free(_key("a"), until=4)
    assert holdings.empty_blocks(POOL, 3) == ()
    assert holdings.empty_blocks(POOL, 4) == ("default-0",)


def test_a_reserved_block_hands_out_nothing_and_stays() -> None:
    holdings = Holdings.of([_block(reserved=True)])
    assert holdings.allocate(_key("a"), POOL, 0) is None
    assert holdings.counts(POOL, 0) == Counts(withheld=4)
    assert holdings.ready_at(POOL) is None
    assert holdings.empty_blocks(POOL, 0) == ()


def test_a_block_can_become_reserved_and_keep_its_attachments() -> None:
    holdings, _ = _take(Holdings.of([_block()]), "ab")
    holdings = holdings.with_block(_block(reserved=True))
    assert holdings.counts(POOL, 0) == Counts(used=2, withheld=2)
    assert holdings.attachment_of(_key("b")) == _at("b", "10.1.0.1")
    assert _take(holdings.with_block(_block()), "cde")[1] == [2, 3]


def test_a_reserved_address_is_never_handed_out_in_blocks_that_come_later_either() -> None:
    reserved: list[Address] = [IPv4Address("10.1.0.1"), IPv4Address("10.1.0.6"), IPv6Address("fd00::9")]
    holdings = Holdings.of([_block()], reserved=reserved)
    holdings, taken = _take(holdings, "abcd")
    assert taken == [0, 2, 3]
    assert holdings.counts(POOL, 0) == Counts(used=3, withheld=1)
    assert _take(holdings.with_block(_block(1)), "efgh")[1] == [4, 5, 7]


def test_a_reserved_address_that_is_in_use_nevertheless_is_not_handed_out_again() -> None:
    holdings = Holdings.of([_block()], reserved=[IPv4Address("10.1.0.1")]).register(_at("a", "10.1.0.1"))
    assert holdings.counts(POOL, 0) == Counts(free=3, used=1)
    holdings = holdings.free(_key("a"), 0)
    assert holdings.counts(POOL, 0) == Counts(free=3, withheld=1)
    holdings, taken = _take(holdings, "bcde")
    assert sorted(taken) == [0, 2, 3]
    assert holdings.ready_at(POOL) is None


def test_an_address_that_becomes_reserved_while_in_use_stays_with_its_attachment_and_is_withheld_later() -> (
    None
):
    holdings, _ = _take(Holdings.of([_block()]), "ab")
    reserved = holdings.with_reserved(
        [IPv4Address("10.1.0.1"), IPv4Address("10.1.0.2"), IPv4Address("10.9.9.9")]
    )
    assert reserved.attachment_of(_key("b")) == _at("b", "10.1.0.1")
    assert reserved.counts(POOL, 0) == Counts(free=1, used=2, withheld=1)
    reserved = reserved.free(_key("b"), until=5)
    assert reserved.counts(POOL, 0) == Counts(free=1, used=1, withheld=2)
    assert _take(reserved, "cdef", now=9)[1] == [3]


def test_an_address_that_is_reserved_no_more_is_handed_out_but_not_before_it_has_cooled() -> None:
    addresses = [IPv4Address(f"10.1.0.{last}") for last in range(4)]
    holdings, _ = _take(Holdings.of([_block()]), "a")
    reserved = holdings.with_reserved(addresses).free(_key("a"), until=5)
    assert reserved.counts(POOL, 0) == Counts(withheld=4)
    assert reserved.ready_at(POOL) is None
    fewer = reserved.with_reserved(addresses[2:])
    assert fewer.counts(POOL, 0) == Counts(free=1, cooling=1, withheld=2)
    assert _take(fewer, "bcd", now=4.9)[1] == [1]
    assert _take(fewer, "bcd", now=5)[1] == [1, 0]
    assert fewer.with_reserved([]).counts(POOL, 5) == Counts(free=4)


def test_what_becomes_reserved_counts_for_blocks_that_come_later_too() -> None:
    holdings = Holdings.of([_block()], reserved=[IPv4Address("10.1.0.4")])
    holdings = holdings.with_reserved([IPv4Address("10.1.0.6")]).with_block(_block(1))
    assert _take(holdings, "abcdefgh")[1] == [0, 1, 2, 3, 4, 5, 7]


@pytest.mark.parametrize("address", [IPv4Address("10.1.0.1"), IPv6Address("fd00::1")])
def test_reserving_one_family_of_an_address_withholds_its_twin(address: Address) -> None:
    holdings = Holdings.of([Block(POOL, 0, IPv4Network("10.1.0.0/30"), IPv6Network("fd00::/126"))])
    assert _take(holdings.with_reserved([address]), "abcd")[1] == [0, 2, 3]
    assert _take(holdings.with_reserved([IPv4Address("10.1.0.1"), IPv6Address("fd00::1")]), "abcd")[1] == [
        0,
        2,
        3,
    ]
    assert holdings.with_reserved([address]).counts(POOL, 0) == Counts(free=3, withheld=1)


def test_a_closed_block_hands_out_nothing_until_it_is_reopened() -> None:
    holdings, _ = _take(Holdings.of([_block()]), "a")
    closed = holdings.closed(BlockName("default-0"))
    assert closed.allocate(_key("b"), POOL, 0) is None
    assert closed.counts(POOL, 0) == Counts(used=1, withheld=3)
    assert closed.closed_blocks() == ("default-0",)
    assert closed.free(_key("a"), 0).empty_blocks(POOL, 0) == ("default-0",)
    assert closed.reopened(BlockName("default-0")) == holdings
    assert holdings.closed(BlockName("default-7")) == holdings


def test_a_block_in_use_can_not_go() -> None:
    holdings, _ = _take(Holdings.of([_block()]), "a")
    with pytest.raises(BlockInUseError, match="default-0 is used by 1"):
        holdings.without_block(BlockName("default-0"))
    assert holdings.free(_key("a"), 9).without_block(BlockName("default-0")) == Holdings()
    assert holdings.without_block(BlockName("default-7")) is holdings


def test_a_name_stands_for_the_same_addresses_for_good() -> None:
    holdings = Holdings.of([_block()])
    assert holdings.with_block(_block()) == holdings
    with pytest.raises(ValueError, match="other addresses"):
        holdings.with_block(_block(bits=3))


def test_to_free_what_nobody_knows_changes_nothing() -> None:
    holdings, _ = _take(Holdings.of([_block()]), "a")
    assert holdings.free(_key("z"), 3) is holdings
    freed = holdings.free(_key("a"), 3)
    assert freed.free(_key("a"), 9) is freed


def test_registered_attachments_are_known_in_any_order() -> None:
    found = [_at("a", "10.1.0.2"), _at("b", "10.1.0.0")]
    holdings = Holdings.of([_block()])
    forwards, backwards = holdings, holdings
    for attachment in found:
        forwards = forwards.register(attachment)
    for attachment in reversed(found):
        backwards = backwards.register(attachment)
    assert forwards == backwards
    assert forwards.register(found[0]) is forwards
    assert forwards.keys() == {_key("a"), _key("b")}
    assert forwards.attachment_of(_key("a")) == found[0]
    assert forwards.attachment_of(_key("c")) is None
    assert _take(forwards, "cd")[1] == [3, 1]


@pytest.mark.parametrize(
    ("attachment", "why"),
    [
        (_at("b", "10.9.0.1", "fd00::1"), "any held block"),
        (_at("b", "10.1.0.1", "fd00::2"), "any held block"),
        (_at("b", "10.1.0.1"), "any held block"),
        (_at("b", "fd00::1"), "any held block"),
        (_at("b"), "no address"),
        (_at("b", "10.1.0.1", "fd00::1", pool=OTHER), "any held block of pool other"),
        (_at("b", "10.1.0.0", "fd00::"), "a eth0 has it already"),
        (_at("a", "10.1.0.1", "fd00::1"), "it has 10.1.0.0, fd00:: already"),
    ],
)
def test_an_attachment_that_can_not_be_is_refused(attachment: Attachment, why: str) -> None:
    block = Block(POOL, 0, IPv4Network("10.1.0.0/30"), IPv6Network("fd00::/126"))
    holdings = Holdings.of([block, _block(pool=OTHER)]).register(_at("a", "10.1.0.0", "fd00::"))
    with pytest.raises(RegistrationError, match=why):
        holdings.register(attachment)


def test_after_a_restart_everything_that_is_not_registered_may_have_to_cool() -> None:
    holdings = Holdings.of([_block()], cool_until=5).register(_at("a", "10.1.0.1"))
    assert holdings.allocate(_key("b"), POOL, 4.9) is None
    assert holdings.counts(POOL, 4.9) == Counts(used=1, cooling=3)
    assert holdings.empty_blocks(POOL, 4.9) == ()
    assert holdings.ready_at(POOL) == 5
    assert holdings.counts(POOL, 5) == Counts(used=1, free=3)
    # A block that comes later has nothing to cool.
    assert _take(holdings.with_block(_block(1)), "b", now=1)[1] == [4]


def test_there_is_a_moment_to_wait_for_only_if_an_address_can_become_free() -> None:
    holdings = Holdings.of([_block()])
    assert holdings.ready_at(OTHER) is None
    assert holdings.counts(OTHER, 0) == Counts()
    ready_at = holdings.ready_at(POOL)
    assert ready_at is not None
    assert ready_at <= 0
    assert _take(holdings, "abcd")[0].ready_at(POOL) is None


def test_a_block_may_be_larger_than_any_memory() -> None:
    block = Block(POOL, 0, ipv6=IPv6Network("fd00::/64"))
    holdings = Holdings.of([block], reserved=[IPv6Address("fd00::")]).register(
        _at("a", "fd00::ffff:ffff:ffff:ffff")
    )
    found = holdings.allocate(_key("b"), POOL, 0)
    assert found is not None
    assert found[1] == _at("b", "fd00::1")
    assert found[0].counts(POOL, 0) == Counts(free=2**64 - 3, used=2, withheld=1)
