"""Whatever ends the making of a pod, nothing of it stays."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bifilar.fabric import Fabric
from bifilar.fabric.model import POD_TABLE
from bifilar.kernel import namespaces, routes
from bifilar.lab import Lab, agents
from bifilar.lab.places import places_of

pytestmark = pytest.mark.lab

Example = Callable[[str], tuple[Fabric, str]]
Traces = Callable[[str], dict[str, list[str]]]

CONVERGENCE_S = 120
MOMENTS = 12
SEED = 1116
PROGRAM = Path(sys.executable).with_name("bifilar")
ON = "rack0-server1"


def _start(lab: str, pod: str) -> subprocess.Popen[bytes]:
    command = [PROGRAM, "lab", "pod", "run", pod, "--on", ON, "--name", lab]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _kill_after(process: subprocess.Popen[bytes], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        pass
    process.kill()
    process.wait()


@pytest.fixture
def lab(example: Example, lab_name: str) -> Lab:
    """The article's fabric, converged; removed at the end."""
    made = Lab.up(*example("article"), lab_name)
    made.wait_converged(CONVERGENCE_S)
    return made


@pytest.fixture(scope="module")
def duration_s(example: Example) -> Iterator[float]:
    """How long an undisturbed run of the command takes, with an agent to start."""
    name = f"kl-{os.getpid()}-timed"
    try:
        Lab.up(*example("article"), name).wait_converged(CONVERGENCE_S)
        began = time.monotonic()
        assert _start(name, "timed").wait() == 0
        yield time.monotonic() - began
    finally:
        Lab.remove(name)


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_killed_at_a_random_moment_the_pod_or_the_lab_can_be_removed(
    moment: int, lab: Lab, duration_s: float, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    chosen = random.Random(SEED + moment)  # noqa: S311 - a moment, not a secret
    with _start(lab.name, "broken") as process:
        _kill_after(process, chosen.random() * duration_s)
    if moment % 2:
        for pod in lab.pods.all():
            lab.pods.remove(pod.name)
        assert f"bf-{lab.name}-pod-broken" not in namespaces.names()
        # The name is free, and the agent serves.
        pod = lab.pods.run("broken", ON)
        found = lab.run_in(ON, lambda: {str(route.prefix) for route in routes.dump(POD_TABLE, protocol=30)})
        hosts = {prefix for prefix in found if prefix.endswith("/32")}
        assert hosts == {f"{address}/32" for address in pod.addresses}
    Lab.remove(lab.name)
    assert traces(lab.name) == nothing


def test_a_lab_with_pods_goes_as_a_whole(
    lab: Lab, lab_name: str, other_name: str, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    lent = namespaces.create(f"{other_name}-lent")
    try:
        lab.pods.run("one", ON)
        lab.pods.run("two", "rack1-server1")
        lab.pods.run("three", "rack1-server1", netns=lent)
        removal = Lab.remove(lab_name)
        # A daemon each, two agents, two pods of our own.
        assert removal.processes == len(lab.fabric.devices) + 4
        assert removal.namespaces == len(lab.fabric.devices) + 2
        assert removal.others == ()
        assert traces(lab_name) == nothing
        assert lent.exists()
    finally:
        namespaces.delete(lent.name)


def test_a_lab_with_pods_goes_whatever_was_killed_before(
    lab: Lab, lab_name: str, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    one = lab.pods.run("one", ON)
    two = lab.pods.run("two", "rack1-server1")
    agent = agents.find(places_of(lab_name), ON)
    assert agent is not None
    for pid in (agent, *lab.pods.processes(one), *lab.pods.processes(two)):
        os.kill(pid, signal.SIGKILL)
    namespaces.delete(two.netns.name)
    Lab.remove(lab_name)
    assert traces(lab_name) == nothing


def test_a_lab_with_pods_whose_directory_somebody_removed_goes_too(
    lab: Lab, lab_name: str, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    lab.pods.run("one", ON)
    shutil.rmtree(f"/run/bifilar/{lab_name}")
    assert Lab.remove(lab_name).found
    assert traces(lab_name) == nothing
