"""The socket of the agent."""

import socket
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from bifilar.errors import MachineError, OperationError
from bifilar.pods.cni import Answer
from bifilar.pods.server import Reply, Server

Seen = tuple[dict[str, str], bytes]


@contextmanager
def served(path: Path, handle: Callable[[Mapping[str, str], bytes, Reply], None]) -> Iterator[Server]:
    with Server(path, handle) as server:
        serving = threading.Thread(target=server.serve)
        serving.start()
        yield server
        server.stop()
        serving.join(20)
        assert not serving.is_alive()


def ask(path: Path, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"CNI_COMMAND=ADD\0CNI_ARGS=a=b\0\0{}", ({"CNI_COMMAND": "ADD", "CNI_ARGS": "a=b"}, b"{}")),
        (b"CNI_COMMAND=GC\0\0{\0\0}", ({"CNI_COMMAND": "GC"}, b"{\0\0}")),
        (b"\0{}", ({}, b"{}")),
    ],
)
def test_environment_and_input_come_as_they_were_sent(
    tmp_path: Path, request_: bytes, expected: Seen
) -> None:
    seen: list[Seen] = []

    def handle(environment: Mapping[str, str], stdin: bytes, reply: Reply) -> None:
        seen.append((dict(environment), stdin))
        reply(Answer(failed=True, output=b"no"))

    with served(tmp_path / "socket", handle):
        assert ask(tmp_path / "socket", request_) == b"1no"
    assert seen == [expected]


def test_a_request_that_breaks_us_is_answered_by_silence_and_the_next_one_is_served(tmp_path: Path) -> None:
    def handle(environment: Mapping[str, str], _stdin: bytes, reply: Reply) -> None:
        if environment["CNI_COMMAND"] == "ADD":
            raise RuntimeError("a bug")
        reply(Answer(failed=False, output=b""))

    with served(tmp_path / "socket", handle):
        assert ask(tmp_path / "socket", b"CNI_COMMAND=ADD\0\0") == b""
        assert ask(tmp_path / "socket", b"CNI_COMMAND=DEL\0\0") == b"0"


def test_more_at_once_than_there_are_threads(tmp_path: Path) -> None:
    def handle(_environment: Mapping[str, str], stdin: bytes, reply: Reply) -> None:
        reply(Answer(failed=False, output=stdin))

    answers: list[bytes] = []
    with served(tmp_path / "socket", handle):
        askers = [
            threading.Thread(target=lambda n=n: answers.append(ask(tmp_path / "socket", b"\0%d" % n)))  # type: ignore[misc] # n is bound
            for n in range(200)
        ]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
    assert sorted(answers) == sorted(b"0%d" % n for n in range(200))


def test_only_root_may_ask(tmp_path: Path) -> None:
    with served(tmp_path / "socket", lambda _environment, _stdin, _reply: None):
        assert stat.S_IMODE((tmp_path / "socket").stat().st_mode) == 0o600


def test_what_a_killed_agent_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    (tmp_path / "socket.new").touch()
    with served(path, lambda _environment, _stdin, reply: reply(Answer(failed=False, output=b""))):
        assert ask(path, b"\0") == b"0"
    assert [each.name for each in tmp_path.iterdir()] == ["socket.lock"]


def test_a_second_server_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with served(path, lambda _environment, _stdin, reply: reply(Answer(failed=False, output=b""))):
        with pytest.raises(OperationError, match="another agent answers here"):
            Server(path, lambda _environment, _stdin, _reply: None)
        assert ask(path, b"\0") == b"0"


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="no socket can be made"):
        Server(tmp_path / ("x" * 108), lambda _environment, _stdin, _reply: None)
