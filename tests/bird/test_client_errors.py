"""The client against what no daemon should be."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bifilar.bird import BirdClient
from bifilar.errors import DaemonError

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
GREETING = b"0001 BIRD 2.0.12 ready.\n"


def saying(*answers: bytes) -> Talk:
    """A server that gives the first answer at once, and one more for each command."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[0])
        for answer in answers[1:]:
            await reader.readline()
            writer.write(answer)
        writer.close()

    return talk


async def ask(path: Path, *commands: str) -> list[str]:
    """The outcomes of commands, sent in one session."""
    async with BirdClient.connect(path, timeout_s=20, where="spine1") as bird:
        return [(await bird.command(command)).text for command in commands]


def served(talk: Talk, path: Path, *commands: str) -> list[str]:
    """Ask a server in this process."""

    async def both() -> list[str]:
        async with await asyncio.start_unix_server(talk, path):
            return await ask(path, *commands)

    return asyncio.run(both())


@pytest.mark.parametrize(
    ("answers", "what"),
    [
        ([b"220 mail.example ESMTP\n"], "not a line of BIRD's control protocol"),
        ([b"0001 FROB 1.0 ready.\n"], "greets as no BIRD does"),
        ([b"0016 BIRD 2.0.12 ready.\n"], "greets as no BIRD does"),
        ([b""], "closed the connection instead of answering"),
        ([GREETING, b""], "closed the connection instead of answering"),
        ([GREETING, b"1000-BIRD 2.0.12\n1011-Router"], "in the middle of a reply"),
        ([GREETING, b"what?\n"], "not a line of BIRD's control protocol"),
    ],
)
def test_nonsense_and_silence(answers: list[bytes], what: str, tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match=f"^spine1: .*{what}") as caught:
        served(saying(*answers), tmp_path / "ctl", "show status")
    assert caught.value.hint


def test_a_reply_that_nobody_asked_for_is_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    twice = b"0015-tor0: reloading\n0000 first\n0015-tor0: again\n0000 second\n"
    outcomes = served(saying(GREETING, twice, b"0023 3\n"), tmp_path / "ctl", "reload bgp tor0", "eval 1+2")
    assert outcomes == ["first", "3"]
    assert "spine1: dropped a reply that no command asked for: second" in caplog.text


def test_what_the_daemon_says_on_its_own_is_kept(tmp_path: Path) -> None:
    async def both() -> list[str]:
        talk = saying(GREETING, b"+rolled back\n0000 \n")
        async with (
            await asyncio.start_unix_server(talk, tmp_path / "ctl"),
            BirdClient.connect(tmp_path / "ctl", timeout_s=20) as bird,
        ):
            await bird.command("show status")
            return list(bird.printouts)

    assert asyncio.run(both()) == ["rolled back"]


def test_a_reply_that_cannot_be_read_names_the_daemon(tmp_path: Path) -> None:
    async def both() -> None:
        talk = saying(GREETING, b"1007-192.0.2.0/24 carrier-pigeon [a 10:00:00]\n0000 \n")
        async with (
            await asyncio.start_unix_server(talk, tmp_path / "ctl"),
            BirdClient.connect(tmp_path / "ctl", timeout_s=20, where="spine1") as bird,
        ):
            await bird.routes()

    with pytest.raises(DaemonError, match="spine1: cannot read a route's kind"):
        asyncio.run(both())


def test_a_reconfiguration_that_never_ends_is_reported(tmp_path: Path) -> None:
    status = b"1000-BIRD 3.3.2\n1011-Router ID is 10.0.0.1\n0013 Reconfiguration in progress\n"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"0001 BIRD 3.3.2 ready.\n")
        while command := await reader.readline():
            writer.write(status if command == b"show status\n" else b"0004 Reconfiguration in progress\n")
        writer.close()

    async def both() -> None:
        async with (
            await asyncio.start_unix_server(talk, tmp_path / "ctl"),
            BirdClient.connect(tmp_path / "ctl", timeout_s=0.3) as bird,
        ):
            await bird.configure()

    with pytest.raises(
        DaemonError, match=r"still reconfiguring after 0\.3 s|no complete answer to 'show status'"
    ):
        asyncio.run(both())


def test_no_socket(tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match="spine1: there is no control socket") as caught:
        asyncio.run(ask(tmp_path / "none", "show status"))
    assert caught.value.hint == "is the daemon running, with this socket?"


def test_a_file_that_is_no_socket(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DaemonError, match="spine1: nobody answers at"):
        asyncio.run(ask(tmp_path / "file", "show status"))


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match="spine1: cannot connect to"):
        asyncio.run(ask(tmp_path / ("x" * 120), "show status"))
