"""Intents for tests, by code: small ones by name and arbitrary ones for properties."""

from typing import Any

from hypothesis import strategies as st

from bifilar.intent import Intent

ADDRESSES: dict[str, Any] = {
    "servers": "10.64.0.0/14",
    "spine-tor": "10.72.0.0/16",
    "super-spine": "10.73.0.0/16",
    "core-spine": "10.74.0.0/16",
    "pods": "10.80.0.0/14",
    "load-balancer": "10.90.0.0/20",
    "servers6": "fd00:64::/48",
    "spine-tor6": "fd00:72::/64",
    "super-spine6": "fd00:73::/64",
    "core-spine6": "fd00:74::/64",
    "pods6": "fd00:80::/64",
    "load-balancer6": "fd00:90::/112",
}
V4_ONLY = {key: value for key, value in ADDRESSES.items() if not key.endswith("6")}
V6_ONLY = {key: value for key, value in ADDRESSES.items() if key.endswith("6")}
LIMITS = {"racks": 64, "spines": 8, "super-spines": 8, "zones": 8}


def intent(**changes: Any) -> Intent:
    """A three-stage fabric of two spines and two racks of two servers, with changes."""
    return Intent.model_validate(
        {
            "name": "test",
            "addresses": V4_ONLY,
            "limits": LIMITS,
            "spines": 2,
            "racks": [{"number": 0, "servers": 2}, {"number": 1, "servers": 2}],
        }
        | changes
    )


def five_stage(**changes: Any) -> Intent:
    """Two zones of two spines and two racks each, under two super-spines and a core."""
    zones = [
        {"number": zone, "spines": 2, "racks": [{"number": 2 * zone, "count": 2, "boot": 1, "servers": 2}]}
        for zone in range(2)
    ]
    return intent(**({"spines": 0, "racks": [], "super-spines": 2, "zones": zones, "cores": 1} | changes))


def _rack(number: int) -> st.SearchStrategy[dict[str, int]]:
    return st.fixed_dictionaries(
        {"number": st.just(number), "boot": st.integers(0, 1), "servers": st.integers(1, 5)}
    )


racks = st.lists(st.integers(0, 63), min_size=1, max_size=5, unique=True).flatmap(
    lambda numbers: st.tuples(*map(_rack, numbers)).map(list)
)

three_stage_documents = st.fixed_dictionaries(
    {
        "name": st.just("test"),
        "asn": st.fixed_dictionaries({"model": st.sampled_from(["rack", "server"])}),
        "addresses": st.sampled_from([ADDRESSES, V4_ONLY, V6_ONLY]),
        "limits": st.just(LIMITS),
        "cores": st.integers(0, 2),
        "spines": st.integers(1, 4),
        "racks": racks,
    }
)
