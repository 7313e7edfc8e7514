"""Pure module: the rules that lead to the table of pods, and whether the node forwards at all."""

from collections import Counter
from collections.abc import Iterator
from socket import AF_INET, AF_INET6

from bifilar.kernel import requests
from bifilar.kernel.requests import Request
from bifilar.kernel.rules import KernelRule
from bifilar.kernel.sysctl import Setting
from bifilar.pods.audit.findings import Configure, Finding, Kind, Repair, Send, error, warning
from bifilar.pods.audit.seen import Seen
from bifilar.pods.numbers import FORWARDING, POD_RULE_PRIORITY, POD_TABLE, ROUTE_PROTOCOL
from bifilar.pods.observe import is_pod_rule

_FAMILIES = {4: AF_INET, 6: AF_INET6}


def of_forwarding(seen: Seen) -> Iterator[Finding]:
    """A node forwards what it has pods for."""
    for version in sorted(address.version for address in seen.node.management.each()):
        if version not in seen.kernel.forwarding:
            key = FORWARDING[version]
            repair = Repair(f"set {key} to 1", (Configure((Setting(key, "1"),)),))
            what = f"is 0: packets of IPv{version} don't get to pods"
            yield error(Kind.FORWARDING_OFF, seen.node.name, key, what, repair)


def of_rules(seen: Seen) -> Iterator[Finding]:
    """One rule of each family that the node has, and no other."""
    node = seen.node.name
    leading = [rule for rule in seen.kernel.rules if rule.table == POD_TABLE]
    for version in sorted(address.version for address in seen.node.management.each()):
        if not any(is_pod_rule(rule) for rule in leading if rule.version == version):
            repair = Repair(f"add rule {POD_RULE_PRIORITY} of IPv{version}", (Send((_ours(version),)),))
            yield error(
                Kind.RULE_MISSING,
                node,
                f"IPv{version} rule {POD_RULE_PRIORITY}",
                f"is missing: packets don't look into table {POD_TABLE}",
                repair,
            )
    counts = Counter(leading)
    for rule in sorted(counts, key=lambda rule: (rule.version, rule.priority, rule.protocol)):
        if is_pod_rule(rule) and counts[rule] == 1:
            continue
        condition = "" if rule.is_for_all else " for some packets"
        yield warning(
            Kind.RULE_EXTRA,
            node,
            f"IPv{rule.version} rule {rule.priority}",
            f"leads to table {POD_TABLE}{condition} too, from protocol {rule.protocol}",
            Repair(f"remove rule {rule.priority} of IPv{rule.version}", (Send(_removal(rule, leading)),)),
        )


def _removal(rule: KernelRule, leading: list[KernelRule]) -> tuple[Request, ...]:
    """Remove all that the kernel can't tell from a rule, and put ours back."""
    alike = [
        each
        for each in leading
        if (each.version, each.priority, each.protocol) == (rule.version, rule.priority, rule.protocol)
    ]
    gone = requests.delete_rule(_FAMILIES[rule.version], rule.priority, rule.table, rule.protocol)
    return (*[gone] * len(alike), _ours(rule.version))


def _ours(version: int) -> Request:
    return requests.add_rule(_FAMILIES[version], POD_RULE_PRIORITY, POD_TABLE, ROUTE_PROTOCOL)
