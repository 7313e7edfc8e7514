"""Edge module: what all labs of a machine share: its neighbour tables, and the directory of namespaces.

The neighbour tables have room for 1,024 entries in all namespaces together. A fabric of 600 devices fills them, and
then never converges. So the first lab raises them, and the last one puts them back.
"""

import json
import logging
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from bifilar.errors import MachineError
from bifilar.kernel import namespaces, sysctl
from bifilar.lab.locks import holding_machine
from bifilar.lab.places import RUN, Places, list_labs

_RECORD = RUN / ".machine.json"
_THRESHOLDS = {
    f"net.{family}.neigh.default.gc_thresh{level}": 1 << (16 + level)
    for family in ("ipv4", "ipv6")
    for level in (1, 2, 3)
}
"""1,000 servers that have each talked to all of their racks have 60,000 entries; below the first no entry is
collected."""

_log = logging.getLogger(__name__)


def register(places: Places) -> tuple[str, ...]:
    """Make the directory of a new lab, and the machine ready for it; notes of what it refused."""
    with holding_machine():
        places.directory.mkdir(parents=True)
        if not _RECORD.exists():
            _write({key: sysctl.read(key) for key in _THRESHOLDS}, mounted=False)
        if namespaces.prepare():
            record = json.loads(_RECORD.read_text())
            _write(record["sysctls"], mounted=True)
        return _raise_thresholds()


def unregister(places: Places) -> None:
    """Remove the directory of a lab; after the last one, leave the machine as it was."""
    with holding_machine():
        if places.directory.exists():
            shutil.rmtree(places.directory)
        if list_labs() or not _RECORD.exists():
            return
        record = json.loads(_RECORD.read_text())
        for key, value in record["sysctls"].items():
            # Unless somebody has set another value since.
            if value is not None and sysctl.read(key) == str(_THRESHOLDS.get(key)):
                _try_writing(key, value)
        if record["mounted"]:
            namespaces.forget()
        _RECORD.unlink()


def _write(sysctls: dict[str, str | None], *, mounted: bool) -> None:
    temporary = _RECORD.with_suffix(".new")
    temporary.write_text(json.dumps({"sysctls": sysctls, "mounted": mounted}))
    temporary.replace(_RECORD)


def _raise_thresholds() -> tuple[str, ...]:
    refused = []
    for key, wanted in _THRESHOLDS.items():
        value = sysctl.read(key)
        if value is not None and int(value) < wanted and not _try_writing(key, str(wanted)):
            refused.append(f"{key} stays {value}: more than about 400 devices won't converge")
    return tuple(refused)


def _try_writing(key: str, value: str) -> bool:
    try:
        sysctl.apply([sysctl.Setting(key, value)])
    except MachineError as error:
        _log.warning("%s: %s", error.where, error.what)
        return False
    return True


@contextmanager
def open_files(wanted: int) -> Iterator[None]:
    """Allow this process so many open files meanwhile, as far as its hard limit goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, enough), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
