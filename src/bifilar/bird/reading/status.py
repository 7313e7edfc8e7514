"""Pure module: ``show status`` (codes 1000, 1011, 0013) and ``show memory`` (1018)."""

import re

from bifilar.bird.answers import Memory, MemoryUse, Status
from bifilar.bird.protocol import Reply
from bifilar.bird.reading.fields import read_moment, read_router_id, unreadable

_VERSION, _FACTS, _STATE = 1000, 1011, 13
_MEMORY = 1018

_FACT = {
    "router_id": "Router ID is ",
    "hostname": "Hostname is ",
    "server_time": "Current server time is ",
    "last_reboot": "Last reboot on ",
    "last_reconfiguration": "Last reconfiguration on ",
}
_AMOUNT = r"([0-9]{1,9}(?:\.[0-9]{1,3})?) +([kMGT]?B)"
_USE = re.compile(rf"(?P<purpose>[^:]+): +{_AMOUNT}(?: +{_AMOUNT})?\s*")
_UNIT = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def read_status(reply: Reply) -> Status:
    """The answer to ``show status``.

    Raises:
        DaemonError: it isn't one.
    """
    version = next(reply.with_code(_VERSION), "")
    state = next(reply.with_code(_STATE), "")
    if not version.startswith("BIRD ") or not state:
        raise unreadable(reply.text, "a status")
    facts = dict.fromkeys(_FACT, "")
    notes = [text for code, text in reply.lines if code not in (_VERSION, _FACTS, _STATE)]
    for text in reply.with_code(_FACTS):
        for name, start in _FACT.items():
            if text.startswith(start):
                facts[name] = text.removeprefix(start).strip()
                break
        else:
            notes.append(text)
    return Status(
        version=version.removeprefix("BIRD ").strip(),
        router_id=read_router_id(facts["router_id"]) if facts["router_id"] else None,
        hostname=facts["hostname"],
        server_time=read_moment(facts["server_time"]),
        last_reboot=read_moment(facts["last_reboot"]),
        last_reconfiguration=read_moment(facts["last_reconfiguration"]),
        state=state,
        notes=tuple(notes),
    )


def read_memory(reply: Reply) -> Memory:
    """The answer to ``show memory``.

    Raises:
        DaemonError: it isn't one.
    """
    uses = [
        MemoryUse(
            purpose=row["purpose"].strip(),
            effective=_bytes(row[2], row[3]),
            overhead=_bytes(row[4], row[5]) if row[4] else 0,
        )
        for text in reply.with_code(_MEMORY)
        if (row := _USE.fullmatch(text))
    ]
    total = next((use for use in uses if use.purpose == "Total"), None)
    if total is None:
        raise unreadable(reply.text, "the use of memory")
    return Memory(total=total, uses=tuple(use for use in uses if use is not total))


def _bytes(number: str, unit: str) -> int:
    return round(float(number) * _UNIT[unit])
