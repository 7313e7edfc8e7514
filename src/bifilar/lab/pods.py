"""Edge module: the pods of a lab.

Making one is a container runtime's work in small: a network namespace, the plugin that attaches it, a process. A pod
is written down before anything of it is made, so that :meth:`Pods.remove`, or the removal of the lab, finds all of it
whenever its making was broken off.
"""

import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bifilar.errors import BifilarError, InputError, LabError
from bifilar.fabric.model import Device, DeviceName, Fabric, Role
from bifilar.kernel import namespaces
from bifilar.kernel.links import configure
from bifilar.lab import agents, commands, daemons, images, records, runtime, state, supply
from bifilar.lab.locks import holding_lab
from bifilar.lab.places import DAEMON_MARK, MARK, Places, pod_seat
from bifilar.lab.records import Pod

Result = TypeVar("Result")

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME_HINT = "at most 63 lower-case letters, digits and hyphens, as Kubernetes has them"
_PAUSE = ("sleep", "infinity")
"""What runs in a pod without an image: it keeps the namespace in use, as a runtime's pause container does."""
_CONTAINER_BYTES = 32
"""As long as the identifiers of containerd and Podman."""


class Pods:
    """The pods of one lab. Commands that change them wait for each other."""

    def __init__(self, places: Places, fabric: Fabric) -> None:
        self._places = places
        self._fabric = fabric

    def all(self) -> tuple[Pod, ...]:
        """Every pod by name, also one whose making was broken off: it has no addresses."""
        return tuple(records.load_all(self._places))

    def named(self, name: str) -> Pod:
        """One pod.

        Raises:
            LabError: there is none of this name.
        """
        pod = records.load(self._places, name) if _NAME.fullmatch(name) else None
        if pod is None:
            raise LabError(
                name, f"lab {self._places.lab} has no such pod", "see 'bifilar lab pod ls' for the names"
            )
        return pod

    def run(
        self,
        name: str,
        device: str,
        *,
        namespace: str = "default",
        pool: str | None = None,
        netns: Path | None = None,
        image: Path | None = None,
        command: Sequence[str] = (),
    ) -> Pod:
        """Make a pod and attach it to the network; the device's agent is started with its first pod.

        Args:
            name: unique in the lab.
            device: the server that it is to be on.
            namespace: the Kubernetes namespace that it would be in.
            pool: the pool that the namespace takes its addresses from, from now on.
            netns: the file of a network namespace that is there already; nothing is started in it.
            image: a directory, or a tar file of one, that ``command`` has as its root.
            command: runs in the pod; only with an image.

        Raises:
            InputError: a name can't be one, or the image is none.
            LabError: the pod is there, the device can't have pods, or the plugin refused.
            MachineError: the kernel refused.

        Whatever goes wrong, nothing is left of the pod; the agent goes on running.
        """
        for label in (name, namespace):
            if not _NAME.fullmatch(label):
                raise InputError(label or "pod", "no name of a pod or namespace", _NAME_HINT)
        server = self._server(device)
        with holding_lab(self._places, wait=True):
            self._check_free(name, netns)
            supply.prepare(self._places, self._fabric, namespace, pool)
            agents.ensure(self._places, self._fabric, server)
            pod = Pod(
                name=name,
                namespace=namespace,
                device=device,
                container=secrets.token_hex(_CONTAINER_BYTES),
                netns=netns or self._places.namespace(pod_seat(name)),
                lent=netns is not None,
            )
            records.save(self._places, pod)
            try:
                return self._make(pod, image, command)
            except BaseException:
                # The first error is the one to tell. What can't be undone now stays written down.
                with suppress(BifilarError):
                    self._unmake(pod)
                raise

    def remove(self, name: str) -> None:
        """Detach a pod, and end it.

        Raises:
            LabError: there is none of this name, the plugin refused, or a process doesn't end.
        """
        with holding_lab(self._places, wait=True):
            pod = self.named(name)
            agents.ensure(self._places, self._fabric, self._server(pod.device))
            self._unmake(pod)

    def execute(self, name: str, command: Sequence[str]) -> int:
        """Run a command inside a pod, with our own input and output; its exit status.

        Raises:
            LabError: there is no such pod or program, or the command of the pod's image has ended.
        """
        pod = self.named(name)
        words = command if pod.image is None else images.beside(name, self.processes(pod), command)
        return commands.run(pod.netns, words, {MARK: self._places.lab, "BIFILAR_POD": name})

    def run_in(self, name: str, function: Callable[[], Result]) -> Result:
        """Call a function in a thread inside a pod's namespace; sockets that it opens stay there.

        Raises:
            LabError: there is no such pod.
        """
        return namespaces.run_in(self.named(name).netns, function)

    def processes(self, pod: Pod) -> tuple[int, ...]:
        """Numbers of the processes that were started as the pod's own."""
        if pod.lent:
            return ()
        ours, _ = daemons.find(self._places.lab, daemons.inodes_of(self._places, [pod_seat(pod.name)]))
        return tuple(process.pid for process in ours if process.is_daemon)

    def _server(self, name: str) -> Device:
        device = self._fabric.by_name.get(DeviceName(name))
        servers = [server.name for server in self._fabric.devices if server.role is Role.SERVER]
        if device is None or device.role is not Role.SERVER:
            what = "there is no such device" if device is None else f"a {device.role} has no pods"
            raise LabError(name, what, f"choose a server: {', '.join(servers[:8])}")
        return device

    def _check_free(self, name: str, netns: Path | None) -> None:
        """Make sure that the lab is still there, and that nothing has the name of the pod or its namespace."""
        if state.load(self._places) is None:
            raise LabError(self._places.lab, "was removed meanwhile", "build it again: bifilar lab up")
        if records.load(self._places, name) is not None:
            raise LabError(name, "there is a pod of this name", f"remove it: bifilar lab pod rm {name}")
        own = self._places.namespace_name(pod_seat(name))
        if netns is None and own in namespaces.names():
            raise LabError(
                name, f"there is a namespace {own}, and no pod of this name", f"ip netns delete {own}"
            )
        if netns is not None and not netns.exists():
            raise LabError(name, f"there is no namespace {netns}", "ip netns list shows those that are there")

    def _make(self, pod: Pod, image: Path | None, command: Sequence[str]) -> Pod:
        if image is not None:
            pod = replace(pod, image=images.prepare(self._places, pod.name, image))
        if not pod.lent:
            # Loopback is the runtime's part.
            configure(namespaces.create(pod.netns.name), lambda links: links.set_up("lo"))
        pod = replace(pod, addresses=runtime.add(self._places, pod))
        records.save(self._places, pod)
        if not pod.lent:
            self._start(pod, _PAUSE if pod.image is None else images.inside(pod.image, command))
        return pod

    def _start(self, pod: Pod, command: Sequence[str]) -> None:
        marks = {MARK: self._places.lab, DAEMON_MARK: pod_seat(pod.name), "BIFILAR_POD": pod.name}
        log = self._places.pod_log(pod.name)
        with namespaces.Traveller() as traveller:
            traveller.run(daemons.leave_working_directory)
            traveller.run_in(pod.netns, lambda: daemons.spawn(command, marks, log, hint="install util-linux"))

    def _unmake(self, pod: Pod) -> None:
        """Undo as much of a pod as there is. The agent runs."""
        if not pod.lent:
            self._end_processes(pod)
        runtime.delete(self._places, pod)
        if not pod.lent:
            namespaces.delete(pod.netns.name)
        records.forget(self._places, pod)

    def _end_processes(self, pod: Pod) -> None:
        """End all that was started in a pod, until nothing more turns up."""
        inodes = daemons.inodes_of(self._places, [pod_seat(pod.name)])
        while True:
            ours, _ = daemons.find(self._places.lab, inodes)
            if not ours:
                return
            daemons.end([process.pid for process in ours])
