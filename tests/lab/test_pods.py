"""Pods of a lab: made, used, removed, and nothing of them left."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from bifilar.errors import InputError, LabError
from bifilar.fabric import Fabric, design
from bifilar.fabric.model import POD_EXPORT_TABLE, POD_TABLE
from bifilar.intent import parse_intent
from bifilar.kernel import namespaces, routes
from bifilar.lab import Lab, agents, daemons, pools
from bifilar.lab.places import places_of
from bifilar.lab.records import Pod
from bifilar.pods.pool_specs import checked
from bifilar.pods.pools import block_at, check_apart

Example = Callable[[str], tuple[Fabric, str]]

ARTICLE = Path(__file__).parents[2] / "examples" / "article.yaml"


@pytest.mark.parametrize("example_name", ["article", "dual-stack", "ipv6-only", "neco", "five-stage"])
def test_the_default_pool_is_the_fabrics_and_apart_from_all_else(example: Example, example_name: str) -> None:
    fabric, _ = example(example_name)
    pool = checked(pools.default_pool(fabric))
    check_apart(pool, [], pools.other_ranges(fabric))
    [subnet] = pool.subnets
    assert {prefix.version for prefix in subnet.prefixes()} == {prefix.version for prefix in fabric.pods}
    for prefix in subnet.prefixes():
        assert any(prefix.subnet_of(whole) for whole in fabric.pods if whole.version == prefix.version)  # type: ignore[arg-type]
    assert block_at(pool, 0).size == 32


def test_of_the_larger_family_a_dual_stack_pool_has_the_beginning(example: Example) -> None:
    fabric, _ = example("dual-stack")
    [subnet] = pools.default_pool(fabric).subnets
    assert list(subnet.prefixes()) == [ip_network("10.64.0.0/14"), ip_network("fd00:64::/110")]


def test_every_address_of_the_fabric_is_refused_to_pods(example: Example) -> None:
    fabric, _ = example("neco")
    ranges = [prefix for prefixes in pools.other_ranges(fabric).values() for prefix in prefixes]
    for device in fabric.devices:
        for interface in device.interfaces:
            for address in interface.addresses:
                assert any(address.ip in prefix for prefix in ranges), (device.name, address)


def test_a_fabric_without_pod_addresses_has_no_pool() -> None:
    fabric = design(parse_intent(ARTICLE.read_text().replace("  pods: 10.64.0.0/14\n", "")))
    with pytest.raises(LabError, match="no addresses for pods"):
        pools.default_pool(fabric)


def _in(lab: Lab, pod: str, *words: str) -> str:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(words, capture_output=True, text=True, check=True)

    return lab.pods.run_in(pod, run).stdout


def _table(lab: Lab, device: str, table: int) -> set[str]:
    return {str(route.prefix) for route in lab.run_in(device, lambda: routes.dump(table))}


@pytest.fixture
def one_pod(article: Lab) -> Iterator[Pod]:
    """A pod on the first server."""
    yield article.pods.run("one", "rack0-server1")
    if any(pod.name == "one" for pod in article.pods.all()):
        article.pods.remove("one")


@pytest.mark.lab
def test_a_pod_is_attached_as_a_runtime_would(article: Lab, one_pod: Pod) -> None:
    [address] = one_pod.addresses
    assert address in ip_network("10.64.0.0/14")
    assert article.pods.named("one") == one_pod
    assert f"{address}/32" in _in(article, "one", "ip", "-brief", "address", "show", "eth0")
    assert f"{address}/32" in _table(article, "rack0-server1", POD_TABLE)
    assert any(address in ip_network(block) for block in _table(article, "rack0-server1", POD_EXPORT_TABLE))
    assert len(article.pods.processes(one_pod)) == 1


@pytest.mark.lab
def test_a_second_pod_of_a_name_is_refused_and_the_first_stays(article: Lab, one_pod: Pod) -> None:
    with pytest.raises(LabError, match="there is a pod of this name"):
        article.pods.run("one", "rack1-server1")
    assert article.pods.all() == (one_pod,)


@pytest.mark.lab
def test_a_removed_pod_leaves_no_route_interface_or_namespace(article: Lab) -> None:
    pod = article.pods.run("gone", "rack0-server2")
    [address] = pod.addresses
    [process] = article.pods.processes(pod)
    links = article.run_in("rack0-server2", lambda: {name for _, name in socket.if_nameindex()})
    article.pods.remove("gone")
    assert article.pods.all() == ()
    assert not pod.netns.exists()
    assert not Path(f"/proc/{process}").exists()
    assert f"{address}/32" not in _table(article, "rack0-server2", POD_TABLE)
    left = article.run_in("rack0-server2", lambda: {name for _, name in socket.if_nameindex()})
    assert len(left) == len(links) - 1
    with pytest.raises(LabError, match="no such pod"):
        article.pods.remove("gone")


@pytest.mark.lab
def test_agents_start_with_the_first_pod_of_their_device_and_are_used_again(article: Lab) -> None:
    places = places_of(article.name)
    assert agents.find(places, "rack1-server3") is None
    article.pods.run("first", "rack1-server3")
    agent = agents.find(places, "rack1-server3")
    article.pods.run("second", "rack1-server3")
    assert agent is not None
    assert agents.find(places, "rack1-server3") == agent
    assert agents.find(places, "rack1-server2") is None
    os.kill(agent, signal.SIGKILL)
    # An agent that has died is started anew, and knows the pods.
    article.pods.remove("first")
    assert agents.find(places, "rack1-server3") not in {None, agent}
    [address] = article.pods.named("second").addresses
    assert _table(article, "rack1-server3", POD_TABLE) >= {f"{address}/32"}
    article.pods.remove("second")


@pytest.mark.lab
def test_a_namespace_that_was_there_is_attached_and_stays(article: Lab, lab_name: str) -> None:
    name = f"{lab_name}-lent"
    path = namespaces.create(name)
    try:
        pod = article.pods.run("lent", "rack0-server1", netns=path)
        assert pod.netns == path
        assert str(pod.addresses[0]) in _in(article, "lent", "ip", "-brief", "address", "show", "eth0")
        assert article.pods.processes(pod) == ()
        article.pods.remove("lent")
        assert path.exists()
        assert namespaces.run_in(path, lambda: [n for _, n in socket.if_nameindex()]) == ["lo"]
    finally:
        namespaces.delete(name)


@pytest.mark.lab
@pytest.mark.parametrize(
    ("device", "what"),
    [
        ("rack0-tor1", "a tor has no pods"),
        ("rack9-server1", "there is no such device"),
    ],
)
def test_only_servers_have_pods(article: Lab, device: str, what: str) -> None:
    with pytest.raises(LabError, match=what) as refused:
        article.pods.run("nowhere", device)
    assert "rack0-server1" in refused.value.hint
    assert article.pods.all() == ()


@pytest.mark.lab
@pytest.mark.parametrize("name", ["", "a/b", "..", "Upper", "-a", "a" * 64])
def test_a_name_that_could_not_be_a_pods_is_refused(article: Lab, name: str) -> None:
    with pytest.raises(InputError, match="no name of a pod"):
        article.pods.run(name, "rack0-server1")
    with pytest.raises(LabError, match="no such pod"):
        article.pods.named(name)


@pytest.mark.lab
def test_a_pool_that_is_not_there_is_refused_and_the_namespace_keeps_its_own(article: Lab) -> None:
    with pytest.raises(InputError, match="there is no pool of this name") as refused:
        article.pods.run("nowhere", "rack0-server1", pool="public")
    assert refused.value.hint == "the pools: default"
    article.pods.run("one", "rack0-server1", pool="default")
    article.pods.remove("one")


@pytest.mark.lab
def test_a_namespace_of_the_pods_name_that_is_not_ours_is_left_alone(article: Lab) -> None:
    name = f"bf-{article.name}-pod-foreign"
    path = namespaces.create(name)
    try:
        with pytest.raises(LabError, match=f"there is a namespace {name}"):
            article.pods.run("foreign", "rack0-server1")
        assert path.exists()
    finally:
        namespaces.delete(name)


@pytest.mark.lab
def test_an_agent_that_dies_is_told_with_its_last_words(article: Lab) -> None:
    socket_path = places_of(article.name).agent_socket("rack0-server3")
    (socket_path / "in-the-way").mkdir(parents=True)
    try:
        with pytest.raises(LabError, match=r"rack0-server3: the agent has died: (?!without a word)"):
            article.pods.run("nowhere", "rack0-server3")
        assert article.pods.all() == ()
    finally:
        shutil.rmtree(socket_path)


@pytest.mark.lab
def test_commands_at_the_same_time_wait_for_each_other(article: Lab) -> None:
    program = Path(sys.executable).with_name("bifilar")
    devices = ("rack0-server3", "rack1-server2")
    commands = [
        [program, "lab", "pod", "run", f"p{number}", "--on", devices[number % 2], "--name", article.name]
        for number in range(6)
    ]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    assert [process.wait() for process in running] == [0] * 6
    made = article.pods.all()
    assert len({pod.addresses for pod in made}) == 6
    for device in devices:
        ours, _ = daemons.find(article.name, daemons.inodes_of(places_of(article.name), [device]))
        assert sum(process.is_agent for process in ours) == 1
    for pod in made:
        article.pods.remove(pod.name)
