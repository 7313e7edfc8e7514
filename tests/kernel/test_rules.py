import subprocess
from pathlib import Path

import pytest

from bifilar.kernel import namespaces, rules
from bifilar.kernel.rules import KernelRule

pytestmark = pytest.mark.lab

LOCAL, MAIN, DEFAULT = 255, 254, 253


def ip(namespace: Path, *words: str) -> None:
    subprocess.run(["ip", "-n", namespace.name, *words], check=True)


def test_the_kernels_own_rules(namespace: Path) -> None:
    assert [
        (rule.version, rule.priority, rule.table) for rule in namespaces.run_in(namespace, rules.dump)
    ] == [
        (4, 0, LOCAL),
        (4, 32766, MAIN),
        (4, 32767, DEFAULT),
        (6, 0, LOCAL),
        (6, 32766, MAIN),
    ]


def test_a_rule_for_all_packets(namespace: Path) -> None:
    ip(namespace, "rule", "add", "pref", "2000", "lookup", "1160", "proto", "30")
    found = namespaces.run_in(namespace, lambda: rules.dump((4,)))
    assert found[1] == KernelRule(4, 2000, 1160, 30, is_for_all=True)


@pytest.mark.parametrize(
    "condition",
    [
        "from 10.0.0.0/8",
        "to 10.0.0.0/8",
        "iif lo",
        "oif lo",
        "fwmark 7",
        "not from 10.0.0.0/8",
        "tos 0x10",
        "ipproto tcp",
        "dport 80",
        "uidrange 0-7",
        "suppress_prefixlength 0",
    ],
)
def test_a_rule_with_a_condition(namespace: Path, condition: str) -> None:
    ip(namespace, "rule", "add", "pref", "2000", *condition.split(), "lookup", "116")
    (rule,) = (rule for rule in namespaces.run_in(namespace, rules.dump) if rule.priority == 2000)
    assert (rule.table, rule.is_for_all) == (116, False)


def test_a_rule_that_refuses_leads_to_no_table(namespace: Path) -> None:
    ip(namespace, "-6", "rule", "add", "pref", "9", "unreachable")
    (rule,) = (rule for rule in namespaces.run_in(namespace, rules.dump) if rule.priority == 9)
    assert (rule.version, rule.table) == (6, 0)
