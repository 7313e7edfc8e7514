"""Pure module: the fields that many lines have: times, addresses, numbers, ``name: value``."""

from collections.abc import Callable
from datetime import date, datetime, time
from functools import lru_cache
from ipaddress import IPv4Address, ip_address
from typing import TypeVar

from bifilar.bird.answers import Address, Moment
from bifilar.errors import DaemonError

Value = TypeVar("Value")

MOMENT = r"\S+(?: \d\d:\d\d\S*)?"
"""A time inside a line: one word, or a date and a time of day (``timeformat ... iso long``)."""


def unreadable(text: str, what: str) -> DaemonError:
    """The error for a line or field that isn't what its code says."""
    return DaemonError("BIRD", f"cannot read {what} in {text[:120]!r}", "is this BIRD 2.0.12 or newer, or 3?")


def read(reader: Callable[[str], Value], text: str, what: str) -> Value:
    """Apply a reader that raises :class:`ValueError` for nonsense."""
    try:
        return reader(text)
    except ValueError as error:
        raise unreadable(text, what) from error


@lru_cache(maxsize=16_384)
def read_moment(text: str) -> Moment:
    """A time; the text itself if it is in no format of BIRD's own."""
    # A time of day is tried first, because it is what nearly every line has.
    for kind in (time, date, datetime):
        try:
            return kind.fromisoformat(text)
        except ValueError:
            continue
    return text


@lru_cache(maxsize=16_384)
def read_address(text: str) -> Address:
    """An address, without a trailing ``%interface``."""
    return read(ip_address, text.partition("%")[0], "an address")


def read_router_id(text: str) -> IPv4Address:
    """A router identifier."""
    return read(IPv4Address, text, "a router identifier")


def read_count(text: str) -> int:
    """A number that isn't negative. ``int`` alone would take underscores, signs and digits of other scripts."""
    if text.isascii() and text.isdecimal():
        return read(int, text, "a number")
    raise unreadable(text, "a number")


def read_seconds(text: str) -> float:
    """Seconds with a decimal fraction."""
    if text.isascii() and text.replace(".", "", 1).isdecimal():
        return read(float, text, "seconds")
    raise unreadable(text, "seconds")


def split_field(text: str) -> tuple[str, str]:
    """``name: value`` without the spaces around them; an empty name if there is no colon."""
    name, colon, value = text.partition(":")
    return (name.strip(), value.strip()) if colon else ("", text.strip())
