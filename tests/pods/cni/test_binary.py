"""The plugin's binary: what it carries to the agent and back, and what it says where there is none."""

import json
import os
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bifilar.pods import plugin
from bifilar.pods.cni import answer
from pods.cni.matrix import Case, cases
from pods.cni.outcomes import Outcome, outcome, perform, run
from pods.cni.plugin_socket import agent_at, parse, received

ADD = {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": "3f9c", "CNI_IFNAME": "eth0", "CNI_NETNS": "/run/netns/a"}
PATIENCE_S = 30


def ask(environment: Mapping[str, str], stdin: bytes) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([plugin.binary()], env=environment, input=stdin, capture_output=True, check=False)


def error_of(environment: Mapping[str, str], configuration: object) -> dict[str, object]:
    done = ask(environment, json.dumps(configuration).encode())
    assert (done.returncode, done.stderr) == (1, b"")
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_needs_no_library_of_its_host() -> None:
    """No segment of the file names a loader."""
    content = plugin.binary().read_bytes()
    (offset,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    kinds = [struct.unpack_from("<I", content, offset + place * size)[0] for place in range(count)]
    assert 1 in kinds  # PT_LOAD: these are the segments
    assert 3 not in kinds  # PT_INTERP


def test_looks_for_the_agent_where_it_usually_is() -> None:
    assert str(plugin.DEFAULT_SOCKET).encode() in plugin.binary().read_bytes()


def test_answers_version_itself_as_the_agent_would() -> None:
    done = ask({"CNI_COMMAND": "VERSION"}, b"")
    expected = answer({"CNI_COMMAND": "VERSION"}, b"", perform)
    assert (done.returncode, done.stdout) == (0, expected.output)


def test_without_a_command_it_does_not_wait_for_a_configuration() -> None:
    reading, writing = os.pipe()
    try:
        done = subprocess.run(
            [plugin.binary()], env={}, stdin=reading, capture_output=True, check=False, timeout=60
        )
    finally:
        os.close(reading)
        os.close(writing)
    assert (done.returncode, json.loads(done.stdout)["code"]) == (1, 4)


@pytest.mark.parametrize(
    "stdin", [b"", b"{}", b'{"name":"n\\u0000"}\n', b"\0\0x\0", bytes(range(256)) * 9000]
)
def test_carries_variables_and_input_unchanged(tmp_path: Path, stdin: bytes) -> None:
    path = tmp_path / "cni.sock"
    whole = json.dumps({"socket": str(path)}).encode() + stdin
    requests = []

    def take(connection: socket.socket) -> None:
        requests.append(received(connection))
        connection.sendall(b"0")

    variables = {**ADD, "CNI_ARGS": "A=1;B=\u00e4\n", "CNI_EMPTY": "", "OTHER": "x", "XCNI_A": "x"}
    with agent_at(path, take):
        assert ask(variables, whole).returncode == 0
    (request,) = requests
    expected = {name: value for name, value in variables.items() if name.startswith("CNI_")}
    assert parse(request) == (expected, whole)


@pytest.mark.parametrize("status", [0, 1])
@pytest.mark.parametrize("output", [b"", b"{}", b"\xff\0\n", b"x" * 3_000_000])
def test_prints_the_answer_unchanged(tmp_path: Path, status: int, output: bytes) -> None:
    path = tmp_path / "cni.sock"

    def say(connection: socket.socket) -> None:
        received(connection)
        connection.sendall(str(status).encode() + output)

    with agent_at(path, say):
        done = ask(ADD, json.dumps({"socket": str(path)}).encode())
    assert (done.returncode, done.stdout, done.stderr) == (status, output, b"")


@pytest.mark.parametrize(
    ("verb", "code"), [("ADD", 11), ("DEL", 11), ("CHECK", 11), ("GC", 11), ("STATUS", 50)]
)
def test_without_an_agent_a_runtime_is_told_to_try_again(tmp_path: Path, verb: str, code: int) -> None:
    path = tmp_path / 'no "such" \\ thing'
    error = error_of({**ADD, "CNI_COMMAND": verb}, {"cniVersion": "0.4.0", "socket": str(path)})
    assert (error["cniVersion"], error["code"]) == ("0.4.0", code)
    assert error["msg"] == "the node's agent does not answer"
    assert str(error["details"]).startswith(f"{path}: No such file or directory")


@pytest.mark.parametrize("said", [b"", b"2", b"{}"])
@pytest.mark.parametrize("listens", [True, False])
def test_an_agent_that_dies_or_talks_nonsense_is_none(tmp_path: Path, said: bytes, listens: bool) -> None:
    path = tmp_path / "cni.sock"

    def die(connection: socket.socket) -> None:
        if listens:
            received(connection)
        connection.sendall(said)

    with agent_at(path, die):
        error = error_of(ADD, {"socket": str(path), "cniVersion": "1.0.0", "more": "x" * 1_000_000})
    assert (error["code"], error["cniVersion"]) == (11, "1.0.0")


@pytest.mark.slow
def test_an_agent_that_hangs_is_not_waited_for_long(tmp_path: Path) -> None:
    """Whether it has taken the connection or, its queue being full, not even that."""
    silent, full = tmp_path / "silent.sock", tmp_path / "full.sock"
    with ExitStack() as stack:
        for path, queue in ((silent, 16), (full, 0)):
            listening = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            listening.bind(str(path))
            listening.listen(queue)
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        waiting.connect(str(full))
        began = monotonic()
        running = [
            (path, stack.enter_context(_started({"socket": str(path), "cniVersion": "1.1.0"})))
            for path in (silent, full)
        ]
        for path, process in running:
            output, _ = process.communicate(timeout=PATIENCE_S * 3)
            assert process.returncode == 1
            assert json.loads(output) == {
                "cniVersion": "1.1.0",
                "code": 11,
                "msg": "the node's agent does not answer",
                "details": f"{path}: no answer within {PATIENCE_S} s",
            }
        assert monotonic() - began >= PATIENCE_S


def _started(configuration: object) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([plugin.binary()], env=ADD, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps(configuration).encode())
    process.stdin.close()
    process.stdin = None
    return process


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("cniVersion"), inner, max_size=3)
    ),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=st.dictionaries(TEXTS, VALUES, max_size=3),
    version=VALUES,
    after=st.dictionaries(TEXTS, VALUES, max_size=3),
    escaped=st.booleans(),
    indent=st.sampled_from([None, 0, 1, "\t"]),
)
def test_finds_its_keys_where_a_json_reader_does(
    tmp_path: Path,
    before: dict[str, object],
    version: object,
    after: dict[str, object],
    *,
    escaped: bool,
    indent: int | str | None,
) -> None:
    configuration = {**before, "cniVersion": version, "socket": str(tmp_path / "none"), **after}
    text = json.dumps(configuration, ensure_ascii=escaped, indent=indent).encode()
    done = ask(ADD, text)
    error = json.loads(done.stdout)
    found = configuration["cniVersion"]
    assert error["cniVersion"] == (found if isinstance(found, str) and found else "1.1.0")
    assert error["details"].startswith(str(configuration["socket"]))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text('{}[]",:\\u019 ').map(str.encode))
