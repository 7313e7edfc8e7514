"""Edge module: a lab that is there."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self, TypeVar

from bifilar.errors import InputError, LabError
from bifilar.fabric import design
from bifilar.fabric.model import Device, Fabric
from bifilar.intent import parse_intent
from bifilar.kernel import namespaces
from bifilar.lab import auditing, building, commands, convergence, explaining, removal, status
from bifilar.lab.explaining import PodExplanation
from bifilar.lab.locks import holding_lab
from bifilar.lab.places import MARK, Places, list_labs, places_of
from bifilar.lab.pods import Pods
from bifilar.lab.progress import Progress, silent
from bifilar.lab.removal import Removal
from bifilar.lab.state import State, load, update
from bifilar.pods.audit import PATIENCE_S, Report

Result = TypeVar("Result")


class Lab:
    """A fabric on this machine. :meth:`up` builds one, :meth:`open` finds one."""

    def __init__(self, places: Places, fabric: Fabric, state: State, started: float | None = None) -> None:
        """Use :meth:`up` or :meth:`open` instead."""
        self._places = places
        self._state = state
        self._started = started
        self.fabric = fabric
        """What it was built from."""

    @classmethod
    def open(cls, name: str | None = None) -> Self:
        """The lab of this name; without one, the only lab of this machine.

        Raises:
            LabError: there is none, or it was never built to the end.
            InputError: no name was given, and there are several.
        """
        places = places_of(_only_lab() if name is None else name)
        state = load(places)
        if state is None:
            there = ", ".join(list_labs()) or "none"
            raise LabError(
                places.lab, "there is no such lab", f"there are: {there}. To build one: bifilar lab up"
            )
        if state.build_s is None:
            raise LabError(
                places.lab, "was not built to the end", f"remove it: bifilar lab down --name {places.lab}"
            )
        text = places.intent.read_text()
        return cls(places, design(parse_intent(text, str(places.intent))), state)

    @classmethod
    def up(
        cls,
        fabric: Fabric,
        intent_text: str,
        name: str | None = None,
        overrides: Mapping[str, str] | None = None,
        progress: Progress = silent,
    ) -> Self:
        """Build a fabric on this machine and start its daemons; sessions come up afterwards.

        Args:
            fabric: what to build.
            intent_text: what it was designed from; kept with the lab.
            name: of the lab; the fabric's unless told.
            overrides: templates of the operator's, by name.
            progress: is told how far it is.

        Raises:
            LabError: there is a lab of this name, or something else has the name of one of its namespaces.
            MachineError: the machine lacks something, or refuses.
            InputError: the name can't be one, or a template is wrong.

        Whatever goes wrong, also Ctrl-C: nothing is left of it then.
        """
        places = places_of(fabric.name if name is None else name)
        with holding_lab(places):
            building.check_free(places, fabric)
            try:
                state, started = building.build(places, fabric, intent_text, dict(overrides or {}), progress)
            except BaseException:
                removal.remove(places, silent)
                raise
        return cls(places, fabric, state, started)

    @staticmethod
    def names() -> tuple[str, ...]:
        """The labs of this machine, also half-built ones."""
        return list_labs()

    @staticmethod
    def remove(name: str, progress: Progress = silent) -> Removal:
        """Remove a lab: also a half-built one, or one whose daemons somebody killed; nothing if there is none.

        Raises:
            LabError: another command is at work on it, or a process doesn't end.
            MachineError: the kernel refuses.
        """
        places = places_of(name)
        with holding_lab(places):
            return removal.remove(places, progress)

    @property
    def name(self) -> str:
        """Its name."""
        return self._places.lab

    @property
    def intent_text(self) -> str:
        """The intent that it was built from."""
        return self._places.intent.read_text()

    @property
    def templates(self) -> Mapping[str, str]:
        """The operator's templates that it was rendered with, by name."""
        return self._state.templates

    @property
    def pods(self) -> Pods:
        """Its pods."""
        return Pods(self._places, self.fabric)

    def device(self, name: str) -> Device:
        """One of its devices.

        Raises:
            LabError: there is none of this name.
        """
        try:
            return self.fabric.device(name)
        except KeyError:
            raise LabError(
                name, f"lab {self.name} has no such device", "see 'bifilar lab status' for the names"
            ) from None

    def namespace(self, device: str) -> Path:
        """The file that names a device's namespace, to be opened."""
        return self._places.namespace(self.device(device).name)

    def bird_socket(self, device: str) -> Path:
        """The control socket of a device's BIRD."""
        return self._places.bird_socket(self.device(device).name)

    def bird_config(self, device: str) -> Path:
        """The configuration of a device's BIRD: changed here, it counts after a reload."""
        return self._places.bird_config(self.device(device).name)

    def log(self, device: str) -> str:
        """What a device's daemon has said so far."""
        return self._places.log(self.device(device).name).read_text(errors="replace")

    def run_in(self, device: str, function: Callable[[], Result]) -> Result:
        """Call a function in a thread inside a device's namespace; sockets that it opens stay there."""
        return namespaces.run_in(self.namespace(device), function)

    def execute(self, device: str, command: Sequence[str]) -> int:
        """Run a command inside a device's namespace, with our own input and output; its exit status.

        Raises:
            LabError: there is no such program.
        """
        environment = {
            MARK: self.name,
            "BIFILAR_DEVICE": device,
            "BIRD": str(self.bird_socket(device)),  # birdc -s "$BIRD" talks to the daemon
        }
        return commands.run(self.namespace(device), command, environment)

    def shell(self, device: str) -> int:
        """An interactive shell inside a device's namespace; its exit status."""
        return self.execute(device, [os.environ.get("SHELL") or "/bin/sh"])

    def wait_converged(self, deadline_s: float, progress: Progress = silent) -> float:
        """Wait until every session is Established and every kernel has every route.

        Returns:
            Seconds since the first daemon was started; since the call, if another process did that.

        Raises:
            LabError: with what is missing, when ``deadline_s`` seconds have passed or a daemon has died.
        """
        began = time.monotonic() if self._started is None else self._started
        convergence.wait(self._places, self.fabric, deadline_s, progress)
        seconds = round(time.monotonic() - began, 3)
        if self._started is not None:
            self._remember(seconds)
        return seconds

    def _remember(self, converged_s: float) -> None:
        """Write down how long convergence took, once: a later wait is no measurement."""
        self._started = None
        with holding_lab(self._places, wait=True):
            update(self._places, converged_s=converged_s)
        self._state = replace(self._state, converged_s=converged_s)

    def audit(self, *, mend: bool = False, patience_s: float = PATIENCE_S) -> Report:
        """Hold its pod network's store, kernels and daemons against each other, and mend them if that is wanted.

        Args:
            mend: make the repairs.
            patience_s: only what is still so after this many seconds is a finding.
        """
        return auditing.audit(self._places, self.fabric, mend=mend, patience_s=patience_s)

    def explain_pool(self, namespace: str, pod: str | None = None) -> PodExplanation:
        """Where the addresses of a namespace's pods come from, and what one of them has."""
        return explaining.explain_pool(self._places, namespace, pod)

    def status(self) -> status.LabStatus:
        """What of it works, and what it costs."""
        return status.observe(self._places, self.fabric, self._state)


def _only_lab() -> str:
    labs = list_labs()
    if not labs:
        raise LabError("lab", "there is no lab on this machine", "build one: bifilar lab up INTENT")
    if len(labs) > 1:
        raise InputError("lab", f"there are several: {', '.join(labs)}", "choose one: --name")
    return labs[0]
