"""Every kind of fabric, run on real daemons, is as it was designed; and a fabric that is not, is found out."""

import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from bifilar.fabric.model import DeviceName
from bifilar.lab import Lab
from bifilar.verify import CHECKS, Check, Status, verify
from verify.labs import running_lab

pytestmark = pytest.mark.lab

SHAPES = ["article", "neco", "as-per-server", "dual-stack", "unnumbered", "five-stage", "ipv6-only"]


def _failed(checks: tuple[Check, ...]) -> dict[str, tuple[str, ...]]:
    return {check.name: check.detail for check in checks if check.status is Status.FAIL}


def _in(lab: Lab, device: str, *command: str) -> None:
    lab.run_in(DeviceName(device), lambda: subprocess.run(command, check=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_all_checks_pass(shape: str) -> None:
    with running_lab(shape) as lab:
        report = verify(lab)
    assert _failed(report.checks) == {}
    assert [check.name for check in report.checks] == list(CHECKS)
    skipped = [check.name for check in report.checks if check.status is Status.SKIP]
    assert skipped == [name for name in CHECKS if name.startswith("pod")], "there are no pods"


def test_next_hop_self_at_the_tors_provokes_redirects() -> None:
    """The workaround that the article advises against: then a ToR does tell servers of the better way."""
    name = "bird/_common.j2"
    template = files("bifilar.render").joinpath("templates", name).read_text()
    mistaken = template.replace("{% if policy.next_hop_self %}", "{% if true %}").replace(
        "next hop self{{ policy.next_hop_self }};", "next hop self on;"
    )
    assert mistaken != template
    with running_lab("article", {name: mistaken}) as lab:
        report = verify(lab, ["icmp-redirects", "reachability"])
    failed = _failed(report.checks)
    assert set(failed) == {"icmp-redirects"}
    assert any("redirects rack0-server1" in line for line in failed["icmp-redirects"])


def test_a_nic_address_of_global_scope_is_found_out() -> None:
    with running_lab("article") as lab:
        nic = lab.fabric.device("rack0-server1").interface("eth0").addresses[0]
        _in(lab, "rack0-server1", "ip", "address", "del", str(nic), "dev", "eth0")
        _in(lab, "rack0-server1", "ip", "address", "add", str(nic), "dev", "eth0")
        report = verify(lab, ["address-scopes"])
    assert "rack0-server1" in _failed(report.checks)["address-scopes"][0]


def test_a_smaller_mtu_on_one_link_is_found_out() -> None:
    with running_lab("article") as lab:
        _in(lab, "spine1", "ip", "link", "set", "dev", "rack0-tor1", "mtu", "1400")
        report = verify(lab, ["full-size", "reachability"])
    assert set(_failed(report.checks)) == {"full-size"}


def test_ecmp_that_ignores_ports_is_found_out() -> None:
    """With policy 0 all flows between two servers take one path."""
    with running_lab("article") as lab:
        for device in lab.fabric.devices:
            _in(lab, device.name, "sysctl", "-q", "-w", "net.ipv4.fib_multipath_hash_policy=0")
        report = verify(lab, ["ecmp-spread"])
    assert "ecmp-spread" in _failed(report.checks)


def test_a_dead_daemon_and_its_missing_routes_are_found_out() -> None:
    with running_lab("article") as lab:
        pid = next(device.pid for device in lab.status().devices if device.name == "spine1")
        assert pid is not None
        subprocess.run(["kill", "-KILL", str(pid)], check=True)
        report = verify(lab, ["bgp-sessions", "bfd-sessions", "kernel-routes"])
    failed = _failed(report.checks)
    assert set(failed) == {"bgp-sessions", "bfd-sessions", "kernel-routes"}
    assert any("spine1" in line for line in failed["bgp-sessions"])


def test_a_single_rack_passes_though_its_spines_carry_nothing(tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(
        "name: one\n"
        "addresses: {servers: 10.69.0.0/20, spine-tor: 10.72.1.0/24}\n"
        "spines: 2\n"
        "racks: [{number: 0, servers: 3}]\n"
    )
    with running_lab(file) as lab:
        assert _failed(verify(lab).checks) == {}
