import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bifilar.errors import LabError, MachineError
from bifilar.fabric import Fabric
from bifilar.kernel import counters
from bifilar.lab import Lab, capture, daemons, watch

pytestmark = pytest.mark.lab

Example = Callable[[str], tuple[Fabric, str]]
CONVERGENCE_S = 120


def test_a_lab_is_found_by_its_name_and_has_its_intent(article: Lab, example: Example) -> None:
    found = Lab.open(article.name)
    fabric, text = example("article")
    assert found.fabric == fabric
    assert found.intent_text == text
    assert article.name in Lab.names()


def test_a_lab_that_is_not_there_is_said_to_be_missing() -> None:
    with pytest.raises(LabError, match="there is no such lab"):
        Lab.open("kl-nowhere")


def test_a_device_that_is_not_there_is_said_to_be_missing(article: Lab) -> None:
    with pytest.raises(LabError, match="rack9-tor1"):
        article.namespace("rack9-tor1")


def test_a_command_runs_inside_the_device_and_its_status_comes_back(article: Lab, tmp_path: Path) -> None:
    seen = tmp_path / "interfaces"
    code = "import socket, sys; print(*(n for _, n in socket.if_nameindex()), file=open(sys.argv[1], 'w')); sys.exit(7)"
    assert article.execute("rack0-server1", [sys.executable, "-c", code, str(seen)]) == 7
    assert seen.read_text().split()[:1] == ["lo"]
    assert {"node0", "eth0", "eth1"} <= set(seen.read_text().split())


def test_a_command_that_is_not_there_is_an_error_of_the_lab(article: Lab) -> None:
    with pytest.raises(LabError, match="no-such-program"):
        article.execute("spine1", ["no-such-program"])


def test_the_daemons_words_are_kept(example: Example, lab_name: str) -> None:
    lab = Lab.up(*example("article"), lab_name)
    lab.wait_converged(CONVERGENCE_S)
    assert "Started" in lab.log("spine1")


def test_status_names_the_daemon_that_died_and_the_sessions_it_took_along(
    example: Example, lab_name: str
) -> None:
    lab = Lab.up(*example("article"), lab_name)
    lab.wait_converged(CONVERGENCE_S)
    victim = next(device for device in lab.status().devices if device.name == "spine1")
    assert victim.pid is not None
    daemons.end([victim.pid])
    status = lab.status()
    dead = next(device for device in status.devices if device.name == "spine1")
    assert not status.good
    assert dead.pid is None
    assert dead.fault
    assert dead.sessions_up == 0
    with pytest.raises(LabError, match="spine1: the daemon has died"):
        lab.wait_converged(CONVERGENCE_S)


def test_a_capture_is_a_pcap_file_of_the_packets_that_passed(article: Lab, tmp_path: Path) -> None:
    """BFD sends several packets a second on every link."""
    file = tmp_path / "spine1.pcap"
    assert capture(article, "spine1", "rack0-tor1", file, count=5, duration_s=60) == 5
    content = file.read_bytes()
    magic, major, minor, _, _, _, link_type = struct.unpack_from("=IHHiIII", content)
    assert (magic, major, minor, link_type) == (0xA1B23C4D, 2, 4, 1)
    position, frames = 24, []
    while position < len(content):
        _, nanoseconds, kept, original = struct.unpack_from("=IIII", content, position)
        assert nanoseconds < 1_000_000_000
        assert kept == original
        frames.append(content[position + 16 : position + 16 + kept])
        position += 16 + kept
    assert position == len(content)
    assert len(frames) == 5
    assert {frame[12:14] for frame in frames} <= {b"\x08\x00", b"\x08\x06"}


def test_a_capture_can_be_watched_line_by_line(article: Lab) -> None:
    lines = list(watch(article, "spine1", "rack0-tor1", count=20, duration_s=60))
    assert len(lines) == 20
    assert any("BFD" in line for line in lines)


def test_an_interface_that_is_not_there_can_not_be_captured(article: Lab, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="eth7"):
        capture(article, "spine1", "eth7", tmp_path / "x.pcap", count=1)


def test_what_runs_inside_a_device_leaves_the_caller_where_it_is(article: Lab) -> None:
    before = Path("/proc/thread-self/ns/net").stat().st_ino
    inside = article.run_in(
        "spine1", lambda: (Path("/proc/thread-self/ns/net").stat().st_ino, threading.get_ident())
    )
    assert inside[0] == article.namespace("spine1").stat().st_ino != before
    assert inside[1] != threading.get_ident()
    assert Path("/proc/thread-self/ns/net").stat().st_ino == before
    assert "node0" not in article.run_in("spine1", counters.dump)
