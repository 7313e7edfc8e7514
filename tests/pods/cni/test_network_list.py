"""The list from which a runtime learns of the plugin."""

import json
from pathlib import Path

import pytest

from bifilar.pods.cni import Version
from bifilar.pods.cni.network_list import CHAINABLE, is_ours, network_list

SOCKET = Path("/run/bifilar/cni.sock")


def test_our_plugin_comes_first_and_is_told_where_the_agent_is() -> None:
    document = json.loads(network_list("pods", Version.V1_1_0, SOCKET, CHAINABLE))
    assert (document["cniVersion"], document["name"]) == ("1.1.0", "pods")
    assert [plugin["type"] for plugin in document["plugins"]] == ["bifilar", *CHAINABLE]
    assert document["plugins"][0]["socket"] == "/run/bifilar/cni.sock"


def test_chained_plugins_ask_the_runtime_for_what_they_need() -> None:
    """Without its capability a runtime tells portmap of no port, and bandwidth of no limit."""
    document = json.loads(network_list("pods", Version.V1_0_0, SOCKET, ("portmap", "bandwidth")))
    assert [plugin.get("capabilities") for plugin in document["plugins"][1:]] == [
        {"portMappings": True},
        {"bandwidth": True},
    ]


@pytest.mark.parametrize(("name", "chain"), [("a b", ()), ("", ()), ("net", ("flannel",))])
def test_what_no_runtime_could_use_is_refused(name: str, chain: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="is"):
        network_list(name, Version.V1_0_0, SOCKET, chain)


def test_ours_is_known_again() -> None:
    assert is_ours(network_list("net", Version.V1_0_0, SOCKET))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"plugins":[]}',
        '{"plugins":["bifilar"]}',
        '{"type":"bifilar"}',
        '{"plugins":[{"type":"ptp"},{"type":"bifilar"}]}',
    ],
)
def test_others_are_not_ours(text: str) -> None:
    assert not is_ours(text)
