"""The client against real daemons of both versions."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from bird_daemon import Daemon

from bifilar.bird import BirdClient, RouteKind, RouteQuery
from bifilar.errors import DaemonError

pytestmark = pytest.mark.bird

Conversation = Callable[[BirdClient], Awaitable[None]]


def converse(daemon: Daemon, conversation: Conversation, timeout_s: float = 20) -> None:
    """Run a conversation with a daemon."""

    async def session() -> None:
        async with BirdClient.connect(daemon.control, timeout_s=timeout_s, where="spine1") as bird:
            await conversation(bird)

    asyncio.run(session())


def test_the_state_of_a_daemon(daemon: Daemon) -> None:
    async def conversation(bird: BirdClient) -> None:
        status = await bird.status()
        assert status.router_id == IPv4Address("10.0.0.1")
        assert tuple(map(int, status.version.split("."))) == bird.version >= (2, 0, 12)
        assert (await bird.memory()).total.effective > 1000
        names = {protocol.name for protocol in await bird.protocols()}
        assert {"device1", "blackholes", "absent"} <= names
        (absent,) = await bird.bgp()
        assert absent.bgp is not None
        assert (absent.bgp.state, absent.bgp.neighbour_as) == ("Passive", 64602)
        assert await bird.bfd_sessions() == ()

    converse(daemon, conversation)


def test_routes(daemon: Daemon) -> None:
    async def conversation(bird: BirdClient) -> None:
        routes = {route.network: route.kind for route in await bird.routes()}
        blackhole, unreachable = IPv4Network("192.0.2.0/24"), IPv4Network("198.51.100.0/24")
        assert routes == {blackhole: RouteKind.BLACKHOLE, unreachable: RouteKind.UNREACHABLE}
        assert await bird.routes(RouteQuery(table="spare")) == ()
        assert await bird.routes(RouteQuery(covering=IPv4Address("203.0.113.1"))) == ()
        queries = (
            RouteQuery(covering=IPv4Address("192.0.2.1"), primary=True),
            RouteQuery(within=blackhole, table="master4"),
            RouteQuery(where="dest = RTD_BLACKHOLE", protocol="blackholes", all_attributes=True),
        )
        for query in queries:
            assert [route.network for route in await bird.routes(query)] == [blackhole]

    converse(daemon, conversation)


def test_protocols_are_disabled_enabled_restarted_and_reloaded(daemon: Daemon) -> None:
    async def conversation(bird: BirdClient) -> None:
        async def state() -> str:
            return next(
                protocol.state for protocol in await bird.protocols() if protocol.name == "blackholes"
            )

        async def becomes(expected: str) -> None:
            async with asyncio.timeout(20):
                while await state() != expected:  # noqa: ASYNC110 - the daemon tells nobody
                    await asyncio.sleep(0)

        await bird.disable("blackholes")
        await becomes("down")
        assert await bird.routes() == ()
        await bird.disable("blackholes")
        await bird.enable("blackholes")
        await becomes("up")
        await bird.restart("blackholes")
        await becomes("up")
        await bird.reload("blackholes")
        assert len(await bird.routes()) == 2

    converse(daemon, conversation)


def test_a_new_configuration_is_in_effect_when_configure_returns(daemon: Daemon) -> None:
    before = daemon.configuration.read_text()

    async def conversation(bird: BirdClient) -> None:
        daemon.configuration.write_text(before.replace("router id 10.0.0.1", "router id 10.0.0.2"))
        await bird.check_configuration()
        assert (await bird.status()).router_id == IPv4Address("10.0.0.1")
        await bird.configure(undo_after_s=300)
        assert (await bird.status()).router_id == IPv4Address("10.0.0.2")
        await bird.confirm()
        await bird.undo()
        assert (await bird.status()).router_id == IPv4Address("10.0.0.1")
        await bird.configure(soft=True)
        assert not (await bird.status()).is_reconfiguring

    converse(daemon, conversation)


def test_a_wrong_configuration_is_refused_with_its_place(daemon: Daemon, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.conf"
    wrong.write_text("router id 10.0.0.1;\nprotocol nonsense { }\n")

    async def conversation(bird: BirdClient) -> None:
        for refuse in (bird.check_configuration, bird.configure):
            with pytest.raises(DaemonError) as caught:
                await refuse(wrong)
            assert caught.value.where == "spine1"
            assert caught.value.what.startswith(f"{wrong}:2:10 syntax error")
            assert "goes on with the one before" in caught.value.hint
        assert len(await bird.routes()) == 2

    converse(daemon, conversation)


@pytest.mark.parametrize("command", ["bogus", "show route table 'nope'", "disable 'nope'"])
def test_a_command_that_is_not_understood(daemon: Daemon, command: str) -> None:
    async def conversation(bird: BirdClient) -> None:
        with pytest.raises(DaemonError, match="spine1: syntax error") as caught:
            await bird.command(command)
        assert "nothing has that name" in caught.value.hint
        await bird.status()

    converse(daemon, conversation)


def test_a_command_that_cannot_be_carried_out(daemon: Daemon) -> None:
    async def conversation(bird: BirdClient) -> None:
        with pytest.raises(DaemonError, match="spine1: No protocols match") as caught:
            await bird.command('disable "nope*"')
        assert "show protocols" in caught.value.hint

    converse(daemon, conversation)


def test_commands_of_several_tasks_do_not_mix(daemon: Daemon) -> None:
    async def conversation(bird: BirdClient) -> None:
        answers = await asyncio.gather(*(bird.command(f"eval {number}") for number in range(50)))
        assert [answer.text for answer in answers] == [str(number) for number in range(50)]

    converse(daemon, conversation)


def test_a_stopped_daemon_does_not_hang_the_client(daemon: Daemon) -> None:
    async def conversation(bird: BirdClient) -> None:
        daemon.signal(signal.SIGSTOP)
        with pytest.raises(DaemonError, match=r"no complete answer to 'show status' within 0\.2 s"):
            await bird.command("show status", timeout_s=0.2)
        daemon.signal(signal.SIGCONT)
        with pytest.raises(DaemonError, match="the control session is over"):
            await bird.status()

    converse(daemon, conversation)
    converse(daemon, _is_alive)


async def _is_alive(bird: BirdClient) -> None:
    assert not (await bird.status()).is_reconfiguring


def test_a_daemon_that_is_stopped_does_not_greet(daemon: Daemon) -> None:
    daemon.signal(signal.SIGSTOP)
    with pytest.raises(DaemonError, match="no complete answer to the greeting within"):
        converse(daemon, _is_alive, timeout_s=0.2)


def test_a_daemon_that_dies_while_it_is_asked(daemon: Daemon) -> None:
    async def conversation(bird: BirdClient) -> None:
        daemon.signal(signal.SIGSTOP)
        asked = asyncio.create_task(bird.status())
        await asyncio.sleep(0)
        daemon.signal(signal.SIGKILL)
        with pytest.raises(DaemonError, match="spine1: the daemon closed the connection"):
            await asked

    converse(daemon, conversation)


def test_a_cancelled_command_ends_the_session(daemon: Daemon) -> None:
    async def conversation(bird: BirdClient) -> None:
        daemon.signal(signal.SIGSTOP)
        asked = asyncio.create_task(bird.status())
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        daemon.signal(signal.SIGCONT)
        with pytest.raises(DaemonError, match="'show status' was not answered to the end"):
            await bird.status()

    converse(daemon, conversation)


def test_shutting_down_leaves_a_socket_that_nobody_answers(daemon: Daemon) -> None:
    async def conversation(bird: BirdClient) -> None:
        await bird.shut_down()

    converse(daemon, conversation)
    daemon.process.wait(20)
    with pytest.raises(DaemonError, match=r"spine1: (there is no control socket|nobody answers at)"):
        converse(daemon, _is_alive)
