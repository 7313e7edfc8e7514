"""Every kind of damage, done on purpose: exactly it is found, and nothing is found any more when it is repaired."""

import os
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from bifilar.kernel import namespaces, sysctl
from bifilar.kernel.sysctl import Setting
from pods.audit.scene import BLOCK, BLOCK6, MANAGEMENT, NODE, OTHER, Scene, scene
from pods.hosts import exchange, receiver
from pods.nodes import until

pytestmark = [pytest.mark.lab, pytest.mark.slow]

Damage = Callable[[Scene, Path], None]


@pytest.fixture(scope="module")
def lab() -> Iterator[Scene]:
    """One lab for all; each test leaves it whole."""
    with scene() as made:
        yield made


def test_nothing_is_found_where_nothing_is_broken(lab: Scene) -> None:
    assert lab.found() == {}


def _ip(*words: str, pod: str = "") -> Damage:
    """Damage that ``ip`` does on the server; ``A`` and ``A6`` are addresses of the pod a, ``DEV`` its interface."""

    def do(lab: Scene, _directory: Path) -> None:
        names = {
            "A": lab.address("a"),
            "A6": lab.address("a", 6),
            "DEV": lab.host_end("a"),
            "B": lab.host_end("b"),
        }
        lab.ip(*(names.get(word, word) for word in words))

    def do_inside(lab: Scene, _directory: Path) -> None:
        names = {"A": lab.address(pod), "A6": f"{lab.address(pod, 6)}/128", "M": MANAGEMENT}
        lab.ip_in(pod, *(names.get(word, word) for word in words))

    return do_inside if pod else do


def _sql(statement: str) -> Damage:
    return lambda lab, _directory: lab.sql(statement)


def _both(*damages: Damage) -> Damage:
    def do(lab: Scene, directory: Path) -> None:
        for damage in damages:
            damage(lab, directory)

    return do


def _alias_copied(lab: Scene, _directory: Path) -> None:
    """Another interface says that it is the pod's."""
    lab.ip("link", "add", "twin0", "group", "116", "type", "veth", "peer", "name", "twin1")
    lab.ip("link", "set", "twin0", "alias", lab.alias("a"))


def _half_made(lab: Scene, _directory: Path) -> None:
    lab.ip("link", "add", "half0", "group", "116", "type", "veth", "peer", "name", "half1")
    lab.ip("link", "set", "half0", "alias", "COIL:default:nobody:eth0")


def _nameless(lab: Scene, _directory: Path) -> None:
    lab.ip("link", "add", "half0", "group", "116", "type", "veth", "peer", "name", "half1")


def _setting(key: str) -> Damage:
    return lambda lab, _directory: lab.lab.run_in(NODE, lambda: sysctl.apply([Setting(key, "0")]))


def _reader_disabled(lab: Scene, _directory: Path) -> None:
    lab.birdc("disable", "coil4")
    until(lambda: " down " in lab.birdc("show", "protocols", "coil4"))


def _import_refused(lab: Scene, directory: Path) -> None:
    """The daemon reads the table, and takes nothing from it."""
    lab.misconfigure(directory, ("net ~ [\n\t\t\t\t10.64.0.0/14", "net ~ [\n\t\t\t\t10.1.0.0/16"))
    until(lambda: BLOCK not in lab.birdc("show", "route", "table", "coiltab4"))


def _export_refused(lab: Scene, directory: Path) -> None:
    """The daemon has it, and doesn't tell its first ToR."""
    config = lab.lab.bird_config(NODE).read_text()
    _, session, rest = config.partition("protocol bgp tor1 {")
    begin, marker, end = rest.partition("export filter {\n")
    assert marker
    lab.misconfigure(
        directory,
        (
            session + begin + marker + end,
            f"{session}{begin}{marker}\t\t\tif net = {BLOCK} then reject;\n{end}",
        ),
    )
    until(lambda: BLOCK not in lab.birdc("show", "route", "exported", "tor1"))


def _refused_by_the_neighbour(lab: Scene, directory: Path) -> None:
    """The ToR hears of it, and doesn't believe it."""
    lab.misconfigure(
        directory,
        ("\tgshut_in();\n", f"\tgshut_in();\n\t\t\tif net = {BLOCK} then reject;\n"),
        device="rack0-tor1",
    )
    until(lambda: BLOCK not in lab.birdc("show", "route", "protocol", "server1", device="rack0-tor1"))


