"""A fabric on this machine: a network namespace a device, real links, real daemons.

::

    lab = Lab.up(fabric, intent_text)        # builds and starts; whatever goes wrong, nothing is left then
    seconds = lab.wait_converged(60)         # every session Established, every kernel has every route
    lab = Lab.open("article")                # later, from another process
    lab.run_in(device, function)             # function runs in a thread inside the device's namespace
    BirdClient.connect(lab.bird_socket(device))
    Lab.remove("article")                    # whatever is left of it, however it ended

Everything that a lab makes is found by its state directory, ``/run/bifilar/<lab>``, which is written before
anything else is made; so :meth:`Lab.remove` finds all of it, whenever :meth:`Lab.up` was killed.
"""

from bifilar.lab.capturing import capture, watch
from bifilar.lab.lab import Lab
from bifilar.lab.progress import Progress, silent
from bifilar.lab.removal import Removal
from bifilar.lab.status import DeviceStatus, LabStatus

__all__ = [
    "DeviceStatus",
    "Lab",
    "LabStatus",
    "Progress",
    "Removal",
    "capture",
    "silent",
    "watch",
]
