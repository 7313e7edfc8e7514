"""Pure module: ``show bfd sessions`` (code 1020)."""

import re

from bifilar.bird.answers import BfdSession
from bifilar.bird.protocol import Reply
from bifilar.bird.reading.fields import MOMENT, read_address, read_moment, read_seconds, unreadable

_BFD = 1020
_PROTOCOL = re.compile(r"(\S+):")
_ROW = re.compile(rf"(\S+) +(\S+) +(\S+) +({MOMENT}) +(\S+) +(\S+)\s*")
_HEADING = "IP address"


def read_bfd_sessions(reply: Reply) -> tuple[BfdSession, ...]:
    """The answer to ``show bfd sessions``, in the daemon's order.

    Raises:
        DaemonError: it isn't one.
    """
    sessions: list[BfdSession] = []
    protocol = ""
    for text in reply.with_code(_BFD):
        if named := _PROTOCOL.fullmatch(text):
            protocol = named[1]
        elif row := _ROW.fullmatch(text):
            sessions.append(
                BfdSession(
                    protocol=protocol,
                    address=read_address(row[1]),
                    interface="" if row[2] == "---" else row[2],
                    state=row[3],
                    since=read_moment(row[4]),
                    interval_s=read_seconds(row[5]),
                    timeout_s=read_seconds(row[6]),
                )
            )
        elif text.strip() and not text.startswith(_HEADING):
            raise unreadable(text, "a BFD session")
    return tuple(sessions)
