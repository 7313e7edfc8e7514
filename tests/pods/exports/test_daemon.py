"""A node and its ToR, each with a real BIRD, and a session with a speaker that nobody tells anything."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_interface, ip_network
from pathlib import Path
from time import monotonic, sleep

import pytest

from bifilar.bird import BirdClient, Export, RouteQuery, bird_command
from bifilar.errors import DaemonError
from bifilar.kernel.links import configure
from bifilar.pods import exports
from bifilar.pods.exports import Changes, apply, plan
from bifilar.pods.model import Prefix
from pods.hosts import DEADLINE_S, Host

pytestmark = pytest.mark.lab

BLOCKS: tuple[Prefix, ...] = (ip_network("10.64.0.0/27"), ip_network("fd64::/123"))
NODE_CONFIGURATION = """
router id 10.69.0.4;
protocol device {}
ipv4 table pods4;
protocol kernel kernel4 { kernel table 119; learn; scan time 1; ipv4 { table pods4; import all; export none; }; }
protocol pipe pipe4 { table master4; peer table pods4; import all; export none; }
ipv6 table pods6;
protocol kernel kernel6 { kernel table 119; learn; scan time 1; ipv6 { table pods6; import all; export none; }; }
protocol pipe pipe6 { table master6; peer table pods6; import all; export none; }
template bgp tor { connect delay time 1; connect retry time 1; ipv4 { import all; export all; extended next hop; }; ipv6 { import all; export all; }; }
protocol bgp tor4 from tor { local 10.69.1.2 as 64601; neighbor 10.69.1.1 as 64600; }
protocol bgp tor6 from tor { local fd69:1::2 as 64601; neighbor fd69:1::1 as 64600; }
protocol bgp speaker { local 127.0.0.1 port 1790 as 64699; neighbor 127.0.0.1 as 64698; multihop; passive; ipv4 { import all; export none; }; }
"""
TOR_CONFIGURATION = """
router id 10.69.1.1;
protocol device {}
template bgp node { connect delay time 1; connect retry time 1; ipv4 { import all; export none; extended next hop; }; ipv6 { import all; export none; }; }
protocol bgp node4 from node { local 10.69.1.1 as 64600; neighbor 10.69.1.2 as 64601; }
protocol bgp node6 from node { local fd69:1::1 as 64600; neighbor fd69:1::2 as 64601; }
"""
Question = Callable[[BirdClient, Collection[Prefix]], Awaitable[bool]]


class Rack:
    """A node, its ToR, and their daemons."""

    def __init__(self, host: Host, directory: Path) -> None:
        self.host = host
        self.tor = host.make_namespace()
        self.socket = directory / "node.ctl"
        self.tor_socket = directory / "tor.ctl"
        host.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.tor.name)
        for namespace, last in ((host.namespace, 2), (self.tor, 1)):
            configure(
                namespace,
                lambda links: links.set_up("lo"),
                lambda links: links.set_up("eth0"),
                *(
                    lambda links, text=text: links.add_address("eth0", ip_interface(text))
                    for text in (f"10.69.1.{last}/24", f"fd69:1::{last}/64")
                ),
            )

    def sync(self, exported: Collection[Prefix]) -> None:
        """Make the node's tables hold these blocks, guarded or not."""
        seen = self.host.observation()
        changes: Changes = plan(exported, BLOCKS, seen.exports, seen.guards)
        self.host.run(lambda: apply(changes))

    def ask(self, question: Question, prefixes: Collection[Prefix] = BLOCKS) -> bool:
        """Ask the node's daemon, in the node's namespace."""

        async def asking() -> bool:
            async with BirdClient.connect(self.socket, timeout_s=DEADLINE_S) as bird:
                return await question(bird, prefixes)

        return self.host.run(lambda: asyncio.run(asking()))

    def has_learnt(self) -> set[Prefix]:
        """The blocks that the ToR knows."""

        async def asking() -> set[Prefix]:
            async with BirdClient.connect(self.tor_socket, timeout_s=DEADLINE_S) as bird:
                return {route.network for route in await bird.routes()}.intersection(BLOCKS)

        return asyncio.run(asking())

    def sent(self) -> set[Prefix]:
        """The blocks that the daemon has written to the ToR, in any session."""

        async def asking() -> set[Prefix]:
            async with BirdClient.connect(self.socket, timeout_s=DEADLINE_S) as bird:
                queries = [RouteQuery(export=Export.SENT, exported_to=name) for name in ("tor4", "tor6")]
                return {route.network for query in queries for route in await bird.routes(query)}

        return asyncio.run(asking()).intersection(BLOCKS)

    def established(self) -> set[str]:
        """The node's sessions that are up."""

        async def asking() -> set[str]:
            async with BirdClient.connect(self.socket, timeout_s=DEADLINE_S) as bird:
                return {session.name for session in await bird.bgp() if session.is_up}

        return asyncio.run(asking())


