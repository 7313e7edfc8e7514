"""``lab`` and ``verify``, on the article's fabric of real daemons."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Bifilar = Callable[..., Any]

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("bifilar")
NAME = f"cli-{os.getpid()}"
INTENT = "examples/article.yaml"
DEADLINE_S = 30

pytestmark = pytest.mark.lab


def ours(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own, which ``lab exec`` needs for its output."""
    return subprocess.run([PROGRAM, *words], cwd=ROOT, capture_output=True, text=True, check=False)


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Poll until a condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what


@pytest.fixture(scope="module")
def lab() -> Iterator[str]:
    """The article's fabric, converged."""
    run = ours("lab", "up", INTENT, "--name", NAME)
    try:
        assert run.returncode == 0, run.stderr
        assert f"lab {NAME}: 12 devices, 20 links, built in " in run.stdout
        assert "all 20 BGP sessions up and every route in place" in run.stdout
        yield NAME
    finally:
        down = ours("lab", "down", "--name", NAME)
    assert down.returncode == 0, down.stderr
    assert "removed in" in down.stdout


def test_a_second_lab_of_the_same_name_is_refused(lab: str) -> None:
    run = ours("lab", "up", INTENT, "--name", lab)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith(f"{lab}: ")
    assert "hint: " in run.stderr


def test_labs_are_listed(lab: str, bifilar: Bifilar) -> None:
    assert lab in bifilar("lab", "list").out.splitlines()
    assert lab in json.loads(bifilar("lab", "list", "--json").out)["labs"]


def test_status_counts_sessions_of_every_device(lab: str, bifilar: Bifilar) -> None:
    answer = bifilar("lab", "status", "--name", lab, "--json")
    assert answer.status == 0
    status = json.loads(answer.out)
    assert len(status["devices"]) == 12
    assert sum(device["sessions"]["expected"] for device in status["devices"]) == 40
    assert all(device["sessions"]["up"] == device["sessions"]["expected"] for device in status["devices"])
    assert all(device["pid"] and device["memory_bytes"] for device in status["devices"])


def test_status_is_a_table_for_people(lab: str, bifilar: Bifilar) -> None:
    lines = bifilar("lab", "status", "--name", lab).out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["device", "spine1", "spine2"]
    assert any("sessions, from both sides, 40 of 40" in line for line in lines)


def test_a_command_runs_inside_a_device_and_its_status_is_ours(lab: str) -> None:
    run = ours(
        "lab", "exec", "--name", lab, "rack0-server1", "--", "ip", "-brief", "address", "show", "node0"
    )
    assert run.returncode == 0
    assert "10.69.0.4/32" in run.stdout
    assert ours("lab", "exec", "--name", lab, "rack0-server1", "--", "sh", "-c", "exit 7").returncode == 7


def test_a_json_option_behind_the_dashes_is_the_commands_own(lab: str) -> None:
    run = ours("lab", "exec", "--name", lab, "rack0-server9", "--", "ip", "--json", "link")
    assert run.returncode in {1, 2}
    assert run.stderr.startswith("rack0-server9: ")


