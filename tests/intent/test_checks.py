"""What the checks must let pass: the corpus of wrong files shows what they refuse."""

from pathlib import Path

import pytest

from bifilar.errors import IntentErrors
from bifilar.intent import load_intent, parse_intent
from bifilar.intent.model import Intent
from bifilar.intent.shape import device_count

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = """\
name: fabric
addresses:
  servers: 10.69.0.0/20
  spine-tor: 10.72.1.0/24
spines: 2
racks:
  - {number: 0, servers: 3}
  - {number: 1, servers: 3}
"""


def with_range(line: str) -> str:
    return SMALL.replace("spines: 2", f"  {line}\nspines: 2")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_examples_pass(path: Path) -> None:
    assert isinstance(load_intent(path), Intent)


@pytest.mark.parametrize(
    ("name", "devices"),
    [
        ("article", 12),
        ("neco", 29),
        ("five-stage", 60),
        ("scale-300", 322),
        ("scale-1000", 1090),
        ("scale-10000", 10_504),
    ],
)
def test_examples_are_as_large_as_they_say(name: str, devices: int) -> None:
    assert device_count(load_intent(EXAMPLES / f"{name}.yaml")) == devices


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(with_range("core-spine: 10.72.2.0/24"), id="a range for cores to come"),
        pytest.param(with_range("super-spine: 10.72.4.0/22"), id="a range for super-spines to come"),
        pytest.param(with_range("pods: 198.18.0.0/15"), id="public ranges"),
        pytest.param(with_range("pods: 10.69.16.0/20"), id="ranges side by side"),
        pytest.param(with_range("other: [10.72.48.0/24, 10.72.49.0/25]"), id="more ranges"),
        pytest.param(f"{SMALL}asn: {{base: 13335}}\n", id="public AS numbers"),
        pytest.param(
            f"{SMALL}asn: {{core: 64600}}\n", id="the core's AS number is a rack's, but there is no core"
        ),
        pytest.param(f"{SMALL}asn: {{zone-base: 64600}}\n", id="zones' AS numbers without zones"),
        pytest.param(f"{SMALL}asn: {{server-base: 64600}}\n", id="servers' AS numbers in model rack"),
        pytest.param(
            f"{SMALL}devices:\n  rack1-tor1: {{asn: 64700}}\n  rack1-tor2: {{asn: 64700}}\n",
            id="a rack that moves to another AS number, ToR by ToR",
        ),
        pytest.param(
            f"{SMALL}devices:\n  rack1-server2: {{asn: 64601}}\n", id="an override that changes nothing"
        ),
        pytest.param(f"{SMALL}devices:\n  spine2: {{drain: true, bird-version: 3}}\n", id="drain one spine"),
        pytest.param(f"{SMALL}bgp: {{hold-s: 9, keepalive-s: 3}}\n", id="a third of the hold time exactly"),
        pytest.param(f"{SMALL}limits: {{racks: 2, spines: 2}}\n", id="limits that are reached"),
        pytest.param(SMALL.replace("number: 0, servers: 3", "number: 0, servers: 59"), id="a full rack"),
        pytest.param(SMALL.replace("number: 1,", "number: 20,"), id="the last rack of the range"),
        pytest.param(
            SMALL.replace("10.72.1.0/24", "10.72.1.0/24\n  servers6: null"), id="an empty optional range"
        ),
    ],
)
def test_what_is_allowed(text: str) -> None:
    assert parse_intent(text).name == "fabric"


@pytest.mark.parametrize("length", range(16, 32))
def test_the_range_that_a_hint_names_is_enough_and_the_next_smaller_is_not(length: int) -> None:
    """2 spines x 21 racks x 2 ToRs x 2 addresses are 168: a /24."""
    text = SMALL.replace("10.72.1.0/24", f"10.72.0.0/{length}")
    if length <= 24:
        assert parse_intent(text).spines == 2
    else:
        with pytest.raises(IntentErrors, match="a /24 holds them"):
            parse_intent(text)


@pytest.mark.parametrize("bits", range(3, 13))
def test_a_rack_is_full_when_its_network_is(bits: int) -> None:
    """The last address of a network is its broadcast address; server n has host number 3 + n."""
    room = 2**bits - 5
    text = SMALL.replace("10.69.0.0/20", f"10.0.0.0/10\n  network-bits: {bits}") + "limits: {racks: 2}\n"
    assert parse_intent(text.replace("0, servers: 3", f"0, servers: {room}")).racks[0].servers == room
    if room < 4096:
        with pytest.raises(IntentErrors, match=f"have room for {room}\n"):
            parse_intent(text.replace("0, servers: 3", f"0, servers: {room + 1}"))


def test_ipv6_racks_are_as_large_as_anybody_wants() -> None:
    text = (EXAMPLES / "ipv6-only.yaml").read_text(encoding="utf-8").replace("servers: 3", "servers: 4000")
    assert parse_intent(text).racks[1].servers == 4000


def test_model_server_needs_host_bits_even_without_ipv4() -> None:
    text = (EXAMPLES / "ipv6-only.yaml").read_text(encoding="utf-8").replace("servers: 3", "servers: 60")
    with pytest.raises(IntentErrors, match="60 servers do not fit"):
        parse_intent(f"{text}asn: {{model: server}}\n")
