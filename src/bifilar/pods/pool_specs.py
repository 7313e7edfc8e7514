"""Pure module: what a pool may be, and how it is written down.

What holds of every pool that :func:`parse` or :func:`checked` let through:

- each subnet has as many addresses in each of its families, and all subnets have the same families;
- each subnet is a whole number of blocks, at least one;
- no two subnets overlap;
- each reserved address is of one of its subnets.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TypeVar

from bifilar.errors import InputError
from bifilar.pods.model import Address, Pool, PoolName, Prefix, Subnet

_Network = TypeVar("_Network", IPv4Network, IPv6Network)

BLOCK_SIZE_BITS = 5
"""Of a pool that doesn't say: 32 addresses a block, as in Coil."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
"""Kubernetes' names, no longer than a label's value: it stands in labels, and in the aliases of interfaces."""
_EXAMPLE = "write `subnets: [{ipv4: 10.64.0.0/14}]`, `ipv6: fd00:64::/110`, or both in one subnet"


def parse(name: str, spec: object) -> Pool:
    """The pool that is written down as the ``spec`` of Coil's AddressPool.

    Args:
        name: of the pool.
        spec: a mapping with ``blockSizeBits`` (5 without it) and ``subnets``, a list of mappings with ``ipv4``,
            ``ipv6`` or both; and, which Coil doesn't have, ``reserved``, a list of addresses (none without it).

    Raises:
        InputError: it isn't a pool.
    """
    where = f"pool {name}"
    if not isinstance(spec, Mapping):
        raise InputError(where, "is not a mapping", _EXAMPLE)
    _only(where, spec, "blockSizeBits", "subnets", "reserved")
    bits = spec.get("blockSizeBits", BLOCK_SIZE_BITS)
    if type(bits) is not int:
        raise InputError(
            where, f"blockSizeBits is {bits!r}, not a whole number", "5 makes blocks of 32 addresses"
        )
    subnets = spec.get("subnets")
    if not isinstance(subnets, Sequence) or isinstance(subnets, str):
        raise InputError(where, "has no list of subnets", _EXAMPLE)
    return checked(
        Pool(
            PoolName(name),
            bits,
            tuple(_subnet(where, place, each) for place, each in enumerate(subnets)),
            _reserved(where, spec.get("reserved", ())),
        )
    )


def checked(pool: Pool) -> Pool:
    """The same pool, if it can be one.

    Raises:
        InputError: what is wrong with it.
    """
    where = f"pool {pool.name}"
    if not _NAME.fullmatch(pool.name):
        hint = "up to 63 lower-case letters, digits, - and ., with a letter or a digit at both ends"
        raise InputError(where, f"{pool.name!r} can't be the name of a pool", hint)
    if pool.block_size_bits < 0:
        raise InputError(
            where, f"blockSizeBits is {pool.block_size_bits}", "0, blocks of one address, is the least"
        )
    if not pool.subnets:
        raise InputError(where, "has no subnet", _EXAMPLE)
    for subnet in pool.subnets:
        _check_subnet(where, subnet, pool)
    prefixes = [prefix for subnet in pool.subnets for prefix in subnet.prefixes()]
    for place, prefix in enumerate(prefixes):
        for earlier in prefixes[:place]:
            if overlap(earlier, prefix):
                raise InputError(
                    where, f"its subnets {earlier} and {prefix} overlap", "write each address once"
                )
    for address in pool.reserved:
        if not any(address in prefix for prefix in prefixes):
            raise InputError(
                where,
                f"{address} is reserved, but in none of its subnets",
                "only addresses that pods could get need that: leave it out",
            )
    return pool


def overlap(first: Prefix, second: Prefix) -> bool:
    """Whether two prefixes have an address in common."""
    if isinstance(first, IPv4Network):
        return isinstance(second, IPv4Network) and first.overlaps(second)
    return isinstance(second, IPv6Network) and first.overlaps(second)


def _subnet(where: str, place: int, spec: object) -> Subnet:
    here = f"{where}, subnet {place + 1}"
    if not isinstance(spec, Mapping):
        raise InputError(here, "is not a mapping", _EXAMPLE)
    _only(here, spec, "ipv4", "ipv6")
    ipv4, ipv6 = spec.get("ipv4"), spec.get("ipv6")
    return Subnet(
        None if ipv4 is None else _network(here, IPv4Network, "10.64.0.0/14", ipv4),
        None if ipv6 is None else _network(here, IPv6Network, "fd00:64::/110", ipv6),
    )


def _check_subnet(where: str, subnet: Subnet, pool: Pool) -> None:
    words = words_of(subnet)
    if not words:
        raise InputError(where, "a subnet has neither ipv4 nor ipv6", _EXAMPLE)
    for prefix in subnet.prefixes():
        for address in (prefix[0], prefix[-1]):
            if address.is_multicast or address.is_loopback or address.is_link_local or address.is_unspecified:
                raise InputError(
                    where, f"{address} in {prefix} can't be a pod's", "choose a private range of your own"
                )
    ipv4, ipv6 = subnet.ipv4, subnet.ipv6
    if ipv4 is not None and ipv6 is not None and ipv4.num_addresses != ipv6.num_addresses:
        hint = f"each address has its twin: beside {ipv4} goes a /{96 + ipv4.prefixlen}"
        raise InputError(where, f"{words} differ in size", hint)
    if pool.block_size_bits > subnet.host_bits:
        block = f"a block of 2^{pool.block_size_bits} addresses"
        what = f"{block} is larger than {words}, which has 2^{subnet.host_bits}"
        raise InputError(
            where, what, f"choose a larger subnet, or at most {subnet.host_bits} for blockSizeBits"
        )
    families, first = _families(subnet), _families(pool.subnets[0])
    if families != first:
        what = f"{words} is {families}, and the first subnet {first}"
        raise InputError(where, what, "pods of a pool have addresses of the same families: make another pool")


def _network(where: str, kind: type[_Network], example: str, text: object) -> _Network:
    version = kind.__name__.removesuffix("Network")
    if not isinstance(text, str) or "/" not in text:
        raise InputError(where, f"{text!r} is not an {version} prefix", f"write one such as {example}")
    try:
        return kind(text)
    except ValueError as error:
        raise InputError(
            where, f"{text!r} is not an {version} prefix: {error}", f"write one such as {example}"
        ) from None


def _reserved(where: str, spec: object) -> frozenset[Address]:
    if not isinstance(spec, Sequence) or isinstance(spec, str):
        raise InputError(where, "reserved is not a list of addresses", "write `reserved: [10.64.0.1]`")
    return frozenset(_address(where, each) for each in spec)


def _address(where: str, text: object) -> Address:
    # ip_address() takes numbers too, and makes an address with a zone (fd00::1%eth0), which equals none of a pod.
    if isinstance(text, str) and "%" not in text:
        with suppress(ValueError):
            return ip_address(text)
    hint = "write each one by itself, such as 10.64.0.1 or fd00:64::1"
    raise InputError(where, f"{text!r} in reserved is not an address", hint)


def _only(where: str, spec: Mapping[object, object], *known: str) -> None:
    if unknown := sorted(str(key) for key in spec if key not in known):
        *others, last = (f"`{key}`" for key in known)
        raise InputError(where, f"what is `{unknown[0]}`?", f"there is {', '.join(others)} and {last}")


def _families(subnet: Subnet) -> str:
    return " and ".join(f"IPv{prefix.version}" for prefix in subnet.prefixes())


def words_of(subnet: Subnet) -> str:
    """A subnet in messages."""
    return " with ".join(str(prefix) for prefix in subnet.prefixes())
