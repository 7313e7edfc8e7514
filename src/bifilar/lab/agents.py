"""Edge module: the agents of the pod network on a lab's devices. One starts with the first pod of its device."""

import socket
import sysconfig
import time
from pathlib import Path

from bifilar.errors import LabError
from bifilar.fabric.model import Device, Fabric
from bifilar.kernel import namespaces
from bifilar.lab import daemons, runtime
from bifilar.lab.places import AGENT_MARK, MARK, Places

_COOL_DOWN_S = 5
"""In a lab the next pod may have an address soon; late enough that what was sent to the last one has arrived."""
_METRICS = "127.0.0.1:9384"
"""Inside the device, where ``bifilar lab exec DEVICE`` reaches it; the port is Coil's."""
_START_S = 30.0
_POLL_S = 0.02
_LOG_LINES = 3


def ensure(places: Places, fabric: Fabric, device: Device) -> None:
    """Start the agent of a device unless it runs, and wait until it is ready. The caller holds the lab's lock.

    What keeps one from being ready that has been there for long, the next request will hear from it.

    Raises:
        LabError: it died, or doesn't serve in time.
    """
    child = None
    deadline = time.monotonic() + _START_S
    while True:
        if child is None and find(places, device.name) is None:
            child = _start(places, fabric, device)
        try:
            runtime.status(places, device.name)
        except runtime.PluginError as error:
            refusal = error
        else:
            return
        if child is None and _listens(places.agent_socket(device.name)):
            return
        # Just after its start the kernel doesn't yet show its environment, by which others are found.
        if child is not None and daemons.has_ended(child):
            log = places.agent_log(device.name)
            raise LabError(device.name, f"the agent has died: {_last_words(log)}", f"see {log}") from refusal
        if time.monotonic() > deadline:
            raise refusal
        time.sleep(_POLL_S)


def find(places: Places, device: str) -> int | None:
    """The process number of a device's agent; ``None`` if none runs."""
    ours, _ = daemons.find(places.lab, daemons.inodes_of(places, [device]))
    return next((process.pid for process in ours if process.is_agent), None)


def _start(places: Places, fabric: Fabric, device: Device) -> int:
    command = _command(places, fabric, device)
    marks = {MARK: places.lab, AGENT_MARK: device.name}
    log = places.agent_log(device.name)
    with namespaces.Traveller() as traveller:
        traveller.run(daemons.leave_working_directory)
        return traveller.run_in(
            places.namespace(device.name),
            lambda: daemons.spawn(command, marks, log, hint="install bifilar again"),
        )


def _listens(path: Path) -> bool:
    """Whether an agent has a socket there: one that was killed leaves its file."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _command(places: Places, fabric: Fabric, device: Device) -> list[str]:
    options = {
        "node": device.name,
        "store": f"sqlite:{places.pod_store}",
        "socket": places.agent_socket(device.name),
        "management": ",".join(map(str, device.management)),
        "mtu": fabric.mtu,
        "bird-socket": places.bird_socket(device.name),
        "cool-down": _COOL_DOWN_S,
        "settle": settle_s(fabric),
        "metrics": _METRICS,
    }
    program = Path(sysconfig.get_path("scripts")) / "bifilar"
    # A pod is there when others reach it.
    return [
        str(program),
        "agent",
        "--announce",
        *(str(word) for name, value in options.items() for word in (f"--{name}", value)),
    ]


def settle_s(fabric: Fabric) -> int:
    """How long a withdrawn block stays with its server, in seconds.

    A router whose daemon hangs goes on forwarding by what it last heard, until its neighbours' hold time is over.
    """
    return max(device.bgp.hold_s for device in fabric.devices)


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
    return " / ".join(lines) or "without a word"