DAMAGES: dict[str, tuple[Damage, dict[str, int]]] = {
    "block-not-exported": (_ip("route", "del", BLOCK, "table", "119"), {"export-missing": 1}),
    "block-not-exported-6": (_ip("-6", "route", "del", BLOCK6, "table", "119"), {"export-missing": 1}),
    "foreign-block-exported": (
        _ip("route", "add", "10.64.7.0/27", "dev", "lo", "proto", "30", "table", "119"),
        {"export-extra": 1},
    ),
    "exported-by-another": (
        _ip("route", "add", "10.64.8.0/27", "dev", "lo", "proto", "static", "table", "119"),
        {"export-foreign": 1},
    ),
    "export-replaced": (
        _ip("route", "replace", BLOCK, "dev", "lo", "proto", "static", "table", "119"),
        {"export-foreign": 1},
    ),
    "guard-missing": (_ip("route", "del", "unreachable", BLOCK, "table", "116"), {"guard-missing": 1}),
    "guard-missing-6": (_ip("-6", "route", "del", BLOCK6, "table", "116"), {"guard-missing": 1}),
    "guard-of-nothing": (
        _ip("route", "add", "unreachable", "10.64.9.0/27", "proto", "30", "metric", "4096", "table", "116"),
        {"guard-extra": 1},
    ),
    "forwarding-off": (_setting("net.ipv4.ip_forward"), {"forwarding-off": 1}),
    "forwarding-off-6": (_setting("net.ipv6.conf.all.forwarding"), {"forwarding-off": 1}),
    "rule-missing": (_ip("rule", "del", "pref", "2000"), {"rule-missing": 1}),
    "rule-missing-6": (_ip("-6", "rule", "del", "pref", "2000"), {"rule-missing": 1}),
    "rule-twice": (_ip("rule", "add", "pref", "2001", "lookup", "116"), {"rule-extra": 1}),
    "rule-twice-with-condition": (
        _ip("rule", "add", "pref", "2000", "from", "10.0.0.0/8", "lookup", "116", "protocol", "30"),
        {"rule-extra": 1},
    ),
    "route-missing": (_ip("route", "del", "A", "table", "116"), {"route-missing": 1}),
    "route-missing-6": (_ip("-6", "route", "del", "A6", "table", "116"), {"route-missing": 1}),
    "route-to-nowhere": (
        _ip("route", "add", "10.64.0.20", "dev", "node0", "proto", "30", "table", "116"),
        {"route-stray": 1},
    ),
    "route-to-too-much": (
        _ip("route", "add", "10.64.0.21", "dev", "DEV", "proto", "30", "table", "116"),
        {"route-stray": 1},
    ),
    "route-with-wrong-protocol-and-source": (
        _ip("route", "replace", "A", "dev", "DEV", "proto", "static", "table", "116"),
        {"route-wrong": 1},
    ),
    "route-with-wrong-scope": (
        _both(
            _ip("route", "del", "A", "table", "116"),
            _ip(
                "route",
                "add",
                "A",
                "dev",
                "DEV",
                "proto",
                "30",
                "scope",
                "global",
                "src",
                MANAGEMENT,
                "table",
                "116",
            ),
        ),
        {"route-wrong": 1},
    ),
    "alias-missing": (_ip("link", "set", "DEV", "alias", ""), {"alias-missing": 1}),
    "alias-twice": (_alias_copied, {"key-twice": 1}),
    "half-made": (_half_made, {"incomplete": 1}),
    "nameless": (_nameless, {"alias-missing": 1}),
    "address-twice": (
        _ip("route", "append", "A", "dev", "B", "proto", "30", "table", "116"),
        {"address-twice": 1},
    ),
    "host-end-down": (_ip("link", "set", "DEV", "down"), {"host-end-down": 1}),
    "gateway-missing": (_ip("-6", "addr", "del", "fe80::1/64", "dev", "DEV"), {"gateway-missing": 1}),
    "wrong-mtu": (_ip("link", "set", "DEV", "mtu", "1400"), {"mtu-wrong": 1}),
    "wrong-mac": (_ip("link", "set", "DEV", "address", "02:00:00:00:00:07"), {"mac-wrong": 1}),
    "wrong-group": (_ip("link", "set", "DEV", "group", "7"), {"group-wrong": 1}),
    "pod-end-down": (_ip("link", "set", "eth0", "down", pod="a"), {"pod-end-down": 1}),
    "pod-address-missing": (_ip("addr", "del", "A", "dev", "eth0", pod="a"), {"pod-address-missing": 1}),
    "pod-address-missing-6": (
        _ip("-6", "addr", "del", "A6", "dev", "eth0", pod="a"),
        {"pod-address-missing": 1},
    ),
    "pod-route-missing": (_ip("route", "del", "default", pod="a"), {"pod-route-missing": 1}),
    "pod-route-missing-6": (_ip("-6", "route", "del", "default", pod="a"), {"pod-route-missing": 1}),
    "pod-neighbour-missing": (
        _ip("neigh", "del", "M", "dev", "eth0", pod="a"),
        {"pod-neighbour-missing": 1},
    ),
    "block-free-in-the-store": (
        _sql(f"DELETE FROM blocks WHERE node = '{NODE}'"),  # noqa: S608 - a constant
        {"block-free": 1},
    ),
    "block-of-no-node": (
        _sql("INSERT INTO blocks (pool, place, node) VALUES ('default', 99, 'gone')"),
        {"node-unknown": 1},
    ),
    "reader-disabled": (_reader_disabled, {"daemon-protocol-down": 1}),
    "daemon-refuses-the-block": (_import_refused, {"daemon-lacks-block": 1}),
    "daemon-does-not-announce": (_export_refused, {"not-announced": 1}),
    "neighbour-refuses-the-block": (_refused_by_the_neighbour, {"neighbour-lacks-block": 1}),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_repaired(lab: Scene, tmp_path: Path, name: str) -> None:
    """Exactly it, and the same when one looks again; afterwards there is nothing."""
    damage, expected = DAMAGES[name]
    damage(lab, tmp_path)
    first = lab.audit()
    try:
        kinds = [str(outcome.finding.kind) for outcome in first.outcomes]
        assert {kind: kinds.count(kind) for kind in kinds} == expected, first
        assert lab.audit().outcomes == first.outcomes
    finally:
        mended = lab.audit(mend=True)
    assert [outcome.finding for outcome in mended.outcomes] == [outcome.finding for outcome in first.outcomes]
    assert all(outcome.repaired for outcome in mended.outcomes), mended
    assert mended.good
    assert lab.found() == {}


def test_pods_reach_each_other_after_all(lab: Scene) -> None:
    """The repairs have left the pods as they were."""
    for version in (4, 6):
        one, other = (
            receiver(lab.lab.pods.named(pod).netns, ip_address(lab.address(pod, version)))
            for pod in ("a", "c")
        )
        with one, other:
            exchange(one, other)


def test_a_daemon_that_is_silent_is_told(lab: Scene) -> None:
    socket = lab.places.bird_socket("rack0-tor1")
    hidden = socket.with_suffix(".hidden")
    socket.rename(hidden)
    try:
        assert lab.found() == {"neighbour-silent": 2}
    finally:
        hidden.rename(socket)


def test_the_daemon_of_the_node_that_is_silent_is_an_error(lab: Scene) -> None:
    socket = lab.places.bird_socket(NODE)
    hidden = socket.with_suffix(".hidden")
    socket.rename(hidden)
    try:
        report = lab.audit()
        assert [str(outcome.finding.kind) for outcome in report.outcomes] == ["daemon-silent"]
        assert not report.good
    finally:
        hidden.rename(socket)


def test_a_block_of_another_node_is_told_and_left_alone(lab: Scene) -> None:
    """A pod isn't ended by force; who has it decides."""
    namespace = f"au-{os.getpid()}-foreign"
    namespaces.create(namespace)
    before = lab.interfaces()
    try:
        lab.wire(namespace, "10.64.0.60")
        report = lab.audit(mend=True)
        [outcome] = report.outcomes
        assert (outcome.finding.kind, outcome.finding.object) == ("block-of-another", "10.64.0.60")
        assert OTHER in outcome.finding.what
        assert outcome.finding.hint
        assert not report.good
        assert lab.interfaces() == before + 1
    finally:
        lab.ip_in_namespace(namespace, "link", "del", "eth0")
        namespaces.delete(namespace)
    assert lab.found() == {}


def test_an_interface_is_kept_whose_pod_can_not_be_looked_into(lab: Scene) -> None:
    """Its pod may be alive: its namespace is open somewhere, without a name or a process that could be found."""
    namespace = f"au-{os.getpid()}-hidden"
    descriptor = os.open(namespaces.create(namespace), os.O_RDONLY)
    before = lab.interfaces()
    try:
        lab.wire(namespace, "10.64.0.25")
        namespaces.delete(namespace)
        assert lab.found() == {"pod-not-entered": 1}
        lab.ip("route", "del", "10.64.0.25", "table", "116")
        [outcome] = lab.audit(mend=True).outcomes
        assert (outcome.finding.kind, outcome.finding.repair) == ("incomplete", None)
        assert lab.interfaces() == before + 1
    finally:
        os.close(descriptor)
    # The namespace goes with its last user, and the interface with it.
    until(lambda: lab.interfaces() == before)
    assert lab.found() == {}


def test_an_address_of_no_pool_is_told(lab: Scene) -> None:
    namespace = f"au-{os.getpid()}-nopool"
    namespaces.create(namespace)
    try:
        lab.wire(namespace, "192.168.7.7")
        [outcome] = lab.audit(mend=True).outcomes
        assert (outcome.finding.kind, outcome.repaired) == ("no-pool", False)
    finally:
        lab.ip_in_namespace(namespace, "link", "del", "eth0")
        namespaces.delete(namespace)


def test_an_address_that_two_pods_have_is_told(lab: Scene) -> None:
    """One of the two has to go, and nobody here can say which."""
    mine, others, interface = lab.address("b"), lab.address("a"), lab.host_end("b")
    lab.ip_in("b", "addr", "add", f"{others}/32", "dev", "eth0")
    lab.ip_in("b", "addr", "del", f"{mine}/32", "dev", "eth0")
    lab.ip(
        "route",
        "append",
        others,
        "dev",
        interface,
        "proto",
        "30",
        "scope",
        "link",
        "src",
        MANAGEMENT,
        "table",
        "116",
    )
    lab.ip("route", "del", mine, "table", "116")
    report = lab.audit(mend=True)
    [outcome] = report.outcomes
    assert (outcome.finding.kind, outcome.finding.object, outcome.repaired) == (
        "address-twice",
        others,
        False,
    )
    assert not report.good
    # Pod b gets its own address again, and its interface is put right by that.
    lab.ip_in("b", "addr", "add", f"{mine}/32", "dev", "eth0")
    lab.ip_in("b", "addr", "del", f"{others}/32", "dev", "eth0")
    assert lab.found() == {"address-twice": 1, "route-missing": 1}
    assert lab.audit(mend=True).good
    assert lab.found() == {}


def test_an_end_with_another_name_is_told(lab: Scene) -> None:
    """A renamed interface is up and works; but nobody who looks for ``eth0`` finds it."""
    lab.ip_in("a", "link", "property", "add", "dev", "eth0", "altname", "net1")
    assert lab.found() == {}
    lab.ip_in("a", "link", "property", "del", "dev", "eth0", "altname", "net1")
    lab.ip_in("a", "link", "set", "eth0", "down")
    lab.ip_in("a", "link", "set", "eth0", "name", "net1")
    try:
        [outcome] = lab.audit(mend=True).outcomes
        assert (outcome.finding.kind, outcome.repaired) == ("pod-end-missing", False)
    finally:
        lab.ip_in("a", "link", "set", "net1", "name", "eth0")
    assert lab.found() == {"pod-end-down": 1}
    assert lab.audit(mend=True).good


def test_several_kinds_of_damage_are_repaired_together(lab: Scene) -> None:
    """Several kinds at once, in one go."""
    lab.ip("route", "del", BLOCK, "table", "119")
    lab.ip_in("a", "route", "del", "default")
    lab.ip("link", "set", lab.host_end("b"), "down")
    report = lab.audit(mend=True)
    assert {str(one.finding.kind) for one in report.outcomes} == {
        "export-missing",
        "pod-route-missing",
        "host-end-down",
    }
    assert report.good
    assert lab.found() == {}


def test_damage_behind_damage_is_repaired_too(lab: Scene, tmp_path: Path) -> None:
    """A daemon that doesn't read the table is not asked for what it would refuse from there."""
    _import_refused(lab, tmp_path)
    _reader_disabled(lab, tmp_path)
    assert lab.found() == {"daemon-protocol-down": 1}
    report = lab.audit(mend=True)
    assert [(str(one.finding.kind), one.repaired) for one in report.outcomes] == [
        ("daemon-protocol-down", True),
        ("daemon-lacks-block", True),
    ]
    assert lab.found() == {}


def test_a_refused_repair_is_told_with_the_reason(lab: Scene, tmp_path: Path) -> None:
    """And the other repairs are made."""
    _import_refused(lab, tmp_path)
    lab.ip("rule", "del", "pref", "2000")
    config = lab.lab.bird_config(NODE)
    hidden = config.with_suffix(".hidden")
    config.rename(hidden)
    try:
        report = lab.audit(mend=True)
        rule, block = report.outcomes
        assert (rule.finding.kind, rule.repaired) == ("rule-missing", True)
        assert (block.finding.kind, block.repaired) == ("daemon-lacks-block", False)
        assert "bird.conf" in block.refusal
        assert not report.good
    finally:
        hidden.rename(config)
    assert lab.audit(mend=True).good
    assert lab.found() == {}


def test_pools_that_overlap_are_told(lab: Scene) -> None:
    lab.sql("INSERT INTO ranges (name, prefix) VALUES ('printers', '10.64.3.0/24')")
    try:
        [outcome] = lab.audit(mend=True).outcomes
        assert (outcome.finding.kind, outcome.finding.node, outcome.repaired) == ("pools-overlap", "", False)
        assert "printers" in outcome.finding.what
    finally:
        lab.sql("DELETE FROM ranges WHERE name = 'printers'")
    assert lab.found() == {}
