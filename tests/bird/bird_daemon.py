"""A real BIRD that a test started."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = """
router id 10.0.0.1;
protocol device {{ }}
protocol static blackholes {{ ipv4; route 192.0.2.0/24 blackhole; route 198.51.100.0/24 unreachable; }}
ipv4 table spare;
protocol bgp absent {{ local 127.0.0.1 port {port} as 64601; neighbor 127.0.0.2 port {port} as 64602; multihop; passive; ipv4 {{ import none; export none; }}; }}
"""


@dataclass
class Daemon:
    """A running BIRD."""

    process: subprocess.Popen[bytes]
    control: Path
    configuration: Path

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)


def answers(path: Path) -> bool:
    """Whether somebody listens on a socket: it is there a moment before it can be connected to."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float = 20) -> None:
    """Poll a condition."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {deadline_s} s in vain for {what}"
        time.sleep(0.005)
