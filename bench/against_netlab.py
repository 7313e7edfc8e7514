"""Bifilar against netlab: from a description of 306 devices to every device's files, as whole processes.

Both describe the same network: two spines, two racks with two ToRs each, 150 servers in a rack, each on both of its
rack's layer-2 networks. netlab has less to do: its servers are plain Linux hosts without a routing daemon, while
Bifilar also configures BGP, BFD and systemd-networkd on every one of them. netlab lives in a virtual environment
of its own below the user's cache.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROUNDS = 3
SPINES, RACKS, TORS, SERVERS = 2, 2, 2, 150
NETLAB = "networklab==26.10"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bifilar" / "netlab"

INTENT = f"""\
name: compare
addresses: {{servers: 10.69.0.0/18, network-bits: 8, spine-tor: 10.72.0.0/22}}
spines: {SPINES}
racks:
  - {{number: 0, count: {RACKS}, servers: {SERVERS}}}
"""


def netlab_topology() -> str:
    """The same network, as netlab describes it."""
    return "\n".join(_topology_lines()) + "\n"


def _topology_lines() -> Iterator[str]:
    yield "name: compare"
    yield "provider: clab"
    yield "defaults.device: linux"
    yield f"defaults.const.MAX_NODE_ID: {SPINES + RACKS * (TORS + SERVERS)}"
    # The defaults have room for 150 nodes.
    yield "addressing.mgmt: {ipv4: 172.20.0.0/20, start: 100}"
    yield "addressing.loopback.ipv4: 10.0.0.0/20"
    yield "module: [bgp]"
    yield "nodes:"
    spines = [f"spine{spine}" for spine in range(1, SPINES + 1)]
    yield from (f"  {spine}: {{device: frr, bgp.as: 64599}}" for spine in spines)
    for rack in range(RACKS):
        yield from (f"  r{rack}t{tor}: {{device: frr, bgp.as: {64600 + rack}}}" for tor in range(1, TORS + 1))
        yield from (f"  r{rack}s{server}: {{module: []}}" for server in range(1, SERVERS + 1))
    yield "links:"
    for rack in range(RACKS):
        servers = [f"r{rack}s{server}" for server in range(1, SERVERS + 1)]
        for tor in range(1, TORS + 1):
            yield from (f"- {spine}-r{rack}t{tor}" for spine in spines)
            yield f"- {'-'.join([f'r{rack}t{tor}', *servers])}"


def installed_netlab() -> Path:
    """The program, installed into the cache if it is not there."""
    program = CACHE / "bin" / "netlab"
    if not program.exists():
        print(f"installing {NETLAB} into {CACHE}", file=sys.stderr)
        uv = shutil.which("uv") or sys.exit("bench: there is no uv; 'make setup' installs it")
        subprocess.run([uv, "venv", "--quiet", "--clear", str(CACHE)], check=True)
        python = str(CACHE / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, NETLAB], check=True)
    return program


def seconds(command: Sequence[str], directory: Path) -> float:
    """How long a command takes, as a user waits for it; ends the benchmark if it fails."""
    start = time.perf_counter()
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    elapsed = time.perf_counter() - start
    if run.returncode != 0:
        sys.exit(f"bench: {' '.join(command)} failed:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return elapsed


def main() -> None:
    """Run both in turn, each time in an empty directory, and print medians and their ratio."""
    netlab = str(installed_netlab())
    bifilar = str(Path(sys.executable).with_name("bifilar"))
    times: dict[str, list[float]] = {"netlab": [], "bifilar": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="bifilar-bench-") as scratch:
            directory = Path(scratch)
            (directory / "topology.yml").write_text(netlab_topology(), encoding="utf-8")
            (directory / "intent.yaml").write_text(INTENT, encoding="utf-8")
            times["netlab"].append(seconds([netlab, "create", "topology.yml"], directory))
            times["bifilar"].append(seconds([bifilar, "render", "intent.yaml", "--out", "files"], directory))
    print(
        f"design + files of {SPINES + RACKS * (TORS + SERVERS)} devices, whole process, {ROUNDS} runs each in turn"
    )
    for name, measured in times.items():
        print(
            f"  {name:8} median {statistics.median(measured):6.2f} s"
            f"   min {min(measured):6.2f} s   max {max(measured):6.2f} s"
        )
    ratios = [
        netlab_s / bifilar_s for netlab_s, bifilar_s in zip(times["netlab"], times["bifilar"], strict=True)
    ]
    print(
        f"  ratio    median {statistics.median(ratios):6.1f} x   min {min(ratios):6.1f} x   max {max(ratios):6.1f} x"
        "   (netlab / bifilar, round by round)"
    )


if __name__ == "__main__":
    main()
