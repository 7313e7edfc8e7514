from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bifilar.bird import CodeClass, Printout, Reply, ReplyLine, ReplyParser
from bifilar.bird.protocol import LONGEST_LINE
from bifilar.errors import DaemonError

REPLIES = sorted((Path(__file__).parent / "replies").glob("*/*.txt"))


def events(*chunks: bytes) -> list[Reply | Printout | str]:
    """All events of a stream, and the error at its end if there is one."""
    parser = ReplyParser()
    found: list[Reply | Printout | str] = []
    try:
        for chunk in chunks:
            parser.feed(chunk)
            while event := parser.next_event():
                found.append(event)
        parser.feed_eof()
        parser.next_event()
    except DaemonError as error:
        found.append(error.what)
    return found


def test_a_continuation_has_the_code_of_the_line_before() -> None:
    assert events(b"1002-one\n two\n1006-three\n four\n0000 \n") == [
        Reply(
            (
                ReplyLine(1002, "one"),
                ReplyLine(1002, "two"),
                ReplyLine(1006, "three"),
                ReplyLine(1006, "four"),
                ReplyLine(0, ""),
            )
        )
    ]


def test_replies_follow_each_other_on_one_stream() -> None:
    assert [
        event.code for event in events(b"0001 BIRD ready.\n0013 up\n8003 none\n") if isinstance(event, Reply)
    ] == [
        1,
        13,
        8003,
    ]


def test_what_the_daemon_says_on_its_own_belongs_to_no_reply() -> None:
    found = events(b"+before\n1002-row\n+inside\n more\n0000 \n")
    assert found == [
        Printout("before"),
        Printout("inside"),
        Reply((ReplyLine(1002, "row"), ReplyLine(1002, "more"), ReplyLine(0, ""))),
    ]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (13, CodeClass.DONE),
        (1007, CodeClass.ENTRY),
        (2002, CodeClass.HEADING),
        (8001, CodeClass.RUNTIME_ERROR),
        (9001, CodeClass.PARSE_ERROR),
        (5000, None),
    ],
)
def test_the_first_digit_of_a_code_is_its_class(code: int, expected: CodeClass | None) -> None:
    assert ReplyLine(code, "").code_class is expected


@pytest.mark.parametrize(
    "stream",
    [
        b" a continuation of nothing\n",
        b"\n",
        b"12-x\n",
        b"0001_x\n",
        b"0001\n",
        b"HTTP/1.1 400 Bad Request\n",
        "\u0661\u0660\u0660\u0662-digits of another script\n".encode(),
        b"1002 last\n and on\n",
        b"x" * (LONGEST_LINE + 1),
    ],
)
def test_other_protocols_are_refused(stream: bytes) -> None:
    assert str(events(stream)[-1]).startswith("not a line of BIRD's control protocol")


def test_the_error_comes_again_for_ever() -> None:
    parser = ReplyParser("spine1")
    parser.feed(b"nonsense\n0000 \n")
    for _ in range(2):
        with pytest.raises(DaemonError, match="spine1: not a line"):
            parser.next_event()
        parser.feed(b"0000 \n")


@pytest.mark.parametrize("stream", [b"1002-row\n", b"1002-row\n0000", b"00"])
def test_the_end_of_the_stream_inside_a_reply_is_an_error(stream: bytes) -> None:
    assert events(stream) == ["the daemon closed the connection in the middle of a reply"]


def test_the_end_of_the_stream_between_replies_is_not() -> None:
    assert events(b"0000 \n") == [Reply((ReplyLine(0, ""),))]


def test_bytes_that_are_no_utf8_are_shown() -> None:
    assert events(b"1006-caf\xe9\n0000 \n", b"") == [Reply((ReplyLine(1006, "caf\\xe9"), ReplyLine(0, "")))]


@pytest.mark.parametrize("file", REPLIES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_recorded_stream_is_replies_to_its_end(file: Path) -> None:
    found = events(file.read_bytes())
    assert found
    assert all(isinstance(event, Reply) for event in found)


def test_bird3_answers_one_command_twice(recorded: Callable[[str, str], bytes]) -> None:
    """Why a client must not take the next reply for the next command's without a look."""
    found = events(recorded("3.3.2", "node-*-reload-bgp-tor0"))
    assert [event.code for event in found if isinstance(event, Reply)] == [0, 0]


bird_like = st.lists(
    st.sampled_from(
        [b"0000 ", b"1002-row", b" more", b"+said", b"\n", b"8001 no", b"1007-", b"\xc3", b"\xa9", b"9", b"-"]
    )
).map(b"".join)


@given(st.one_of(st.binary(), bird_like), st.lists(st.integers(0, 200), max_size=8))
@example(b"0000 \n" + b"y" * (LONGEST_LINE + 1) + b"\n", [6])
@example(b"0000 \n" + b"y" * (LONGEST_LINE + 1) + b"\n", [7, 9])
@example(b"0000 \n0000 " + b"y" * (LONGEST_LINE - 5) + b"\n0000 \n", [])
def test_any_bytes_give_the_same_events_however_they_are_cut(stream: bytes, cuts: list[int]) -> None:
    """And no bytes raise anything but DaemonError, which :func:`events` alone catches."""
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(places)]
    assert events(*pieces) == events(stream) == events(*(bytes([byte]) for byte in stream))


@given(st.sampled_from(REPLIES), st.data())
def test_a_recorded_reply_is_the_same_however_it_is_cut(file: Path, data: st.DataObject) -> None:
    stream = file.read_bytes()
    cut = data.draw(st.integers(0, len(stream)))
    assert events(stream[:cut], stream[cut:]) == events(stream)