@contextmanager
def daemon(namespace: Path, configuration: str, control: Path) -> Iterator[None]:
    file = control.with_suffix(".conf")
    file.write_text(configuration)
    command = [
        "ip",
        "netns",
        "exec",
        namespace.name,
        *bird_command(),
        "-f",
        "-c",
        str(file),
        "-s",
        str(control),
    ]
    process = subprocess.Popen([*command, "-P", str(control.with_suffix(".pid"))], stderr=subprocess.DEVNULL)
    try:
        until(control.exists, "the daemon")
        yield
    finally:
        process.kill()
        process.wait()


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = monotonic() + DEADLINE_S
    while not condition():
        assert monotonic() < deadline, f"waited in vain for {what}"
        sleep(0.01)


@pytest.fixture
def rack(host: Host, tmp_path: Path) -> Iterator[Rack]:
    made = Rack(host, tmp_path)
    with ExitStack() as daemons:
        daemons.enter_context(daemon(made.tor, TOR_CONFIGURATION, made.tor_socket))
        daemons.enter_context(daemon(host.namespace, NODE_CONFIGURATION, made.socket))
        until(lambda: made.established() == {"tor4", "tor6"}, "the sessions")
        yield made


def test_a_block_is_announced_and_withdrawn(rack: Rack) -> None:
    """The blocks are each other's control: the first is announced all the time."""
    until(lambda: rack.ask(exports.withdrawn), "the ToR to take the first messages")
    assert not rack.ask(exports.announced)
    rack.sync(BLOCKS[:1])
    until(lambda: rack.ask(exports.announced, BLOCKS[:1]), "the first block to be announced")
    until(lambda: rack.has_learnt() == set(BLOCKS[:1]), "the ToR to learn it")
    assert not rack.ask(exports.announced)
    until(lambda: rack.ask(exports.withdrawn, BLOCKS[1:]), "the ToR to take it")
    rack.sync(BLOCKS)
    until(lambda: rack.ask(exports.announced), "both blocks to be announced")
    assert not rack.ask(exports.withdrawn, BLOCKS[1:])
    rack.sync(BLOCKS[:1])
    until(lambda: rack.ask(exports.withdrawn, BLOCKS[1:]), "the second block to be withdrawn")
    until(lambda: rack.has_learnt() == set(BLOCKS[:1]), "the ToR to forget it")
    assert rack.ask(exports.announced, BLOCKS[:1])


def test_a_withdrawal_that_does_not_arrive(rack: Rack) -> None:
    """The daemon has written it, the ToR's kernel hasn't taken it."""
    rack.sync(BLOCKS)
    until(lambda: rack.ask(exports.announced), "the blocks to be announced")
    rules = (
        "add table inet lost; add chain inet lost input { type filter hook input priority 0; policy drop; }"
    )
    nft = ["ip", "netns", "exec", rack.tor.name, "nft"]
    subprocess.run([*nft, rules], check=True)
    rack.sync(())

    until(lambda: not rack.sent(), "the daemon to write it")
    assert not rack.ask(exports.withdrawn)
    subprocess.run([*nft, "delete table inet lost"], check=True)
    until(lambda: rack.ask(exports.withdrawn), "it to arrive")
    until(lambda: rack.has_learnt() == set(), "the ToR to forget the blocks")


def test_nothing_is_announced_without_a_session(rack: Rack) -> None:
    rack.sync(BLOCKS)
    until(lambda: rack.ask(exports.announced), "the blocks to be announced")

    async def stop(bird: BirdClient, _prefixes: Collection[Prefix]) -> bool:
        for name in ("tor4", "tor6"):
            await bird.disable(name)
        return True

    rack.ask(stop)
    until(lambda: not rack.established(), "the sessions to end")
    assert not rack.ask(exports.announced)
    assert rack.ask(exports.withdrawn)


def test_a_daemon_that_is_away(host: Host, tmp_path: Path) -> None:
    rack = Rack(host, tmp_path)
    for question in (exports.announced, exports.withdrawn):
        with pytest.raises(DaemonError):
            rack.ask(question)
