"""Edge module: builds a lab.

Everything that can't be undone by removing a directory is written down first, see :mod:`bifilar.lab.state`.
"""

import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import IPv6Interface
from pathlib import Path

from bifilar.errors import LabError
from bifilar.fabric.model import (
    RACK_BRIDGE,
    Device,
    DeviceName,
    Fabric,
    Family,
    Interface,
    InterfaceKind,
    Scope,
)
from bifilar.kernel import namespaces, sysctl
from bifilar.kernel.links import Links, management_device_kind
from bifilar.kernel.namespaces import Traveller
from bifilar.lab import daemons, machine
from bifilar.lab.places import Places
from bifilar.lab.progress import Progress
from bifilar.lab.state import State, save
from bifilar.render import BIRD_CONFIG, SYSCTL_CONFIG, Renderer

_SPARE_FILES = 256
"""Open files besides one for each namespace."""
_STARTING_AT_ONCE = 4 * (os.cpu_count() or 1)
"""Daemons that may be starting at a time; measured."""
_NO_ADDRESS = "1"
"""Of addr_gen_mode: no link-local address is made."""
_LAB_SYSCTLS = (
    # Where packets cross a bridge, the host's firewall would see them twice.
    sysctl.Setting("net/bridge/bridge-nf-call-iptables", "0", optional=True),
    sysctl.Setting("net/bridge/bridge-nf-call-ip6tables", "0", optional=True),
    # Nobody else has our addresses; asking takes a second, in which they can't be used.
    sysctl.Setting("net/ipv6/conf/all/accept_dad", "0", optional=True),
    sysctl.Setting("net/ipv6/conf/default/accept_dad", "0", optional=True),
)


def check_free(places: Places, fabric: Fabric) -> None:
    """Make sure that nothing has the lab's name, nor that of one of its namespaces.

    Raises:
        LabError: something has.
    """
    if places.directory.exists():
        raise LabError(
            places.lab, "there is a lab of this name", "give another name, or remove it: bifilar lab down"
        )
    taken = namespaces.names() & {places.namespace_name(device.name) for device in fabric.devices}
    if taken:
        raise LabError(
            places.lab,
            f"there is a namespace {min(taken)}, and no lab of this name",
            f"give the lab another name, or remove what isn't needed: ip netns delete {min(taken)}",
        )


def build(
    places: Places, fabric: Fabric, intent_text: str, overrides: dict[str, str], progress: Progress
) -> tuple[State, float]:
    """Build a lab and start its daemons; the caller holds its lock, and removes it if anything goes wrong.

    Returns:
        What was written down, and the moment (:func:`time.monotonic`) at which the first daemon was started.
    """
    return _Builder(places, fabric, overrides, progress).build(intent_text)


