"""Ours against Debian's ptp with host-local: containers added and removed, one by one and many at once.

Both are started by the same driver, in turn within each round, in namespaces that nobody has used before; each has a
namespace of its own that plays the node. Beside them stands what the machine itself takes. Times on a shared machine
swing by a factor of two: the ratios are what counts.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import sides
from calls import PLUGINS, Crew, FailedCallError
from measuring import Bench
from reporting import Found, as_json, show
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

AT_ONCE = (1, 4, 8, 16)


def main() -> None:
    """Measure, and print tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--namespaces", type=int, default=200, metavar="N", help="of each cell (default: 200)"
    )
    parser.add_argument(
        "--cycles", type=int, default=5000, metavar="N", help="ADD and DEL for the memory (default: 5000)"
    )
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: network namespaces need root")
    if not (PLUGINS / "ptp").exists():
        sys.exit(f"bench: {PLUGINS} has no ptp; install Debian's containernetworking-plugins")
    # Ends as after Ctrl-C, so that what was made is removed.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, signal.default_int_handler)
    sides.remove_namespaces(of_the_dead=True)
    try:
        found = measure(options.namespaces, options.cycles)
    except FailedCallError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        sides.remove_namespaces()
    if options.json:
        print(json.dumps(as_json(found), indent=1))
    else:
        show(found, Console())


def measure(count: int, cycles: int) -> Found:
    """Everything, one after the other."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
    )
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{sides.PREFIX}-")))
        crew = stack.enter_context(Crew(max(AT_ONCE)))
        progress = stack.enter_context(Progress(*columns, console=Console(stderr=True), transient=True))
        ptp = sides.ptp(scratch)
        single, single_pid = stack.enter_context(sides.bifilar(scratch, "bifilar"))
        dual, _ = stack.enter_context(sides.bifilar(scratch, "dual-stack", dual=True))
        bench = Bench(crew, progress, count)
        return Found(
            cells={at_once: bench.compare((ptp, single), at_once) for at_once in AT_ONCE},
            families=bench.compare((single, dual), 1),
            floors_ms=bench.floors(sides.make_host("floor")),
            memory_mib=bench.memory(single, single_pid, cycles),
        )


if __name__ == "__main__":
    main()
