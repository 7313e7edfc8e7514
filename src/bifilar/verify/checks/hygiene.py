"""Pure module: what must not be there - global NIC addresses, device routes, valleys."""

from collections.abc import Iterator
from functools import cached_property
from ipaddress import ip_interface

from bifilar.fabric.model import (
    MANAGEMENT_DEVICE,
    Address,
    Device,
    DeviceName,
    Fabric,
    InterfaceKind,
    Prefix,
    Scope,
)
from bifilar.proof.routes import Route
from bifilar.verify.observation import AddressState, DeviceState, Observation
from bifilar.verify.report import Check, judged


def address_scopes(fabric: Fabric, seen: Observation) -> Check:
    """NIC addresses have link scope (IPv6: are deprecated), node0 holds a /32 (/128), no device route leaks.

    A device route is that of a connected network: it must be no daemon's route in any kernel, so nobody heard it.
    """
    servers = [device for device in fabric.devices if device.role.is_server]
    faults = [fault for device in servers for fault in _scope_faults(device, seen[device.name])]
    connected = _connected(fabric)
    leaked = 0
    for device in fabric.devices:
        state = seen[device.name]
        for prefix in {*state.kernel, *state.chosen} & connected:
            leaked += 1
            faults.append(f"{device.name}: the connected network {prefix} is announced by a neighbour")
    return judged(
        "address-scopes",
        f"{len(servers)} servers: NIC addresses never a source, node0 a single address; no connected network announced",
        f"{len(servers)} servers read, {leaked} connected networks announced",
        faults,
    )


def _scope_faults(device: Device, state: DeviceState) -> Iterator[str]:
    if state.fault:
        yield f"{device.name}: {state.fault}"
        return
    found = {(address.interface, address.address.ip): address for address in state.addresses}
    for interface in device.interfaces:
        for planned in interface.addresses:
            address = found.get((interface.name, planned.ip))
            if address is None:
                yield f"{device.name}: {interface.name} lacks {planned}"
            elif address.address.network != planned.network:
                yield f"{device.name}: {interface.name} has {address.address}, expected {planned}"
            elif interface.scope is Scope.LINK and not _is_no_source(address):
                yield f"{device.name}: {address.address} on {interface.name} is {address.scope}: it can become a source address"
    for address in state.addresses:
        on_node0 = address.interface == MANAGEMENT_DEVICE and not address.address.ip.is_link_local
        if on_node0 and address.address != ip_interface(address.address.ip):
            yield f"{device.name}: {address.address} on {MANAGEMENT_DEVICE} is not a single address"


def _is_no_source(address: AddressState) -> bool:
    # IPv6 has no settable scope; a deprecated address is avoided by source selection (RFC 6724 rule 3).
    return address.scope == "link" if address.address.version == 4 else address.deprecated  # noqa: PLR2004


def _connected(fabric: Fabric) -> set[Prefix]:
    return {
        address.network
        for device in fabric.devices
        for interface in device.interfaces
        if interface.kind is not InterfaceKind.DUMMY
        for address in interface.addresses
    }


def no_valleys(fabric: Fabric, seen: Observation) -> Check:
    """No packet that has gone down goes up again: a rack never carries traffic between spines.

    Walks the kernels' next hops towards every management address, from every device at once.
    """
    walk = _Walk(fabric, seen)
    destinations = {prefix for device in fabric.devices for prefix in walk.owned(device)}
    faults = [
        f"towards {destination}: {above} sends down to {rack}, which sends up to {next_up}"
        for destination in sorted(destinations, key=str)
        for above, rack, next_up in walk.valleys(destination)
    ]
    return judged(
        "no-valleys",
        f"towards {len(destinations)} addresses no path goes down, then up",
        f"{len(faults)} valleys",
        faults,
    )


class _Walk:
    """The kernels' next hops as steps between devices."""

    def __init__(self, fabric: Fabric, seen: Observation) -> None:
        self._fabric = fabric
        self._seen = seen
        self._default: dict[int, Prefix] = {
            prefix.version: prefix
            for state in seen.values()
            for prefix in state.kernel
            if prefix.prefixlen == 0
        }

    def owned(self, device: Device) -> list[Prefix]:
        """Management addresses of a device, as prefixes."""
        return [ip_interface(address).network for address in device.management]

    @cached_property
    def _neighbours(self) -> dict[tuple[DeviceName, str, Address], DeviceName]:
        return {(s.device, s.interface, s.remote_address): s.peer for s in self._fabric.sessions}

    @cached_property
    def _addresses(self) -> dict[Address, DeviceName]:
        return {
            address.ip: device.name
            for device in self._fabric.devices
            for interface in device.interfaces
            for address in interface.addresses
            if not address.ip.is_link_local
        }

    def _steps(self, name: DeviceName, route: Route) -> Iterator[DeviceName]:
        for hop in route.next_hops:
            found = self._neighbours.get((name, hop.interface, hop.address)) or self._addresses.get(
                hop.address
            )
            if found is not None:
                yield found

    def valleys(self, destination: Prefix) -> Iterator[tuple[DeviceName, DeviceName, DeviceName]]:
        """Every (upper, lower, upper) that a packet to ``destination`` can take; servers hand on nothing."""
        tier = {device.name: device.role.tier for device in self._fabric.devices}
        steps: dict[DeviceName, list[DeviceName]] = {}
        for device in self._fabric.devices:
            if device.role.is_server:
                continue
            kernel = self._seen[device.name].kernel
            route = kernel.get(destination) or kernel.get(self._default.get(destination.version, destination))
            steps[device.name] = list(self._steps(device.name, route)) if route is not None else []
        for upper, lowers in steps.items():
            for lower in lowers:
                if tier[lower] < tier[upper]:
                    for onward in steps.get(lower, ()):
                        if tier[onward] > tier[lower]:
                            yield upper, lower, onward
