"""Pure module: things that a user names, found in a fabric or refused with the nearest right name."""

from bifilar.errors import InputError
from bifilar.fabric.model import Device, DeviceName, Fabric
from bifilar.intent.wording import nearest


def device_named(fabric: Fabric, name: str) -> Device:
    """The device of that name.

    Raises:
        InputError: there is none.
    """
    device = fabric.by_name.get(DeviceName(name))
    if device is None:
        meant = nearest(name, list(fabric.by_name))
        hint = f"did you mean {meant}?" if meant else f"its devices: {', '.join(fabric.by_name)}"
        raise InputError(name, f"there is no such device in fabric {fabric.name}", hint)
    return device
