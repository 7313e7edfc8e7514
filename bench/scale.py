"""10,000 servers: how long design and rendering take, and how much memory.

Measured in a process of its own, without and with writing the files, against the same for 300 servers: growth that
is linear keeps the cost of a device the same.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"

_MEASURED = """
import json, resource, sys, time
from pathlib import Path
from bifilar.fabric import design
from bifilar.intent import load_intent
from bifilar.render import Renderer

start = time.perf_counter()
fabric = design(load_intent(Path(sys.argv[1])))
designed = time.perf_counter()
files = characters = 0
for _, rendered in Renderer(fabric).all():
    files += len(rendered)
    characters += sum(map(len, rendered.values()))
rendered_at = time.perf_counter()
print(json.dumps({
    "devices": len(fabric.devices), "files": files, "characters": characters,
    "design_s": designed - start, "render_s": rendered_at - designed,
    "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
}))
"""


def in_memory(intent: Path) -> dict[str, float]:
    """Design and render without a disk."""
    run = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(intent)], stdout=subprocess.PIPE, text=True, check=True
    )
    measured: dict[str, float] = json.loads(run.stdout)
    return measured


def on_disk(intent: Path) -> float:
    """Seconds of ``bifilar render --out``, as a user waits for it."""
    program = str(Path(sys.executable).with_name("bifilar"))
    with tempfile.TemporaryDirectory(prefix="bifilar-bench-") as scratch:
        start = time.perf_counter()
        subprocess.run(
            [program, "render", str(intent), "--out", f"{scratch}/files"],
            stderr=subprocess.DEVNULL,
            check=True,
        )
        return time.perf_counter() - start


def main() -> None:
    """Print a line for each size, and what a device costs at the larger one against the smaller."""
    cost = {}
    for name in ("scale-300", "scale-10000"):
        intent = EXAMPLES / f"{name}.yaml"
        found = in_memory(intent)
        total = found["design_s"] + found["render_s"]
        cost[name] = total / found["devices"]
        print(
            f"{name}: {found['devices']:,.0f} devices, {found['files']:,.0f} files: design {found['design_s']:.2f} s"
            f" + render {found['render_s']:.2f} s = {total:.2f} s, peak memory {found['peak_kib'] / 1024:.0f} MiB;"
            f" written to disk by 'bifilar render' in {on_disk(intent):.2f} s"
        )
    ratio = cost["scale-10000"] / cost["scale-300"]
    print(f"a device of the larger one costs {ratio:.2f} x one of the smaller (1: it grows linearly)")


if __name__ == "__main__":
    main()
