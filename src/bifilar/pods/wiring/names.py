"""Edge module: an interface moved out of the way of one that is to have its name.

A pod's next container gets the same name on the host as the one before, which its runtime may not have removed yet.
"""

import errno
from secrets import token_hex

from bifilar.kernel import requests
from bifilar.kernel.interfaces import KernelInterface
from bifilar.kernel.netlink import RefusedError, Rtnetlink
from bifilar.pods.model import Key, parse_alias
from bifilar.pods.wiring.errors import WiringError
from bifilar.pods.wiring.order import spare_name

_GONE = (errno.ENODEV, errno.ENOENT)


def move_aside(host: Rtnetlink, interface: KernelInterface) -> None:
    """Give an interface of ours the name that is its attachment's alone. One that is gone meanwhile is no error.

    Raises:
        WiringError: the kernel refuses.
    """
    known = parse_alias(interface.alias)
    # Without an alias it is being made at this moment, or its maker was killed; nobody looks for its name.
    name = spare_name(known[1] if known else Key(token_hex(8), ""))
    try:
        _rename(host, interface, name)
    except RefusedError as refused:
        if refused.errno not in _GONE:
            what = f"can't be renamed {name}, out of the way of another: {refused.strerror}"
            raise WiringError(interface.name, what, "see 'ip link'") from refused


def _rename(host: Rtnetlink, interface: KernelInterface, name: str) -> None:
    try:
        host.request(requests.change_link(interface.index, name=name))
    except RefusedError as refused:
        if refused.errno != errno.EBUSY:
            raise
        # Kernels before 6.3 rename only what is down. Its routes are lost by that, but its pod lives elsewhere now.
        host.request(
            requests.change_link(interface.index, up=False),
            requests.change_link(interface.index, name=name),
            requests.change_link(interface.index, up=True),
        )
