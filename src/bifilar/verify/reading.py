"""Edge: read a running fabric into values: every daemon over its control socket, every kernel over netlink."""

import asyncio
from collections.abc import Callable

from bifilar.fabric.model import DeviceName, Family
from bifilar.lab import Lab
from bifilar.verify.observation import DeviceState, Observation

_AT_ONCE = 16
"""Daemons that are asked at the same time: more only makes each of them slower."""
_MASTER = {Family.V4: "master4", Family.V6: "master6"}
_PROTOCOL_KERNEL, _PROTOCOL_RA, _PROTOCOL_BIRD = 2, 9, 12


def observe(lab: Lab, progress: Callable[[int, int], None]) -> Observation:
    """Read every device of a lab. A device that cannot be read has its ``fault`` set."""
    fabric = lab.fabric
    total = 2 * len(fabric.devices)
    daemons = asyncio.run(_daemons(lab, lambda done: progress(done, total)))
    seen: dict[DeviceName, DeviceState] = {}
    for done, device in enumerate(fabric.devices):
        seen[device.name] = _with_kernel(lab, device, daemons[device.name])
        progress(len(fabric.devices) + done + 1, total)
    return seen
