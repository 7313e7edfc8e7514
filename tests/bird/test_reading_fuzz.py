"""Whatever a reply says, reading it gives a value or a DaemonError."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifilar.bird import (
    Reply,
    ReplyLine,
    ReplyParser,
    read_bfd_sessions,
    read_memory,
    read_protocols,
    read_routes,
    read_status,
)
from bifilar.errors import DaemonError

READERS = (read_status, read_memory, read_protocols, read_bfd_sessions, read_routes)


def recorded_lines() -> list[ReplyLine]:
    """Every different line that was recorded."""
    lines: dict[ReplyLine, None] = {}
    for file in sorted((Path(__file__).parent / "replies").glob("*/*.txt")):
        parser = ReplyParser()
        parser.feed(file.read_bytes())
        while isinstance(event := parser.next_event(), Reply):
            lines |= dict.fromkeys(event.lines)
    return list(lines)


LINES = recorded_lines()


@st.composite
def damaged(draw: st.DrawFn) -> ReplyLine:
    """A recorded line, with a piece of it replaced, and perhaps under another code."""
    code, text = draw(st.sampled_from(LINES))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 20)))
    piece = draw(
        st.one_of(
            st.text(max_size=6),
            st.sampled_from(["999999999999999999999999", ":", " [", "\u0663", "9" * 5000]),
        )
    )
    codes = st.sampled_from([code, code, code, 13, 1000, 1002, 1006, 1007, 1008, 1011, 1012, 1018, 1020])
    return ReplyLine(draw(codes), text[:start] + piece + text[end:])


@pytest.mark.parametrize("reader", READERS)
@given(lines=st.lists(st.one_of(st.sampled_from(LINES), damaged()), min_size=1, max_size=12))
def test_a_damaged_reply_raises_nothing_else(
    reader: Callable[[Reply], object], lines: list[ReplyLine]
) -> None:
    try:
        value = reader(Reply(tuple(lines)))
    except DaemonError as error:
        assert error.what.startswith("cannot read")  # noqa: PT017 - that it is raised isn't expected, but allowed
    else:
        assert value is not None
        assert repr(value)


@given(lines=st.lists(damaged(), min_size=1, max_size=12))
def test_properties_of_damaged_routes_hold(lines: list[ReplyLine]) -> None:
    try:
        routes = read_routes(Reply(tuple(lines)))
    except DaemonError:
        return
    for route in routes:
        assert route.preference is None or route.preference >= 0
        assert route.attribute("no such attribute") is None
