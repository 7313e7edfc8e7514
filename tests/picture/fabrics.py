"""Fabrics of every size and shape, by code."""

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bifilar.fabric import design
from bifilar.fabric.model import Fabric
from bifilar.intent import Intent, load_intent

EXAMPLES = Path(__file__).parents[2] / "examples"

ADDRESSES: dict[str, Any] = {
    "servers": "10.0.0.0/10",
    "network-bits": 6,
    "spine-tor": "172.16.0.0/12",
    "super-spine": "10.192.0.0/12",
    "core-spine": "10.208.0.0/16",
    "pods": "10.64.0.0/10",
    "load-balancer": "10.224.0.0/20",
    "servers6": "fd00:64::/40",
    "spine-tor6": "fd00:72::/64",
    "super-spine6": "fd00:73::/64",
    "core-spine6": "fd00:74::/64",
    "pods6": "fd00:80::/64",
    "load-balancer6": "fd00:90::/112",
}
V4 = {key: value for key, value in ADDRESSES.items() if not key.endswith("6")}
V6 = {key: value for key, value in ADDRESSES.items() if key.endswith("6")}
LIMITS = {"racks": 1024, "spines": 24, "super-spines": 24, "zones": 64}
FIVE_STAGE = {"spines": 0, "racks": [], "super-spines": 2}


def fabric(**changes: Any) -> Fabric:
    """Two spines above two racks of three servers, with changes."""
    document = {
        "name": "test",
        "addresses": V4,
        "asn": {"base": 4_200_000_000, "server-base": 4_250_000_000},
        "limits": LIMITS,
        "spines": 2,
        "racks": [{"number": 0, "count": 2, "servers": 3}],
    }
    return design(Intent.model_validate(document | changes))


def example(name: str) -> Fabric:
    """The fabric of an example intent."""
    return design(load_intent(EXAMPLES / f"{name}.yaml"))


def zones(count: int, racks: int, spines: int = 2, servers: int = 3) -> list[dict[str, Any]]:
    """Equal zones of equal racks."""
    return [
        {
            "number": zone,
            "spines": spines,
            "racks": [{"number": zone * racks, "count": racks, "boot": 1, "servers": servers}],
        }
        for zone in range(count)
    ]


_common: dict[str, st.SearchStrategy[Any]] = {
    "addresses": st.sampled_from([V4, V6, ADDRESSES]),
    "asn": st.fixed_dictionaries(
        {
            "model": st.sampled_from(["rack", "server"]),
            "base": st.just(4_200_000_000),
            "server-base": st.just(4_250_000_000),
        }
    ),
    "links": st.fixed_dictionaries({"spine-tor": st.sampled_from(["numbered", "unnumbered"])}),
    "cores": st.integers(0, 4),
}
_three_stage = st.fixed_dictionaries(
    {
        **_common,
        "spines": st.integers(1, 20),
        "racks": st.tuples(st.integers(1, 60), st.integers(0, 1), st.integers(0, 20)).map(
            lambda drawn: [{"number": 7, "count": drawn[0], "boot": drawn[1], "servers": drawn[2]}]
        ),
    }
)
_five_stage = st.fixed_dictionaries(
    {
        **_common,
        "spines": st.just(0),
        "racks": st.just([]),
        "super-spines": st.integers(1, 20),
        "zones": st.builds(
            zones, st.integers(1, 8), st.integers(1, 8), st.integers(1, 4), st.integers(0, 10)
        ),
    }
)
fabrics = st.one_of(_three_stage, _five_stage).map(lambda document: fabric(**document))
"""Small and large, of three and five stages, of one or both families."""
