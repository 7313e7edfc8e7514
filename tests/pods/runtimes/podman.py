"""Podman with its CNI backend, as Debian has it."""

import json
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from pods.runtimes import image
from pods.runtimes.host import Host
from pods.runtimes.runtime import Network

# Without CAP_SYS_RESOURCE nobody may raise a limit.
_CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
[network]
network_backend = "cni"
cni_plugin_dirs = ["{plugins}"]
network_config_dir = "{configurations}"
"""


class Podman:
    """Podman on one server; it has no daemon."""

    def __init__(self, host: Host, network: Network, archive: Path) -> None:
        self._host = host
        self._network = network
        directory = host.directory / "podman"
        directory.mkdir()
        configuration = directory / "containers.conf"
        configuration.write_text(_CONFIGURATION.format(**network._asdict()))
        self._environment = {"CONTAINERS_CONF": str(configuration)}
        self._options = (
            *("--root", str(directory / "storage"), "--storage-driver", "overlay"),
            # The host's own /run: Podman takes no longer path.
            *("--runroot", "/run/containers", "--tmpdir", "/run/libpod"),
        )
        self.call("load", "--quiet", "--input", str(archive))

    def call(self, *words: str) -> str:
        """Run one of its commands; what it says."""
        return self._host.run("podman", *self._options, *words, environment=self._environment)

    def run(self, name: str, ports: Mapping[int, int]) -> "PodmanPod":
        """Start a pod."""
        published = [f"--publish={outside}:{inside}" for outside, inside in ports.items()]
        options = [f"--network={self._network.name}", f"--cgroup-parent=/{self._host.cgroup}", "--pull=never"]
        self.call("run", "--detach", f"--name={name}", *options, *published, image.NAME, *image.WEB_SERVER)
        return PodmanPod(self, self._network, name)


class PodmanPod:
    """A container of Podman."""

    def __init__(self, podman: Podman, network: Network, name: str) -> None:
        self._podman = podman
        self._name = name
        (seen,) = json.loads(podman.call("inspect", name))
        known = seen["NetworkSettings"]["Networks"][network.name]
        self.addresses = tuple(
            ip_address(known[key]) for key in ("IPAddress", "GlobalIPv6Address") if known[key]
        )

    def execute(self, *command: str) -> str:
        """Run a command inside it."""
        return self._podman.call("exec", self._name, *command)

    def end(self) -> None:
        """Stop and remove it."""
        self._podman.call("rm", "--force", "--time=0", self._name)
