import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bifilar.errors import LabError
from bifilar.fabric import Fabric
from bifilar.kernel import namespaces
from bifilar.lab import Lab

pytestmark = pytest.mark.lab

Example = Callable[[str], tuple[Fabric, str]]
Traces = Callable[[str], dict[str, list[str]]]
CONVERGENCE_S = 120
ARTICLE = Path(__file__).parents[2] / "examples" / "article.yaml"
MOMENTS = 10
SEED = 20221

UP = """
import sys
from pathlib import Path
from bifilar.fabric import design
from bifilar.intent import load_intent
from bifilar.lab import Lab

file = Path(sys.argv[1])
fabric = design(load_intent(file))

def step(name, done, total):
    print(name, done, flush=True)

print("begin 0", flush=True)
lab = Lab.up(fabric, file.read_text(), sys.argv[2], progress=step)
print("built 0", flush=True)
lab.wait_converged(120, step)
"""
"""Says each part of each step on a line of its own, so that it can be killed at any of them."""


def start_up(name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", UP, str(ARTICLE), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def read_lines(process: subprocess.Popen[str], count: int) -> None:
    assert process.stdout is not None
    for _ in range(count):
        assert process.stdout.readline()


@pytest.fixture(scope="module")
def lines_of_up(nothing: dict[str, list[str]], traces: Traces) -> int:
    """How many lines an undisturbed build says until it has converged."""
    name = f"kl-{os.getpid()}-lines"
    try:
        with start_up(name) as process:
            assert process.stdout is not None
            said = process.stdout.read().splitlines()
        assert process.returncode == 0
        return said.index("built 0") + 1
    finally:
        Lab.remove(name)
        assert traces(name) == nothing


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_killed_at_a_random_moment_nothing_is_left_after_down(
    moment: int, lines_of_up: int, lab_name: str, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    chosen = random.Random(SEED + moment)  # noqa: S311 - a moment, not a secret
    with start_up(lab_name) as process:
        read_lines(process, chosen.randrange(1, lines_of_up))
        # Somewhere between this line and the next ones, too.
        deadline = time.monotonic() + chosen.random() * 0.02
        while time.monotonic() < deadline:
            pass
        process.kill()
    Lab.remove(lab_name)
    assert traces(lab_name) == nothing
    assert lab_name not in Lab.names()
    assert not Lab.remove(lab_name).found


def test_interrupted_it_removes_what_it_made_by_itself(
    lines_of_up: int, lab_name: str, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    with start_up(lab_name) as process:
        read_lines(process, lines_of_up * 3 // 4)
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        said = process.stdout.read()
    assert "built 0" not in said
    assert process.returncode != 0
    assert traces(lab_name) == nothing


def test_a_lab_that_is_being_built_is_left_alone(lab_name: str) -> None:
    with start_up(lab_name) as process:
        try:
            read_lines(process, 5)
            process.send_signal(signal.SIGSTOP)
            with pytest.raises(LabError, match="another command is at work on this lab"):
                Lab.remove(lab_name)
            with pytest.raises(LabError, match="not built to the end"):
                Lab.open(lab_name)
        finally:
            process.kill()


def test_nothing_happens_where_there_is_no_lab(traces: Traces, nothing: dict[str, list[str]]) -> None:
    removal = Lab.remove("kl-nowhere")
    assert (removal.found, removal.processes, removal.namespaces) == (False, 0, 0)
    assert traces("kl-nowhere") == nothing


def test_two_labs_run_side_by_side_and_one_goes_without_the_other(
    example: Example, lab_name: str, other_name: str, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    labs = [Lab.up(*example("article"), name) for name in (lab_name, other_name)]
    for lab in labs:
        lab.wait_converged(CONVERGENCE_S)
    Lab.remove(lab_name)
    assert traces(lab_name) == nothing
    assert labs[1].status().good


def test_namespaces_with_similar_names_stay(example: Example, lab_name: str) -> None:
    similar = [f"bf-{lab_name}-foreign", f"bf-{lab_name}x-spine1", f"bf-{lab_name}-spine1x"]
    for name in similar:
        namespaces.create(name)
    try:
        Lab.up(*example("article"), lab_name)
        Lab.remove(lab_name)
        assert set(similar) <= namespaces.names()
    finally:
        for name in similar:
            namespaces.delete(name)


def test_a_process_that_somebody_moved_into_the_lab_stays_and_is_named(
    example: Example, lab_name: str
) -> None:
    lab = Lab.up(*example("article"), lab_name)
    foreign = lab.run_in("spine1", lambda: subprocess.Popen(["sleep", "600"]))
    try:
        assert lab.status().others == (foreign.pid,)
        assert Lab.remove(lab_name).others == (foreign.pid,)
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def test_what_was_started_inside_the_lab_ends_with_it(example: Example, lab_name: str) -> None:
    """A command in the background outlives the one that started it, and is still the lab's."""
    lab = Lab.up(*example("article"), lab_name)
    assert lab.execute("spine1", ["sh", "-c", "sleep 600 </dev/null >/dev/null 2>&1 &"]) == 0
    removal = Lab.remove(lab_name)
    assert removal.processes == len(lab.fabric.devices) + 1
    assert removal.others == ()


def test_a_lab_whose_daemons_and_namespaces_others_removed_goes_too(
    example: Example, lab_name: str, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    lab = Lab.up(*example("article"), lab_name)
    for device in lab.status().devices[:3]:
        assert device.pid is not None
        os.kill(device.pid, signal.SIGKILL)
        namespaces.delete(lab.namespace(device.name).name)
    Lab.remove(lab_name)
    assert traces(lab_name) == nothing


def test_a_running_lab_whose_directory_somebody_removed_goes_too(
    example: Example, lab_name: str, traces: Traces, nothing: dict[str, list[str]]
) -> None:
    lab = Lab.up(*example("article"), lab_name)
    shutil.rmtree(lab.bird_config("spine1").parents[2])
    assert lab_name not in Lab.names()
    removal = Lab.remove(lab_name)
    assert removal.found
    assert removal.processes == removal.namespaces == len(lab.fabric.devices)
    assert traces(lab_name) == nothing
