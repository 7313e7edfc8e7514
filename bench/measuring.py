"""How calls of plugins are measured: cells of a table, memory of an agent."""

import itertools
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sides
from calls import PLUGINS, Batch, Call, Crew, Side
from floors import kernel_ms, start_ms
from rich.progress import Progress

from bifilar.kernel import namespaces
from bifilar.pods import plugin

ROUNDS = 4
"""In each, both do a quarter of their calls; so what else the machine does meets both."""
_STARTS = 200
_DISMANTLING_S = 60.0
_POLL_S = 0.05
_RSS_PODS, _RSS_AT_ONCE = 40, 8

_numbers = itertools.count()


@dataclass(slots=True)
class Cell:
    """All calls of one verb, of one side, with so many at once."""

    batches: list[Batch] = field(default_factory=list)

    def percentile_ms(self, percent: int) -> float:
        """So many of the calls took at most this long."""
        return percentile([call.ms for batch in self.batches for call in batch.ended], percent)

    @property
    def rate(self) -> float:
        """Calls a second."""
        return sum(len(batch.ended) for batch in self.batches) / sum(batch.wall_s for batch in self.batches)


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which so many percent of them are."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


class Bench:
    """All measurements of a run."""

    def __init__(self, crew: Crew, progress: Progress, count: int) -> None:
        self._crew = crew
        self._progress = progress
        self._count = count

    def compare(self, compared: Sequence[Side], at_once: int) -> dict[str, dict[str, Cell]]:
        """The cells of some sides in turn, by side and verb."""
        cells = {side.name: {"ADD": Cell(), "DEL": Cell()} for side in compared}
        calls = {side.name: self._calls(self._count) for side in compared}
        size = -(-self._count // ROUNDS)
        title = f"{' and '.join(side.name for side in compared)}, {at_once} at once"
        task = self._progress.add_task(title, total=2 * self._count * len(compared))
        for verb in ("ADD", "DEL"):
            for begin in range(0, self._count, size):
                for side in compared:
                    batch = self._crew.run(side, verb, calls[side.name][begin : begin + size], at_once)
                    cells[side.name][verb].batches.append(batch)
                    self._progress.advance(task, len(batch.ended))
        self._forget(itertools.chain.from_iterable(calls.values()))
        return cells

    def memory(self, side: Side, pid: int, cycles: int) -> dict[int, float]:
        """Resident memory of an agent in MiB, after so many ADD and DEL."""
        calls = self._calls(_RSS_PODS)
        task = self._progress.add_task(f"{cycles:,} ADD and DEL", total=cycles)
        found = {0: resident_mib(pid)}
        for done in range(_RSS_PODS, cycles + 1, _RSS_PODS):
            self._crew.run(side, "ADD", calls, _RSS_AT_ONCE)
            self._crew.run(side, "DEL", calls, _RSS_AT_ONCE)
            self._progress.update(task, completed=done)
            found[done] = resident_mib(pid)
        self._forget(calls)
        return found

    def floors(self, host: Path) -> dict[str, list[float]]:
        """What the machine itself takes, in ms, by what it is."""
        calls = self._calls(self._count)
        wired, unwired = kernel_ms(host, [call.namespace for call in calls])
        self._forget(calls)
        return {
            "the kernel wires a container": wired,
            "the kernel removes it, until it answers": unwired,
            "ptp is started, answers VERSION": start_ms(PLUGINS / "ptp", _STARTS),
            "bifilar-cni is started, answers VERSION": start_ms(plugin.binary(), _STARTS),
        }

    def _calls(self, count: int) -> list[Call]:
        numbers = [next(_numbers) for _ in range(count)]
        return [Call(f"bench{number}", namespaces.create(sides.name_of(f"{number}"))) for number in numbers]

    @staticmethod
    def _forget(calls: Iterable[Call]) -> None:
        """Delete the namespaces, and wait until the kernel has done that: it takes time of what is measured next."""
        for call in calls:
            namespaces.delete(call.namespace.name)
        deadline = time.monotonic() + _DISMANTLING_S
        while namespaces.is_dismantling() and time.monotonic() < deadline:
            time.sleep(_POLL_S)


def resident_mib(pid: int) -> float:
    """What a process has in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))
