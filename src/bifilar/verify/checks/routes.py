"""Pure module: the daemons' and the kernels' routes, next hop by next hop."""

from collections.abc import Iterator, Mapping

from bifilar.fabric.model import Device, Fabric, Prefix
from bifilar.proof.routes import Route, Routes
from bifilar.verify.observation import Observation
from bifilar.verify.report import Check, judged


def kernel_routes(fabric: Fabric, routes: Routes, seen: Observation) -> Check:
    """The kernel forwards exactly as the fabric's policies say, with every equal path in use.

    Pod blocks and addresses of LoadBalancer Services come and go, so routes inside those ranges are not judged.
    """
    judge = _Judge(fabric)
    faults: list[str] = []
    correct = total = 0
    for device in fabric.devices:
        state = seen[device.name]
        if state.fault:
            faults.append(f"{device.name}: {state.fault}")
            continue
        expected = routes.of(device)
        total += len(expected)
        correct += sum(state.kernel.get(prefix) == route for prefix, route in expected.items())
        faults += judge.differences(device, expected, state.kernel)
        faults += (
            f"{device.name}: {foreign.prefix} is in the main table by routing protocol {foreign.protocol}, not by the daemon"
            for foreign in state.foreign
        )
    return judged(
        "kernel-routes",
        f"{total} routes with exactly their next hops, none extra",
        f"{correct} as expected",
        faults,
    )


def daemon_routes(fabric: Fabric, routes: Routes, seen: Observation) -> Check:
    """Each daemon's best route is one of the paths that the fabric's policies make best."""
    faults: list[str] = []
    correct = total = 0
    for device in fabric.devices:
        chosen = seen[device.name].chosen
        if seen[device.name].fault:
            faults.append(f"{device.name}: {seen[device.name].fault}")
            continue
        for prefix, route in routes.of(device).items():
            total += 1
            best = chosen.get(prefix)
            if best is not None and best.kind is route.kind and best.next_hops <= route.next_hops:
                correct += 1
            else:
                faults.append(
                    f"{device.name}: best route to {prefix} is {_text(best)}, expected {_text(route)}"
                )
    return judged(
        "daemon-routes", f"{total} best routes as the policies say", f"{correct} as expected", faults
    )


class _Judge:
    def __init__(self, fabric: Fabric) -> None:
        managed = {network for network in fabric.aggregates if _holds_management(fabric, network)}
        self._moving = [network for network in fabric.aggregates if network not in managed]

    def differences(
        self, device: Device, expected: Mapping[Prefix, Route], found: Mapping[Prefix, Route]
    ) -> Iterator[str]:
        for prefix, route in expected.items():
            if found.get(prefix) != route:
                yield f"{device.name}: {prefix} is {_text(found.get(prefix))}, expected {_text(route)}"
        for prefix in found.keys() - expected.keys():
            if not self._moves(prefix):
                yield f"{device.name}: {prefix} is {_text(found[prefix])}, expected no route"

    def _moves(self, prefix: Prefix) -> bool:
        return any(
            network.version == prefix.version and prefix.network_address in network
            for network in self._moving
        )


def _holds_management(fabric: Fabric, network: Prefix) -> bool:
    return any(address in network for device in fabric.devices for address in device.management)


def _text(route: Route | None) -> str:
    if route is None:
        return "missing"
    hops = sorted(f"{hop.address}%{hop.interface}" for hop in route.next_hops)
    return f"{route.kind} via {', '.join(hops)}" if hops else str(route.kind)
