"""Which pools Coil's admission lets in, and the blocks that it cuts, on our code. Each difference has its reason here."""

import json
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import pytest

from bifilar.errors import InputError
from bifilar.pods.model import Pool, PoolName, Subnet
from bifilar.pods.pool_specs import parse
from bifilar.pods.pools import block_at, change

CASES = Path(__file__).parents[3] / "shared" / "oracles" / "coil_validation.json"
ORACLE: dict[str, Any] = json.loads(CASES.read_text()) if CASES.exists() else {}

pytestmark = pytest.mark.skipif(not ORACLE, reason=f"Coil's cases are not there: {CASES}")

NO_SUCH_BLOCK = {
    "dual-n10-bits5": "Coil's function cuts block 10 of a subnet of 8 blocks; here an index outside the pool is an error",
}


def _cases(of_kind: str, **of: str) -> pytest.MarkDecorator:
    cases = [each for each in ORACLE.get(of_kind, ()) if all(each[key] == value for key, value in of.items())]
    return pytest.mark.parametrize("case", [pytest.param(each, id=each["name"]) for each in cases])


def _admitted(old: Pool | None, written: dict[str, Any]) -> Pool | None:
    """The pool as it is stored then; ``None`` if it is refused."""
    try:
        new = parse(written["metadata"]["name"], written["spec"])
        return new if old is None else change(old, new)
    except InputError:
        return None


@_cases("admission", kind="AddressPool")
def test_a_pool_is_let_in(case: dict[str, Any]) -> None:
    stored: Pool | None = None
    for step in case["steps"]:
        new = _admitted(stored, step["object"])
        assert (new is not None) == step["allowed"]
        stored = new or stored
    bits = case.get("expect_stored", {}).get("spec.blockSizeBits")
    if bits is not None:
        assert stored is not None
        assert stored.block_size_bits == bits


@_cases("subnet_validate")
def test_a_subnet_is_let_in(case: dict[str, Any]) -> None:
    written = {"metadata": {"name": "test"}, "spec": _spec(case)}
    assert (_admitted(None, written) is not None) == case["valid"]


@_cases("subnet_equal")
def test_a_subnet_may_not_become_another(case: dict[str, Any]) -> None:
    old, new = (Pool(PoolName("test"), 0, (_subnet(case[side]),)) for side in ("a", "b"))
    assert (old == new) == case["equal"]
    if not case["equal"]:
        with pytest.raises(InputError, match="has to stay"):
            change(old, new)


@_cases("get_block")
def test_a_block_is_cut(case: dict[str, Any]) -> None:
    pool = parse("test", _spec(case))
    if case["name"] in NO_SUCH_BLOCK:
        with pytest.raises(IndexError):
            block_at(pool, case["block_index"])
        return
    block = block_at(pool, case["block_index"])
    assert tuple(prefix and str(prefix) for prefix in (block.ipv4, block.ipv6)) == (
        case["ipv4"],
        case["ipv6"],
    )


def test_every_difference_is_of_a_case() -> None:
    assert set(NO_SUCH_BLOCK) <= {case["name"] for case in ORACLE["get_block"]}


def _subnet(written: dict[str, str]) -> Subnet:
    """As it is written, whether or not it can be of a pool."""
    ipv4, ipv6 = written.get("ipv4"), written.get("ipv6")
    return Subnet(IPv4Network(ipv4) if ipv4 else None, IPv6Network(ipv6) if ipv6 else None)


def _spec(case: dict[str, Any]) -> dict[str, Any]:
    return {"blockSizeBits": case["block_size_bits"], "subnets": [case["subnet"]]}
