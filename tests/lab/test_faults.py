"""A silent device, and that it is whole again afterwards; convergence beside what comes and goes."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from bifilar.errors import LabError, MachineError
from bifilar.lab import Lab
from bifilar.lab.faults import silenced

pytestmark = pytest.mark.lab

CONVERGENCE_S = 120
DEADLINE_S = 30
KILLED = """
import os, signal, sys
from bifilar.lab import Lab
from bifilar.lab.faults import silenced

lab = Lab.open(sys.argv[1])
with silenced(lab, lab.device(sys.argv[2])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def _said(lab: Lab, device: str, *words: str) -> str:
    def run() -> str:
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout

    return lab.run_in(device, run)


def _eventually(condition: Callable[[], bool], seen: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, seen()


def test_a_silent_device_loses_its_neighbours_keeps_its_links_and_comes_back(article: Lab) -> None:
    tor = article.device("rack0-tor1")
    lost = {session.peer: session.name for session in article.fabric.sessions if session.device == tor.name}

    def missing() -> dict[str, int]:
        return {device.name: len(device.missing) for device in article.status().devices}

    with silenced(article, tor):
        assert "NO-CARRIER" not in _said(article, tor.name, "ip", "link")
        expected = {device.name: int(device.name in lost) for device in article.fabric.devices}
        _eventually(lambda: missing() == {**expected, tor.name: len(lost)}, missing)
    article.wait_converged(CONVERGENCE_S)
    assert article.status().good


def test_a_silence_that_a_killed_command_left_is_lifted_by_the_next(article: Lab) -> None:
    spine = article.device("spine2")
    killed = subprocess.run([sys.executable, "-c", KILLED, article.name, spine.name], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert _said(article, spine.name, "nft", "list", "tables") == "table netdev bifilar-silence\n"
    with silenced(article, spine):
        pass
    assert _said(article, spine.name, "nft", "list", "tables") == ""
    article.wait_converged(CONVERGENCE_S)


def test_without_nft_it_says_so(article: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    spine = article.device("spine1")
    with pytest.raises(MachineError, match="packets can't be dropped"), silenced(article, spine):
        pytest.fail("it is not silent")


def test_blocks_of_pods_are_no_hindrance_to_convergence_and_a_missing_route_still_is(article: Lab) -> None:
    block = ["10.64.0.0/27", "dev", "lo", "table", "119", "proto", "30"]
    _said(article, "rack0-server1", "ip", "route", "add", *block)
    try:
        learnt = ["ip", "route", "show", block[0], "proto", "bird"]
        _eventually(lambda: bool(_said(article, "rack1-server1", *learnt)), article.status)
        article.wait_converged(CONVERGENCE_S)
        birdc = ["birdc", "-s", str(article.bird_socket("rack0-server2"))]
        # BIRD would put back a route that somebody else deletes.
        _said(article, "rack0-server2", *birdc, "disable", "kernel4")
        with pytest.raises(LabError, match=r"rack0-server2: .* in the kernel"):
            article.wait_converged(0)
        _said(article, "rack0-server2", *birdc, "enable", "kernel4")
        article.wait_converged(CONVERGENCE_S)
    finally:
        _said(article, "rack0-server1", "ip", "route", "del", *block)
