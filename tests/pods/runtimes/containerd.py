"""containerd, as Debian has it, asked as a kubelet does: a sandbox and a container in it over the CRI."""

import base64
import json
import time
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from pods.runtimes import image, programs
from pods.runtimes.host import Host
from pods.runtimes.runtime import Network

# Runs where nobody may lower a process's readiness to be killed, raise a limit, or use AppArmor.
_CONFIGURATION = """\
version = 2
root = "{directory}/root"
state = "{directory}/state"
oom_score = 0
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
address = "{directory}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{image}"
restrict_oom_score_adj = true
disable_apparmor = true
disable_hugetlb_controller = true
tolerate_missing_hugetlb_controller = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{configurations}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
"""
_START_S = 60
_POLL_S = 0.1


class Containerd:
    """containerd on one server."""

    def __init__(self, host: Host, network: Network, archive: Path) -> None:
        self._host = host
        directory = host.directory / "containerd"
        directory.mkdir()
        self._socket = directory / "containerd.sock"
        configuration = directory / "config.toml"
        configuration.write_text(
            _CONFIGURATION.format(
                directory=directory,
                image=image.NAME,
                plugins=network.plugins,
                configurations=network.configurations,
            )
        )
        host.start("containerd", "--config", configuration)
        self._wait_ready()
        client = ("ctr", "--address", self._socket, "--namespace", "k8s.io")
        host.run(*client, "images", "import", "--no-unpack", archive)

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                status = self.call("Status", {})["status"]
            except AssertionError as error:
                last: object = error
            else:
                last = status["conditions"]
                if all(condition.get("status") for condition in status["conditions"]):
                    return
            assert time.monotonic() < deadline, f"containerd isn't ready: {last}"
            time.sleep(_POLL_S)

    def call(self, method: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Call a method of the CRI; its answer."""
        said = self._host.run(programs.cri(), self._socket, method, given=json.dumps(request))
        answer: dict[str, Any] = json.loads(said)
        return answer

    def run(self, name: str, ports: Mapping[int, int]) -> "ContainerdPod":
        """Start a pod."""
        return ContainerdPod(self, self._host, name, ports)


class ContainerdPod:
    """A sandbox with one container."""

    def __init__(self, containerd: Containerd, host: Host, name: str, ports: Mapping[int, int]) -> None:
        self._containerd = containerd
        sandbox = {
            "metadata": {"name": name, "namespace": "default", "uid": name},
            "hostname": name,
            "log_directory": str(host.directory),
            "port_mappings": [
                {"protocol": "TCP", "host_port": outside, "container_port": inside}
                for outside, inside in ports.items()
            ],
            "linux": {"cgroup_parent": f"/{host.cgroup}"},
        }
        self._sandbox = containerd.call("RunPodSandbox", {"config": sandbox})["podSandboxId"]
        container = {
            "metadata": {"name": "web"},
            "image": {"image": image.NAME},
            "command": list(image.WEB_SERVER),
            "log_path": f"{name}.log",
            "linux": {},
        }
        request = {"pod_sandbox_id": self._sandbox, "config": container, "sandbox_config": sandbox}
        self._container = containerd.call("CreateContainer", request)["containerId"]
        containerd.call("StartContainer", {"container_id": self._container})
        network = containerd.call("PodSandboxStatus", {"pod_sandbox_id": self._sandbox})["status"]["network"]
        others = [other["ip"] for other in network.get("additionalIps", [])]
        self.addresses = tuple(ip_address(address) for address in (network["ip"], *others))

    def execute(self, *command: str) -> str:
        """Run a command inside it."""
        answer = self._containerd.call("ExecSync", {"container_id": self._container, "cmd": list(command)})
        said, wrong = (base64.b64decode(answer.get(stream, "")).decode() for stream in ("stdout", "stderr"))
        assert not answer.get("exitCode"), f"{' '.join(command)}: {said}{wrong}"
        return said

    def end(self) -> None:
        """Stop and remove it."""
        self._containerd.call("StopPodSandbox", {"pod_sandbox_id": self._sandbox})
        self._containerd.call("RemovePodSandbox", {"pod_sandbox_id": self._sandbox})
