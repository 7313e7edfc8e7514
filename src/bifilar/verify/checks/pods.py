"""Pure module: the blocks of pods' addresses, from the server that holds them to every other device."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from bifilar.fabric.model import Device, DeviceName, Fabric, Prefix
from bifilar.lab.records import Pod
from bifilar.proof.routes import Route, Routes
from bifilar.verify.observation import Observation
from bifilar.verify.report import Check, judged


@dataclass(frozen=True, slots=True)
class _Export:
    """A block in the export table of a server, and the server's own address of the same family."""

    server: Device
    block: Prefix
    management: Prefix


def pod_exports(fabric: Fabric, routes: Routes, seen: Observation, pods: Sequence[Pod]) -> Check:
    """Every pod's address is in a block that its server exports, and every device leads there.

    A block is reached as its server is: next hop by next hop the same. A device that has no route to the server
    itself, as a core, has none to the block either.
    """
    faults = [fault for pod in pods for fault in _of_pod(seen, pod)]
    exports = list(_exports(fabric, seen))
    correct = total = 0
    faults += (
        f"{export.server.name}: its daemon has not learnt its own block {export.block}"
        for export in exports
        if export.block not in seen[export.server.name].chosen
    )
    for device in fabric.devices:
        state, ways = seen[device.name], routes.of(device)
        if state.fault:
            faults.append(f"{device.name}: {state.fault}")
            continue
        for export, expected in _expected(exports, ways, device.name):
            total += 1
            if export.block not in state.chosen:
                faults.append(f"{device.name}: its daemon lacks {export.block} of {export.server.name}")
            elif state.kernel.get(export.block) != expected:
                faults.append(
                    f"{device.name}: its kernel has another way to {export.block} than to {export.server.name}"
                )
            else:
                correct += 1
    return judged(
        "pod-exports",
        f"{len(exports)} blocks, each reached like its server from every other device: {total} routes",
        f"{correct} as expected",
        faults,
    )


def _of_pod(seen: Observation, pod: Pod) -> Iterator[str]:
    if not pod.addresses:
        yield f"pod {pod.name} on {pod.device} is not attached"
    exported = seen[DeviceName(pod.device)].exported
    for address in pod.addresses:
        if not any(address.version == block.version and address in block for block in exported):
            yield f"{pod.device}: exports no block with {address} of pod {pod.name}"


def _exports(fabric: Fabric, seen: Observation) -> Iterator[_Export]:
    for device in fabric.devices:
        for block in sorted(seen[device.name].exported, key=str):
            for address in device.management:
                if address.version == block.version:
                    yield _Export(device, block, ip_network(address))


def _expected(
    exports: Sequence[_Export], ways: Mapping[Prefix, Route], device: DeviceName
) -> Iterator[tuple[_Export, Route]]:
    for export in exports:
        if export.server.name != device and export.management in ways:
            yield export, ways[export.management]
