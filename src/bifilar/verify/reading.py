"""Edge: read a running fabric into values: every daemon over its control socket, every kernel over netlink."""

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeVar

from bifilar import bird
from bifilar.errors import BifilarError
from bifilar.fabric.model import (
    POD_EXPORT_TABLE,
    Address,
    Device,
    DeviceName,
    Fabric,
    Family,
    InterfaceName,
    Prefix,
)
from bifilar.kernel import addresses, counters, routes
from bifilar.lab.records import Pod
from bifilar.proof.routes import NextHop, Route, RouteKind
from bifilar.verify.observation import AddressState, BfdState, DeviceState, ForeignRoute, Observation

T = TypeVar("T")
Progress = Callable[[int, int], None]

_AT_ONCE = 16
"""Daemons that are asked at the same time: more only makes each of them slower."""
_TIMEOUT_S = 30.0
_KINDS = {routes.UNICAST: RouteKind.UNICAST, routes.UNREACHABLE: RouteKind.UNREACHABLE}


class Running(Protocol):
    """What is read: a fabric whose devices run on this machine."""

    @property
    def fabric(self) -> Fabric:
        """What it should be."""

    def run_in(self, device: DeviceName, function: Callable[[], T]) -> T:
        """Call a function inside a device's namespace."""

    def bird_socket(self, device: DeviceName) -> Path:
        """Control socket of a device's daemon."""

    def wait_converged(self, deadline_s: float) -> float:
        """Wait until every session is up and every route in place; raises ``LabError`` if that takes longer."""

    @property
    def pods(self) -> "RunningPods":
        """Its pods."""


class RunningPods(Protocol):
    """Pods that run on this machine."""

    def all(self) -> tuple[Pod, ...]:
        """Every pod, also one that isn't attached yet: it has no addresses."""

    def run_in(self, name: str, function: Callable[[], T]) -> T:
        """Call a function inside a pod's namespace."""


def observe(running: Running, progress: Progress) -> Observation:
    """Read every device. One that cannot be read has its ``fault`` set."""
    devices = running.fabric.devices
    total = 2 * len(devices)
    kernels: dict[DeviceName, _Kernel | BifilarError] = {}
    for device in devices:
        kernels[device.name] = _read_kernel(running, device)
        progress(len(kernels), total)
    return asyncio.run(_read_daemons(running, kernels, lambda done: progress(len(devices) + done, total)))


def sent_packets(running: Running) -> Mapping[DeviceName, Mapping[InterfaceName, int]]:
    """Packets that every interface of the fabric has sent so far."""
    return {
        device.name: {
            InterfaceName(name): packets
            for name, packets in running.run_in(device.name, counters.dump).items()
        }
        for device in running.fabric.devices
    }


class _Kernel:
    """What a device's kernel says."""

    def __init__(
        self,
        table: list[routes.KernelRoute],
        assigned: list[addresses.KernelAddress],
        exported: list[routes.KernelRoute],
    ) -> None:
        self.routes = {
            route.prefix: _kernel_route(route) for route in table if route.protocol == routes.PROTOCOL_BIRD
        }
        self.foreign = tuple(
            ForeignRoute(route.prefix, route.protocol)
            for route in table
            if route.protocol not in {routes.PROTOCOL_BIRD, routes.PROTOCOL_KERNEL}
        )
        self.addresses = tuple(
            AddressState(state.interface, state.address, state.scope, state.deprecated) for state in assigned
        )
        self.exported = frozenset(route.prefix for route in exported)


def _read_kernel(running: Running, device: Device) -> _Kernel | BifilarError:
    try:
        return running.run_in(
            device.name, lambda: _Kernel(routes.dump(), addresses.dump(), routes.dump(POD_EXPORT_TABLE))
        )
    except BifilarError as error:
        return error


async def _read_daemons(
    running: Running, kernels: Mapping[DeviceName, _Kernel | BifilarError], progress: Callable[[int], None]
) -> Observation:
    limit = asyncio.Semaphore(_AT_ONCE)
    seen: dict[DeviceName, DeviceState] = {}

    async def read(device: Device) -> None:
        kernel = kernels[device.name]
        async with limit:
            try:
                if isinstance(kernel, BifilarError):
                    raise kernel
                seen[device.name] = await _read_device(running, device, kernel)
            except BifilarError as error:
                seen[device.name] = DeviceState(fault=error.what)
        progress(len(seen))

    await asyncio.gather(*map(read, running.fabric.devices))
    return seen


async def _read_device(running: Running, device: Device, kernel: _Kernel) -> DeviceState:
    async with bird.BirdClient.connect(
        running.bird_socket(device.name), timeout_s=_TIMEOUT_S, where=device.name
    ) as client:
        protocols = await client.protocols()
        sessions = await client.bfd_sessions()
        chosen: dict[Prefix, Route] = {}
        for family in running.fabric.families:
            chosen |= await _chosen(client, family)
    return DeviceState(
        bgp={p.name: _session_state(p) for p in protocols if p.proto == "BGP"},
        bfd=tuple(BfdState(s.address, s.interface, s.is_up) for s in sessions),
        chosen=chosen,
        kernel=kernel.routes,
        foreign=kernel.foreign,
        addresses=kernel.addresses,
        exported=kernel.exported,
    )


def _session_state(protocol: bird.Protocol) -> str:
    """``Established``, or BIRD's own words on why not."""
    return "Established" if protocol.is_up else " ".join(protocol.info.split()) or protocol.state


async def _chosen(client: bird.BirdClient, family: Family) -> Mapping[Prefix, Route]:
    """The daemon's selected routes of its main table."""
    found = await client.routes(bird.RouteQuery(table=f"master{family}", primary=True))
    return {route.network: _daemon_route(route) for route in found}


def _daemon_route(route: bird.Route) -> Route:
    kind = RouteKind.UNICAST if route.kind is bird.RouteKind.UNICAST else RouteKind.UNREACHABLE
    return _shared_route(kind, tuple((hop.address, hop.interface) for hop in route.next_hops))


def _kernel_route(route: routes.KernelRoute) -> Route:
    kind = _KINDS.get(route.kind, RouteKind.UNREACHABLE)
    return _shared_route(kind, tuple((hop.gateway, hop.interface) for hop in route.next_hops))


@lru_cache(maxsize=1 << 16)
def _shared_route(kind: RouteKind, hops: tuple[tuple[Address | None, str], ...]) -> Route:
    """One value for all routes that are alike: a large fabric has a hundred thousand, and few differ."""
    return Route(
        kind,
        frozenset(NextHop(address, InterfaceName(name)) for address, name in hops if address is not None),
    )