def test_a_shell_knows_its_daemon(lab: str) -> None:
    run = subprocess.run(
        [PROGRAM, "lab", "shell", "--name", lab, "rack0-tor1"],
        input="birdc -s $BIRD show protocols server1; exit 5\n",
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 5
    assert "Established" in run.stdout


def test_logs_are_the_daemons(lab: str, bifilar: Bifilar) -> None:
    assert "Started" in bifilar("lab", "logs", "--name", lab, "rack0-tor1").out
    assert len(bifilar("lab", "logs", "--name", lab, "rack0-tor1", "--lines", "1").out.splitlines()) == 1


def test_a_capture_shows_what_passes(lab: str, bifilar: Bifilar) -> None:
    answer = bifilar("lab", "capture", "--name", lab, "rack0-server1", "eth0", "--count", "3")
    assert answer.status == 0
    assert len(answer.out.splitlines()) == 3
    assert "BFD" in answer.out


def test_a_capture_goes_into_a_file(lab: str, bifilar: Bifilar, tmp_path: Path) -> None:
    file = tmp_path / "eth0.pcap"
    answer = bifilar("lab", "capture", "--name", lab, "rack0-server1", "eth0", "--count", "3", "--out", file)
    assert (answer.status, answer.out) == (0, "")
    assert file.read_bytes()[:4] in {b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1"}  # pcap with nanoseconds


def test_ctrl_c_ends_a_capture(lab: str) -> None:
    with subprocess.Popen(
        [PROGRAM, "lab", "capture", "--name", lab, "rack0-server1", "eth0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "BFD" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 130
        assert process.stderr.read() == ""


def test_verify_finds_everything_as_designed(lab: str, bifilar: Bifilar) -> None:
    answer = bifilar("verify", "--name", lab, "--json")
    report = json.loads(answer.out)
    others = {check["name"]: check["status"] for check in report["checks"] if check["status"] != "pass"}
    assert others == {check["name"]: "skip" for check in report["checks"] if check["name"].startswith("pod")}
    assert answer.status == 0
    assert report["seconds"] > 0


def test_one_check_alone(lab: str, bifilar: Bifilar) -> None:
    answer = bifilar("verify", "--name", lab, "--check", "bgp-sessions")
    assert answer.status == 0
    assert answer.out.splitlines()[1].split()[:2] == ["bgp-sessions", "pass"]
    assert "1 passed, 0 failed, 0 skipped" in answer.out


def test_a_check_that_is_not_there(lab: str, bifilar: Bifilar) -> None:
    answer = bifilar("verify", "--name", lab, "--check", "bgp")
    assert answer.status == 2
    assert "bgp-sessions" in answer.err


def test_a_broken_fabric_is_1_and_says_what_is_broken(lab: str, bifilar: Bifilar) -> None:
    ours("lab", "exec", "--name", lab, "rack1-server1", "--", "ip", "link", "set", "eth1", "down")
    try:
        eventually(lambda: bifilar("lab", "status", "--name", lab).status == 1, "the session stays up")
        answer = bifilar("verify", "--name", lab)
        assert (answer.status, answer.err) == (1, "")
        assert "rack1-server1: session tor2 with rack1-tor2" in answer.out
        verdicts = {line.split()[0]: line.split()[1] for line in answer.out.splitlines()[1:12]}
        assert verdicts["bgp-sessions"] == verdicts["bfd-sessions"] == verdicts["kernel-routes"] == "fail"
        document = bifilar("verify", "--name", lab, "--json")
        assert document.status == 1
        assert any(check["status"] == "fail" for check in json.loads(document.out)["checks"])
    finally:
        ours("lab", "exec", "--name", lab, "rack1-server1", "--", "ip", "link", "set", "eth1", "up")


def test_no_such_lab(bifilar: Bifilar) -> None:
    answer = bifilar("lab", "status", "--name", "nowhere")
    assert answer.status == 1
    assert answer.err.startswith("nowhere: ")


def test_taking_down_what_is_not_there_is_no_error(bifilar: Bifilar) -> None:
    answer = bifilar("lab", "down", "--name", "nowhere")
    assert (answer.status, answer.err) == (0, "there is no lab nowhere\n")


def test_ctrl_c_while_building_leaves_nothing(bifilar: Bifilar) -> None:
    name = f"{NAME}-c"
    with subprocess.Popen(
        [PROGRAM, "lab", "up", "examples/scale-300.yaml", "--name", name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            eventually(lambda: name in bifilar("lab", "list").out.split(), "it was never built")
            process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE_S) == 130
            assert name not in bifilar("lab", "list").out.split()
            assert (
                f"bf-{name}-"
                not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
            )
        finally:
            process.kill()
            bifilar("lab", "down", "--name", name)
