"""What a run of :mod:`against_ptp` has found, as tables and as JSON, against what it is to be."""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from measuring import Cell, percentile
from rich.console import Console
from rich.table import Table

_PERCENTILES = (50, 95, 99)
_P50_TIMES = 5
_RATE_TIMES = {"ADD": 6, "DEL": 4}
_DUAL_TIMES = 1.3
_MEMORY_MIB = 60
_GROWTH_MIB = 1.0
"""Between the middle and the end of a run; less is what a heap does anyway."""


@dataclass(frozen=True, slots=True)
class Found:
    """All that was measured.

    Attributes:
        cells: ptp and ours, by how many calls at once, side and verb.
        families: ours with one family and with two, one call at a time, by side and verb.
        floors_ms: what the machine itself takes.
        memory_mib: of the agent, after so many ADD and DEL.
    """

    cells: Mapping[int, Mapping[str, Mapping[str, Cell]]]
    families: Mapping[str, Mapping[str, Cell]]
    floors_ms: Mapping[str, list[float]]
    memory_mib: Mapping[int, float]


class Target(NamedTuple):
    """What is to be, and what is."""

    what: str
    wanted: str
    found: str
    met: bool


def targets(found: Found) -> Iterator[Target]:
    """Everything that is promised."""
    for verb in ("ADD", "DEL"):
        theirs, ours = (found.cells[1][side][verb].percentile_ms(50) for side in ("ptp", "bifilar"))
        ratio = theirs / ours
        wanted = f"at most 1/{_P50_TIMES} of ptp's"
        yield Target(f"{verb} p50, one at a time", wanted, f"1/{ratio:.1f}", ratio >= _P50_TIMES)
    for verb, least in _RATE_TIMES.items():
        theirs, ours = (_best_rate(found, side, verb) for side in ("ptp", "bifilar"))
        ratio = ours / theirs
        said = f"{ratio:.1f} x ({ours:.0f} against {theirs:.0f} a second)"
        yield Target(
            f"{verb} rate, best of several at once", f"at least {least} x ptp's", said, ratio >= least
        )
    single, dual = (found.families[side]["ADD"].percentile_ms(50) for side in ("bifilar", "dual-stack"))
    ratio = dual / single
    wanted = f"at most {_DUAL_TIMES} x one family's"
    yield Target("ADD p50, two families", wanted, f"{ratio:.2f} x", ratio <= _DUAL_TIMES)
    highest = max(found.memory_mib.values())
    yield Target("agent's memory", f"at most {_MEMORY_MIB} MiB", f"{highest:.1f} MiB", highest <= _MEMORY_MIB)
    growth = _growth_mib(found.memory_mib)
    yield Target("its growth in the second half", "none", f"{growth:+.2f} MiB", growth <= _GROWTH_MIB)


def _best_rate(found: Found, side: str, verb: str) -> float:
    return max(cells[side][verb].rate for at_once, cells in found.cells.items() if at_once > 1)


def _growth_mib(memory_mib: Mapping[int, float]) -> float:
    last = max(memory_mib)
    middle = min(done for done in memory_mib if done >= last / 2)
    return memory_mib[last] - memory_mib[middle]


def show(found: Found, console: Console) -> None:
    """Print tables."""
    for verb in ("ADD", "DEL"):
        console.print(_comparison(found, verb))
    console.print(_families(found))
    console.print(_floors(found))
    console.print(_memory(found))
    table = Table(title="Targets", title_justify="left")
    for heading in ("", "wanted", "found", ""):
        table.add_column(heading)
    for target in targets(found):
        mark = "[green]met[/]" if target.met else "[red]missed[/]"
        table.add_row(target.what, target.wanted, target.found, mark)
    console.print(table)


def _comparison(found: Found, verb: str) -> Table:
    table = Table(title=f"{verb}: ptp + host-local and bifilar, in turn", title_justify="left")
    for heading in (
        "at once",
        "",
        *(f"p{percent} ms" for percent in _PERCENTILES),
        "a second",
        "p50",
        "rate",
    ):
        table.add_column(heading, justify="right")
    for at_once, sides in found.cells.items():
        theirs, ours = sides["ptp"][verb], sides["bifilar"][verb]
        table.add_row(str(at_once), "ptp", *_percentiles(theirs), f"{theirs.rate:.0f}", "", "")
        faster = theirs.percentile_ms(50) / ours.percentile_ms(50)
        table.add_row(
            "",
            "bifilar",
            *_percentiles(ours),
            f"{ours.rate:.0f}",
            f"1/{faster:.1f}",
            f"{ours.rate / theirs.rate:.1f} x",
            end_section=True,
        )
    return table


def _families(found: Found) -> Table:
    table = Table(title="One family and two, in turn, one at a time", title_justify="left")
    for heading in ("", "", *(f"p{percent} ms" for percent in _PERCENTILES)):
        table.add_column(heading, justify="right")
    for verb in ("ADD", "DEL"):
        for side, cells in found.families.items():
            families = "IPv4, IPv6" if side == "dual-stack" else "IPv4"
            table.add_row(verb, families, *_percentiles(cells[verb]))
    return table


def _floors(found: Found) -> Table:
    table = Table(title="What the machine itself takes", title_justify="left")
    for heading in ("", *(f"p{percent} ms" for percent in _PERCENTILES)):
        table.add_column(heading, justify="right")
    for what, values in found.floors_ms.items():
        table.add_row(what, *(f"{percentile(values, percent):.2f}" for percent in _PERCENTILES))
    return table


def _memory(found: Found) -> Table:
    table = Table(title="Resident memory of the agent", title_justify="left")
    table.add_column("ADD and DEL", justify="right")
    table.add_column("MiB", justify="right")
    last = max(found.memory_mib)
    for part in (0, 0.25, 0.5, 0.75, 1):
        done = min(count for count in found.memory_mib if count >= last * part)
        table.add_row(f"{done:,}", f"{found.memory_mib[done]:.1f}")
    return table


def _percentiles(cell: Cell) -> Iterator[str]:
    return (f"{cell.percentile_ms(percent):.2f}" for percent in _PERCENTILES)


def as_json(found: Found) -> dict[str, object]:
    """The same as plain words."""
    return {
        "cells": {
            str(at_once): {side: _cells_as_json(cells) for side, cells in sides.items()}
            for at_once, sides in found.cells.items()
        },
        "families": {side: _cells_as_json(cells) for side, cells in found.families.items()},
        "floors_ms": {what: round(statistics.median(values), 3) for what, values in found.floors_ms.items()},
        "memory_mib": {str(done): round(mib, 2) for done, mib in found.memory_mib.items()},
        "targets": [target._asdict() for target in targets(found)],
    }


def _cells_as_json(cells: Mapping[str, Cell]) -> dict[str, dict[str, float]]:
    return {
        verb: {
            **{f"p{percent}_ms": round(cell.percentile_ms(percent), 3) for percent in _PERCENTILES},
            "rate": round(cell.rate, 1),
        }
        for verb, cell in cells.items()
    }
