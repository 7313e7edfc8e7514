"""Edge module: packets of a lab's interfaces, into a file or as lines of text."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bifilar.kernel.capture import Packet, packets, summary, write_pcap
from bifilar.lab.lab import Lab

_NS_PER_US = 1_000
_US_PER_S = 1e6


def capture(
    lab: Lab,
    device: str,
    interface: str,
    file: Path,
    *,
    count: int | None = None,
    duration_s: float | None = None,
) -> int:
    """Write the packets of an interface into a pcap file; how many.

    It ends after ``count`` packets or ``duration_s`` seconds, whichever comes first. After Ctrl-C, which it passes
    on, the file has what was captured until then.

    Raises:
        LabError: there is no such device.
        MachineError: there is no such interface, or the file can't be written.
    """
    return write_pcap(file, _packets(lab, device, interface, count, duration_s))


def watch(
    lab: Lab, device: str, interface: str, *, count: int | None = None, duration_s: float | None = None
) -> Iterator[str]:
    """A line for each packet of an interface as it comes, with the time of day in UTC.

    Raises:
        LabError: there is no such device.
        MachineError: there is no such interface.
    """
    for packet in _packets(lab, device, interface, count, duration_s):
        moment = datetime.fromtimestamp(packet.time_ns // _NS_PER_US / _US_PER_S, UTC)
        yield f"{moment:%H:%M:%S.%f} {summary(packet)}"


def _packets(
    lab: Lab, device: str, interface: str, count: int | None, duration_s: float | None
) -> Iterator[Packet]:
    return lab.run_in(device, lambda: packets(interface, count, duration_s))
