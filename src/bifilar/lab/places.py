"""Edge module: where the things of a lab lie, and what they are called."""

import re
from dataclasses import dataclass
from pathlib import Path

from bifilar.errors import InputError
from bifilar.kernel import namespaces

RUN = Path("/run/bifilar")
"""Gone after a reboot, as are namespaces and processes."""
_NAME = re.compile(r"[a-z](?:[a-z0-9-]{0,29}[a-z0-9])?")
"""As the name of a fabric; short enough for paths of Unix sockets, which have 107 bytes at most."""
_NAME_HINT = "at most 31 lower-case letters, digits and hyphens, with a letter first"
MARK = "BIFILAR_LAB"
"""Environment variable of everything that a lab starts; its value is the lab's name."""
DAEMON_MARK = "BIFILAR_DAEMON"
"""Environment variable of routing daemons and of pods' processes; its value is whose it is."""
AGENT_MARK = "BIFILAR_AGENT"
"""Environment variable of the pod network's agents; its value is the device's name."""


@dataclass(frozen=True, slots=True)
class Places:
    """The paths and names of one lab."""

    lab: str

    @property
    def directory(self) -> Path:
        """Everything that a lab has on disk."""
        return RUN / self.lab

    @property
    def state(self) -> Path:
        """What is known of the lab; see :class:`bifilar.lab.state.State`."""
        return self.directory / "state.json"

    @property
    def intent(self) -> Path:
        """The text of the intent that it was built from."""
        return self.directory / "intent.yaml"

    @property
    def lock(self) -> Path:
        """Held by whoever changes the lab. Not in its directory, which comes and goes."""
        return RUN / ".locks" / self.lab

    def device(self, name: str) -> Path:
        """What belongs to one device."""
        return self.directory / "devices" / name

    def bird_config(self, name: str) -> Path:
        """What a device's BIRD reads: of its rendered files the one that a lab needs on disk."""
        return self.device(name) / "bird.conf"

    def bird_socket(self, name: str) -> Path:
        """The control socket of a device's BIRD."""
        return self.device(name) / "bird.ctl"

    def log(self, name: str) -> Path:
        """What a device's daemon said."""
        return self.device(name) / "bird.log"

    def agent_socket(self, name: str) -> Path:
        """Where a device's agent serves the plugin."""
        return self.device(name) / "cni.sock"

    def agent_log(self, name: str) -> Path:
        """What a device's agent said."""
        return self.device(name) / "agent.log"

    @property
    def pod_store(self) -> Path:
        """Pools and blocks of the pod network."""
        return self.directory / "pods.sqlite"

    @property
    def pods(self) -> Path:
        """A directory for each pod, by its name."""
        return self.directory / "pods"

    def pod(self, name: str) -> Path:
        """What belongs to one pod."""
        return self.pods / name

    def pod_record(self, name: str) -> Path:
        """What is known of a pod; see :class:`bifilar.lab.records.Pod`."""
        return self.pod(name) / "pod.json"

    def pod_log(self, name: str) -> Path:
        """What a pod's command said."""
        return self.pod(name) / "log"

    def pod_root(self, name: str) -> Path:
        """Where the image of a pod is unpacked."""
        return self.pod(name) / "root"

    def namespace_name(self, name: str) -> str:
        """What ``ip netns`` calls the namespace of a device, or of what :func:`pod_seat` names."""
        return f"bf-{self.lab}-{name}"

    def namespace(self, name: str) -> Path:
        """A device's namespace, or a pod's, to be opened."""
        return namespaces.path_of(self.namespace_name(name))


def pod_seat(pod: str) -> str:
    """What a pod's namespace is called among those of a lab's devices; no device is called so."""
    return f"pod-{pod}"


def places_of(lab: str) -> Places:
    """The places of a lab.

    Raises:
        InputError: the name can't be one: it becomes part of paths and of names of namespaces.
    """
    if not _NAME.fullmatch(lab):
        raise InputError(lab or "lab name", "no name of a lab", _NAME_HINT)
    return Places(lab)


def list_labs() -> tuple[str, ...]:
    """Names of the labs on this machine, also half-built ones."""
    try:
        return tuple(sorted(entry.name for entry in RUN.iterdir() if not entry.name.startswith(".")))
    except FileNotFoundError:
        return ()
