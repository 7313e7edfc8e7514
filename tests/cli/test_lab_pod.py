"""``lab pod ...``, on the article's fabric of real daemons."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from bifilar.lab import Lab

Bifilar = Callable[..., Any]

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("bifilar")
NAME = f"clp-{os.getpid()}"


def ours(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own, as a user does."""
    return subprocess.run([PROGRAM, *words], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def lab() -> Iterator[str]:
    """The article's fabric, converged."""
    run = ours("lab", "up", "examples/article.yaml", "--name", NAME)
    try:
        assert run.returncode == 0, run.stderr
        yield NAME
    finally:
        Lab.remove(NAME)


@pytest.fixture(scope="module")
def pods(lab: str) -> dict[str, str]:
    """Pods on two racks, with the addresses that were told when they were made."""
    said = {}
    for name, device in (("web", "rack0-server1"), ("client", "rack1-server1")):
        run = ours("lab", "pod", "run", name, "--on", device, "--name", lab)
        assert run.returncode == 0, run.stderr
        begin = f"pod {name} on {device}: "
        assert run.stdout.startswith(begin)
        said[name] = run.stdout.removeprefix(begin).strip()
    return said


@pytest.mark.lab
def test_pods_are_listed_for_people_and_programs(lab: str, pods: dict[str, str], bifilar: Bifilar) -> None:
    lines = bifilar("lab", "pod", "ls", "--name", lab).out.splitlines()
    assert lines[0].split() == ["pod", "namespace", "device", "addresses", "process"]
    assert [line.split()[:4] for line in lines[1:]] == [
        ["client", "default", "rack1-server1", pods["client"]],
        ["web", "default", "rack0-server1", pods["web"]],
    ]
    listed = json.loads(bifilar("lab", "pod", "ls", "--name", lab, "--json").out)["pods"]
    assert {pod["name"]: pod["addresses"] for pod in listed} == {name: [pods[name]] for name in pods}
    assert all(len(pod["processes"]) == 1 for pod in listed)
    assert all(ip_address(address) in ip_network("10.64.0.0/14") for address in pods.values())


@pytest.mark.lab
def test_a_command_runs_inside_a_pod_and_its_status_is_ours(lab: str, pods: dict[str, str]) -> None:
    inside = ours("lab", "pod", "exec", "--name", lab, "web", "--", "ip", "-brief", "address", "show", "eth0")
    assert (inside.returncode, pods["web"] in inside.stdout) == (0, True)
    assert ours("lab", "pod", "exec", "--name", lab, "web", "--", "sh", "-c", "exit 7").returncode == 7


@pytest.mark.lab
@pytest.mark.usefixtures("pods")
def test_pods_talk_and_the_checks_say_so(lab: str, bifilar: Bifilar) -> None:
    answer = bifilar(
        "verify", "--name", lab, "--json", "--check", "pods-across-racks", "--check", "pods-in-rack"
    )
    assert answer.status == 0
    found = {check["name"]: check["status"] for check in json.loads(answer.out)["checks"]}
    assert found == {"pods-across-racks": "pass", "pods-in-rack": "skip"}


@pytest.mark.lab
def test_a_removed_pod_is_gone(lab: str, bifilar: Bifilar) -> None:
    assert bifilar("lab", "pod", "run", "brief", "--on", "rack0-server2", "--name", lab).status == 0
    answer = bifilar("lab", "pod", "rm", "brief", "--name", lab)
    assert (answer.status, answer.out) == (0, "pod brief: removed\n")
    again = bifilar("lab", "pod", "rm", "brief", "--name", lab)
    assert again.status == 1
    assert again.err.startswith(f"brief: lab {lab} has no such pod\nhint: ")


@pytest.mark.lab
def test_a_lab_without_pods_says_how_to_make_one(bifilar: Bifilar) -> None:
    name = f"{NAME}-empty"
    try:
        assert bifilar("lab", "up", "examples/article.yaml", "--name", name, "--no-wait").status == 0
        answer = bifilar("lab", "pod", "ls", "--name", name)
        assert (answer.status, answer.out) == (0, "")
        assert "bifilar lab pod run NAME --on DEVICE" in answer.err
    finally:
        Lab.remove(name)


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--image", "examples"], "an image and a command go together"),
        (["--", "/bin/server"], "an image and a command go together"),
        (
            ["--image", "examples", "--netns", "mine", "--", "/bin/server"],
            "nothing is started in a namespace",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(bifilar: Bifilar, words: list[str], what: str) -> None:
    answer = bifilar("lab", "pod", "run", "web", "--on", "rack0-server1", *words)
    assert answer.status == 2
    assert what in answer.err
