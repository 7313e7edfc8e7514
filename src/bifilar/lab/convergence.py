"""Edge module: waits until a fabric has converged.

On a machine with a few processors the daemons of a large fabric need all of them, so as little as possible is
asked: first the switches, each of which is one end of every session; then the servers, once; then the kernels, until
each has as many routes by BIRD as the fabric's policies say.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bifilar.errors import LabError
from bifilar.fabric.model import Device, Fabric, Prefix
from bifilar.kernel import routes
from bifilar.kernel.namespaces import Traveller
from bifilar.lab import daemons, sessions
from bifilar.lab.places import Places
from bifilar.lab.progress import Progress
from bifilar.proof.routes import Routes

_SHORTEST_PAUSE_S = 0.05
_PAUSE_PER_POLL = 3
"""Between two polls passes so many times what a poll takes: three quarters of the time we are out of the way."""
_SHOWN = 3
"""So many devices are named in an error."""
_LOG_LINES = 3

Faults = dict[str, str]
"""What is missing, by device."""


def wait(places: Places, fabric: Fabric, deadline_s: float, progress: Progress) -> None:
    """Wait until every session is up, BGP and BFD, and every kernel has every route.

    Raises:
        LabError: with what is missing, when ``deadline_s`` seconds have passed or a daemon has died.
    """
    deadline = time.monotonic() + deadline_s
    # Now, when there is nothing to see yet.
    expected = dict(_expected_tables(fabric))
    switches = [device for device in fabric.devices if not device.role.is_server]
    servers = [device for device in fabric.devices if device.role.is_server]
    for name, devices in (("sessions of switches", switches), ("sessions of servers", servers)):
        _until_none(name, devices, partial(_without_sessions, places, fabric), deadline, progress)
    with Traveller() as traveller:
        looking = partial(_without_routes, traveller, places, fabric, expected)
        _until_none("routes in kernels", fabric.devices, looking, deadline, progress)


def _until_none(
    name: str,
    devices: Sequence[Device],
    look: Callable[[Sequence[Device]], Faults],
    deadline: float,
    progress: Progress,
) -> None:
    """Look at the devices that weren't ready, again and again, until all are."""
    waiting = list(devices)
    while True:
        progress(name, len(devices) - len(waiting), len(devices))
        began = time.monotonic()
        faults = look(waiting)
        waiting = [device for device in waiting if device.name in faults]
        if not waiting:
            progress(name, len(devices), len(devices))
            return
        now = time.monotonic()
        if now > deadline:
            raise LabError(name, _said(faults), "see 'bifilar lab status' and 'bifilar lab logs DEVICE'")
        time.sleep(max(_SHORTEST_PAUSE_S, _PAUSE_PER_POLL * (now - began)))


def _said(faults: Faults) -> str:
    shown = [f"{device}: {fault}" for device, fault in list(faults.items())[:_SHOWN]]
    more = [f"and {len(faults) - _SHOWN} more devices"] if len(faults) > _SHOWN else []
    return "; ".join(["not converged in time", *shown, *more])


def _without_sessions(places: Places, fabric: Fabric, devices: Sequence[Device]) -> Faults:
    """Devices that lack sessions.

    Raises:
        LabError: a daemon has died.
    """
    faults: Faults = {}
    silent: list[str] = []

    async def look() -> None:
        async for answer in sessions.ask(places, fabric, devices):
            if answer.fault is not None:
                faults[answer.device] = answer.fault.what
                silent.append(answer.device)
            elif answer.missing:
                count = f"{len(answer.missing)} of {len(answer.expected)} sessions"
                faults[answer.device] = f"{count} not established, such as {min(answer.missing)}"
            elif answer.bfd_up < len(answer.expected):
                faults[answer.device] = f"{answer.bfd_up} of {len(answer.expected)} BFD sessions are up"

    asyncio.run(look())
    _check_alive(places, silent)
    return faults


def _check_alive(places: Places, silent: Sequence[str]) -> None:
    """Raise ``LabError`` if a daemon that doesn't answer isn't there any more."""
    if not silent:
        return
    found, _ = daemons.find(places.lab, daemons.inodes_of(places, silent))
    dead = sorted(set(silent) - {process.device for process in found if process.is_daemon})
    if dead:
        log = places.log(dead[0])
        last = log.read_text(errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
        raise LabError(dead[0], f"the daemon has died: {' / '.join(last) or 'without a word'}", f"see {log}")


@dataclass(frozen=True, slots=True)
class _Table:
    """How much a kernel's table holds: routes, and next hops of all of them. A route comes before its last next hop."""

    routes: int
    next_hops: int

    @classmethod
    def of(cls, next_hops: Iterable[Collection[object]]) -> "_Table":
        counts = [len(hops) for hops in next_hops]
        return cls(len(counts), sum(counts))


def _expected_tables(fabric: Fabric) -> Iterator[tuple[str, _Table]]:
    """What each device's kernel must hold.

    The servers of a rack have as much as each other: everybody's routes but their own. Each is a walk over all
    routes, so one of them is counted.
    """
    computed = Routes(fabric)
    of_servers: dict[tuple[int | None, str], _Table] = {}
    for device in fabric.devices:
        kind = (device.rack, device.role.value)
        if not device.role.is_server or kind not in of_servers:
            table = _Table.of(route.next_hops for route in computed.of(device).values())
            if device.role.is_server:
                of_servers[kind] = table
            yield device.name, table
        else:
            yield device.name, of_servers[kind]


def _without_routes(
    traveller: Traveller,
    places: Places,
    fabric: Fabric,
    expected: dict[str, _Table],
    devices: Sequence[Device],
) -> Faults:
    faults: Faults = {}
    for device in devices:
        look = partial(_missing, fabric, expected[device.name])
        if fault := traveller.run_in(places.namespace(device.name), look):
            faults[device.name] = fault
    return faults


def _missing(fabric: Fabric, wanted: _Table) -> str:
    """What the kernel of the calling thread's namespace lacks; empty if nothing."""
    count = routes.count(protocol=routes.PROTOCOL_BIRD)
    if count < wanted.routes:  # cheap, and mostly enough to know
        return f"{count} of {wanted.routes} routes in the kernel"
    there = routes.dump(protocol=routes.PROTOCOL_BIRD)
    if len(there) > wanted.routes:
        there = [route for route in there if not _comes_and_goes(fabric, route.prefix)]
    found = _Table.of(route.next_hops for route in there)
    return "" if found == wanted else f"{found.next_hops} of {wanted.next_hops} next hops in the kernel"


def _comes_and_goes(fabric: Fabric, prefix: Prefix) -> bool:
    """Whether it is of pods or load balancers: a part of a range of which the fabric as a whole plans none."""
    return any(
        prefix.version == network.version
        and prefix.prefixlen > network.prefixlen
        and prefix.network_address in network
        for network in fabric.aggregates
        if network not in fabric.servers
    )
