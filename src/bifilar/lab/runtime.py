"""Edge module: the container runtime's part: it runs the plugin, as containerd or Podman would.

The plugin is run in the namespace of the device that the pod is on: that is the host.
"""

import json
import subprocess
from collections.abc import Mapping
from ipaddress import ip_interface
from typing import Any

from bifilar.errors import LabError
from bifilar.fabric.model import Address
from bifilar.kernel import namespaces
from bifilar.lab.places import MARK, Places
from bifilar.lab.records import Pod
from bifilar.pods.plugin import binary

INTERFACE = "eth0"
_NETWORK = "bifilar"
_SPEC = "1.1.0"


class PluginError(LabError):
    """The plugin refused."""


def add(places: Places, pod: Pod) -> tuple[Address, ...]:
    """Attach a pod; its addresses, IPv4 first.

    Raises:
        PluginError: the plugin refused.
    """
    result = _ask(places, pod.device, "ADD", _variables(pod))
    return tuple(ip_interface(found["address"]).ip for found in result["ips"])


def delete(places: Places, pod: Pod) -> None:
    """Detach a pod; nothing if it isn't attached.

    Raises:
        PluginError: the plugin refused.
    """
    _ask(places, pod.device, "DEL", _variables(pod))


def status(places: Places, device: str) -> None:
    """Ask whether pods can be attached on a device.

    Raises:
        PluginError: with the reason why not.
    """
    _ask(places, device, "STATUS", {})


def _variables(pod: Pod) -> dict[str, str]:
    words = {
        "IgnoreUnknown": "1",
        "K8S_POD_NAMESPACE": pod.namespace,
        "K8S_POD_NAME": pod.name,
        "K8S_POD_INFRA_CONTAINER_ID": pod.container,
    }
    return {
        "CNI_CONTAINERID": pod.container,
        "CNI_NETNS": str(pod.netns),
        "CNI_IFNAME": INTERFACE,
        "CNI_ARGS": ";".join(f"{name}={value}" for name, value in words.items()),
    }


def _ask(places: Places, device: str, verb: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """Run the plugin; what it answers, or nothing where there is nothing to say."""
    program = binary()
    network = {
        "cniVersion": _SPEC,
        "name": _NETWORK,
        "type": "bifilar",
        "socket": str(places.agent_socket(device)),
    }
    environment = {MARK: places.lab, "CNI_COMMAND": verb, "CNI_PATH": str(program.parent), **variables}

    def run() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [program],
            input=json.dumps(network).encode(),
            env=environment,
            capture_output=True,
            check=False,
        )

    ended = namespaces.run_in(places.namespace(device), run)
    answer: dict[str, Any] = json.loads(ended.stdout) if ended.stdout.strip() else {}
    if ended.returncode:
        said = ": ".join(filter(None, (answer.get("msg"), answer.get("details"))))
        raise PluginError(
            device,
            f"{verb}: {said or ended.stderr.decode(errors='replace').strip()}",
            f"see {places.agent_log(device)}",
        )
    return answer
