"""Pure module: the network configuration list from which a runtime learns of the plugin."""

import json
from collections.abc import Sequence
from pathlib import Path

from bifilar.pods.cni import names
from bifilar.pods.cni.versions import Version

PLUGIN = "bifilar"
"""The plugin's type, and so the name of its file."""

_CHAINED: dict[str, dict[str, object]] = {
    "bandwidth": {"capabilities": {"bandwidth": True}},
    "portmap": {"capabilities": {"portMappings": True}, "snat": True},
    "tuning": {},
}
"""The CNI project's own plugins that work behind ours, and what each has to be told."""
CHAINABLE = tuple(_CHAINED)


def network_list(network: str, version: Version, socket: Path, chain: Sequence[str] = ()) -> str:
    """A network of our plugin and others behind it.

    Args:
        network: its name, which the agent has to be told too.
        version: of the specification that the runtime is to speak; every plugin has to know it.
        socket: where the agent answers.
        chain: of :data:`CHAINABLE`, in order.

    Raises:
        ValueError: a network may not have this name, or a plugin is not of those.
    """
    if not names.is_word(network):
        raise ValueError(f"{network!r} is not of letters, digits, dots, dashes and underscores")
    for plugin in chain:
        if plugin not in _CHAINED:
            raise ValueError(f"{plugin!r} is none of {', '.join(CHAINABLE)}")
    document = {
        "cniVersion": version.text,
        "name": network,
        "plugins": [
            {"type": PLUGIN, "socket": str(socket)},
            *({"type": plugin, **_CHAINED[plugin]} for plugin in chain),
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def is_ours(text: str) -> bool:
    """Whether a list begins with our plugin."""
    try:
        document = json.loads(text)
    except ValueError:
        return False
    plugins = document.get("plugins") if isinstance(document, dict) else None
    first = plugins[0] if isinstance(plugins, list) and plugins else None
    return isinstance(first, dict) and first.get("type") == PLUGIN