class _Builder:
    def __init__(self, places: Places, fabric: Fabric, overrides: dict[str, str], progress: Progress) -> None:
        self._places = places
        self._fabric = fabric
        self._renderer = Renderer(fabric, overrides)
        self._progress = progress
        self._state = State(places.lab, tuple(device.name for device in fabric.devices), templates=overrides)
        self._notes: tuple[str, ...] = ()
        self._management_kind = management_device_kind()

    def build(self, intent_text: str) -> tuple[State, float]:
        began = time.monotonic()
        for version in {device.bird_version for device in self._fabric.devices}:
            daemons.command_for(version)
        self._notes = machine.register(self._places)
        save(self._places, self._state)
        self._places.intent.write_text(intent_text)
        with machine.open_files(len(self._fabric.devices) + _SPARE_FILES), Traveller() as traveller:
            self._make_namespaces(traveller)
            self._make_links()
            started = time.monotonic()
            self._start_devices(traveller)
        build_s = round(time.monotonic() - began, 3)
        state = replace(
            self._state, management_kind=self._management_kind, notes=self._notes, build_s=build_s
        )
        save(self._places, state)
        return state, started

    def _steps(self, name: str, devices: tuple[Device, ...]) -> Iterator[Device]:
        for done, device in enumerate(devices):
            self._progress(name, done, len(devices))
            yield device
        self._progress(name, len(devices), len(devices))

    def _make_namespaces(self, traveller: Traveller) -> None:
        for device in self._steps("namespaces", self._fabric.devices):
            files = self._renderer.files(device)
            config = self._places.bird_config(device.name)
            config.parent.mkdir(parents=True)
            config.write_text(files[BIRD_CONFIG])
            # Before there are interfaces, which take the defaults.
            settings = (*sysctl.parse(files[SYSCTL_CONFIG], f"{device.name}:{SYSCTL_CONFIG}"), *_LAB_SYSCTLS)
            name = self._places.namespace_name(device.name)
            try:
                traveller.create(name, lambda: sysctl.apply(settings))  # noqa: B023 - called at once
            except FileExistsError as error:
                self._disown(device)
                hint = "somebody else made it just now; give the lab another name"
                raise LabError(self._places.lab, f"there is a namespace {name} already", hint) from error

    def _disown(self, device: Device) -> None:
        """Write down that a namespace isn't ours, so that it isn't removed."""
        devices = tuple(name for name in self._state.devices if name != device.name)
        save(self._places, replace(self._state, devices=devices))

    def _make_links(self) -> None:
        links = self._fabric.links
        with ExitStack() as stack:
            descriptors = {
                device.name: stack.enter_context(_opened(self._places.namespace(device.name)))
                for device in self._fabric.devices
            }

            def make() -> None:
                with Links() as netlink:
                    for done, link in enumerate(links):
                        self._progress("links", done, len(links))
                        a, b = descriptors[link.a.device], descriptors[link.b.device]
                        netlink.add_veth(link.a.interface, a, link.b.interface, b, mtu=self._fabric.mtu)
                self._progress("links", len(links), len(links))

            # In an empty namespace: names in the one that asks would be in the way on older kernels.
            namespaces.run_apart(make)

    def _start_devices(self, traveller: Traveller) -> None:
        """Give every device its interfaces and addresses, and start its daemon.

        BIRD's listen backlog is eight: where a rack's servers all connect while the daemon of their ToR waits for a
        processor, their first packets are lost, and TCP tries again a second later, then three, then seven. So no
        more start at a time than this machine can serve.
        """
        traveller.run(daemons.leave_working_directory)
        starting: deque[DeviceName] = deque()
        # Switches first: when a server asks for its session, its ToR listens.
        ordered = sorted(self._fabric.devices, key=lambda device: -device.role.tier)
        for device in self._steps("daemons", tuple(ordered)):
            traveller.run_in(self._places.namespace(device.name), lambda: self._start(device))  # noqa: B023 - called at once
            starting.append(device.name)
            if len(starting) > _STARTING_AT_ONCE:
                daemons.wait_started(self._places, starting.popleft())
        for name in starting:
            # One that has only just been started can't be told from others yet, if somebody looks for it in /proc.
            daemons.wait_started(self._places, name)

    def _start(self, device: Device) -> None:
        """Called in its namespace."""
        self._configure_device(device)
        daemons.start(self._places, device)

    def _configure_device(self, device: Device) -> None:
        with Links() as links:
            links.set_up("lo")
            # Bridges before their ports.
            for interface in sorted(device.interfaces, key=lambda i: i.kind is InterfaceKind.BRIDGE_PORT):
                self._configure(links, interface)

    def _configure(self, links: Links, interface: Interface) -> None:
        name = interface.name
        match interface.kind:
            case InterfaceKind.BRIDGE:
                links.add_bridge(name, mtu=self._fabric.mtu)
            case InterfaceKind.BRIDGE_PORT:
                links.enslave(name, RACK_BRIDGE)
            case InterfaceKind.DUMMY:
                links.add_dummy(name, self._management_kind)
            case InterfaceKind.PORT:
                pass
        if interface.kind is InterfaceKind.BRIDGE_PORT or not self._wants_link_local(interface):
            sysctl.apply([sysctl.Setting(f"net/ipv6/conf/{name}/addr_gen_mode", _NO_ADDRESS, optional=True)])
        for address in interface.addresses:
            # IPv6 knows no scope for them: as networkd's PreferredLifetime=0, deprecated addresses are no source.
            is_link = interface.scope is Scope.LINK
            links.add_address(
                name, address, link_scope=is_link, deprecated=is_link and isinstance(address, IPv6Interface)
            )
        links.set_up(name)

    def _wants_link_local(self, interface: Interface) -> bool:
        """Whether the kernel is to make a link-local address, as it does on real machines.

        Not beside one of the fabric's, nor where nobody speaks IPv6: that only costs time.
        """
        own = any(
            address.ip.is_link_local for address in interface.addresses if isinstance(address, IPv6Interface)
        )
        return Family.V6 in self._fabric.families and not own


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """An open descriptor of a namespace."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
