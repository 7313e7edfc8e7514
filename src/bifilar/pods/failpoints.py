"""Edge module: places at which an agent can be made to die, to show that nothing is lost when it does.

The environment variable ``BIFILAR_FAILPOINT`` names one, as ``add-route`` or ``add-route:3`` (the third time that it
is reached). The process then kills itself with SIGKILL, as a crash of the machine's memory or an impatient operator
would.
"""

import os
import signal
from enum import StrEnum
from threading import Lock

VARIABLE = "BIFILAR_FAILPOINT"


class Step(StrEnum):
    """What has just been done."""

    ADD_ASKED = "add-asked"
    ADD_ALLOCATED = "add-allocated"
    ADD_VETH = "add-veth"
    ADD_HOST_SIDE = "add-host-side"
    ADD_CONTAINER_SIDE = "add-container-side"
    ADD_ROUTE = "add-route"
    ADD_ANSWERED = "add-answered"
    DEL_ASKED = "del-asked"
    DEL_ROUTE = "del-route"
    DEL_VETH = "del-veth"
    DEL_FREED = "del-freed"
    DEL_ANSWERED = "del-answered"
    BLOCK_ACQUIRED = "block-acquired"
    BLOCK_EXPORTED = "block-exported"
    BLOCK_WITHDRAWN = "block-withdrawn"
    BLOCK_UNGUARDED = "block-unguarded"
    BLOCK_RELEASED = "block-released"


_name, _, _count = os.environ.get(VARIABLE, "").partition(":")
_left = int(_count or 1)
_lock = Lock()


def reach(step: Step) -> None:
    """Say that a step has been done; the end of the process, if it was told so."""
    global _left  # noqa: PLW0603 - one process, one failpoint
    if step == _name:
        with _lock:
            _left -= 1
            if _left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