def test_no_input_makes_it_crash(stdin: bytes) -> None:
    done = ask({"CNI_COMMAND": "STATUS"}, stdin)
    assert done.returncode == 1
    assert json.loads(done.stdout)["code"] in range(1, 1000)


def _with_socket(path: Path) -> Iterator[Case]:
    """The cases of the matrix whose configuration can name a socket; an object that breaks off later can, too."""
    member = f'{{"socket":{json.dumps(str(path))},'.encode()
    for case in cases():
        if case.stdin.startswith(b'{"'):
            yield Case(case.name, case.environment, member + case.stdin[1:])


def test_makes_of_every_case_what_the_agent_makes_of_it(tmp_path: Path) -> None:
    path = tmp_path / "cni.sock"

    def decide(connection: socket.socket) -> None:
        answered = answer(*parse(received(connection)), perform)
        connection.sendall((b"1" if answered.failed else b"0") + answered.output)

    different = []
    with agent_at(path, decide):
        for case in _with_socket(path):
            expected = answer(case.environment, case.stdin, perform)
            ours, theirs = outcome(int(expected.failed), expected.output), run(plugin.binary(), case)
            if not _same(ours, theirs):
                different.append(f"{case.name}\n  agent  {ours}\n  plugin {theirs}")
    assert not different, "\n".join(different[:10])


def _same(one: Outcome, other: Outcome) -> bool:
    """A missing command is told by the plugin, in words of its own."""
    if one.code == 4:
        return (one.status, one.code) == (other.status, other.code)
    return one == other
