from pathlib import Path

import pytest

from bifilar.errors import InputError, MachineError
from bifilar.kernel import namespaces, sysctl
from bifilar.kernel.sysctl import Setting


def test_parse_settings_comments_and_optional_ones() -> None:
    text = """
# a comment
; another
net.ipv4.ip_forward = 1
-net.ipv4.fib_multipath_hash_fields=0x37
- net.ipv6.conf.all.seg6_enabled = 0
net/ipv4/conf/eth0.100/rp_filter = 0
net.ipv4.tcp_rmem = 4096 87380  6291456
"""
    assert sysctl.parse(text) == [
        Setting("net.ipv4.ip_forward", "1"),
        Setting("net.ipv4.fib_multipath_hash_fields", "0x37", optional=True),
        Setting("net.ipv6.conf.all.seg6_enabled", "0", optional=True),
        Setting("net/ipv4/conf/eth0.100/rp_filter", "0"),
        Setting("net.ipv4.tcp_rmem", "4096 87380  6291456"),
    ]


@pytest.mark.parametrize("line", ["net.ipv4.ip_forward", "= 1", "- = 1"])
def test_a_line_that_is_no_setting_is_told_with_its_number(line: str) -> None:
    with pytest.raises(InputError, match=r"10-fabric\.conf:2: .* is no setting"):
        sysctl.parse(f"a.b = 1\n{line}\n", "10-fabric.conf")


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.100/rp_filter", "/proc/sys/net/ipv4/conf/eth0.100/rp_filter"),
        ("net.ipv4.conf.eth0/100.rp_filter", "/proc/sys/net/ipv4/conf/eth0.100/rp_filter"),
    ],
)
def test_dots_and_slashes(key: str, path: str) -> None:
    assert sysctl.path_of(key) == Path(path)


@pytest.mark.lab
def test_settings_take_effect_in_their_namespace_only(namespace: Path) -> None:
    key = "net.ipv4.conf.lo.rp_filter"
    outside = sysctl.read(key)
    other = "1" if outside == "2" else "2"
    namespaces.run_in(namespace, lambda: sysctl.apply([Setting(key, other)]))
    assert namespaces.run_in(namespace, lambda: sysctl.read(key)) == other
    assert sysctl.read(key) == outside


@pytest.mark.lab
@pytest.mark.parametrize(
    ("key", "value"), [("net.ipv4.no_such_thing", "1"), ("net.ipv4.ip_forward", "words")]
)
def test_what_the_kernel_refuses_is_told_unless_optional(namespace: Path, key: str, value: str) -> None:
    namespaces.run_in(namespace, lambda: sysctl.apply([Setting(key, value, optional=True)]))
    with pytest.raises(MachineError, match=f"^{key}: can't be set to '{value}'"):
        namespaces.run_in(namespace, lambda: sysctl.apply([Setting(key, value)]))


@pytest.mark.lab
def test_an_unknown_setting_has_no_value(namespace: Path) -> None:
    assert namespaces.run_in(namespace, lambda: sysctl.read("net.ipv4.no_such_thing")) is None
