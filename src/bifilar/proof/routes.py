"""Pure module: the routes that every device of a fabric must end up with.

For each prefix, paths are carried along the sessions until nothing changes. Servers only announce what is
their own, so nothing travels *through* them: the iteration runs over the switches alone, and a server's routes
are read off its neighbours' afterwards. Servers with the same neighbours have the same routes but for their
own, and share one table.

Every eBGP hop makes a path longer and no policy raises a preference, so the stable state is unique.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from ipaddress import ip_network

from bifilar.fabric.model import (
    Address,
    Channel,
    Device,
    DeviceName,
    Fabric,
    Family,
    InterfaceName,
    Prefix,
    Role,
    Session,
    Source,
)
from bifilar.fabric.policies import default_route
from bifilar.proof.paths import Path, announce, channel_of, own_path, receive, select

_OWN = ""
"""Stands for the session of a path of the device's own."""
_CARRIED_ON = frozenset({Source.ABOVE, Source.BELOW})


class RouteKind(StrEnum):
    """What the kernel does with a packet that follows a route."""

    UNICAST = "unicast"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where a packet goes next."""

    address: Address
    interface: InterfaceName


@dataclass(frozen=True, slots=True)
class Route:
    """A route in a device's main kernel table; all of its next hops share the traffic (ECMP)."""

    kind: RouteKind
    next_hops: frozenset[NextHop] = frozenset()


UNREACHABLE = Route(RouteKind.UNREACHABLE)

_Selected = dict[DeviceName, tuple[Path, ...]]


@dataclass(frozen=True)
class Routes:
    """All the routes of a fabric, computed when first asked for."""

    fabric: Fabric

    def of(self, device: Device) -> Mapping[Prefix, Route]:
        """The routes of one device by prefix; what it owns itself is not among them."""
        if self._is_leaf(device):
            own = {ip_network(address) for address in device.management}
            return {prefix: route for prefix, route in self._leaf_table(device).items() if prefix not in own}
        table: dict[Prefix, Route] = {}
        for prefix, selected in self._selected.items():
            route = _route(selected.get(device.name, ()))
            if route is not None:
                table[prefix] = route
        return table | self._own_unreachable(device)

    @cached_property
    def origins(self) -> Mapping[Prefix, tuple[tuple[DeviceName, Source], ...]]:
        """Every prefix and who originates it."""
        origins: dict[Prefix, tuple[tuple[DeviceName, Source], ...]] = {}
        for device in self.fabric.devices:
            for address in device.management:
                origins[ip_network(address)] = ((device.name, Source.MANAGEMENT),)
        cores = [device.name for device in self.fabric.devices if device.role is Role.CORE]
        if cores:
            for family in self.fabric.families:
                origins[default_route(family)] = tuple((core, Source.DEFAULT) for core in cores)
            for aggregate in self.fabric.aggregates:
                origins[aggregate] = tuple((top.name, Source.AGGREGATES) for top in self._tops)
        return origins

    @cached_property
    def _tops(self) -> tuple[Device, ...]:
        """The devices right below the cores."""
        tier = max((d.role.tier for d in self.fabric.devices if d.role is not Role.CORE), default=0)
        return tuple(device for device in self.fabric.devices if device.role.tier == tier)

    def _own_unreachable(self, device: Device) -> dict[Prefix, Route]:
        """Routes that a device has without a neighbour: they stop packets for addresses that nobody has."""
        if not self.fabric.has_core:
            return {}
        if device.role is Role.CORE:
            return dict.fromkeys(map(default_route, self.fabric.families), UNREACHABLE)
        if device in self._tops:
            return dict.fromkeys(self.fabric.aggregates, UNREACHABLE)
        return {}

    @cached_property
    def _router_ids(self) -> dict[str, int]:
        return {device.name: int(device.router_id) for device in self.fabric.devices}

    @cached_property
    def _leaves(self) -> frozenset[DeviceName]:
        """Devices that hand on nothing of what they hear."""
        return frozenset(
            device.name
            for device in self.fabric.devices
            if not any(
                channel.announce & _CARRIED_ON
                for session in self.fabric.sessions_of(device)
                for channel in session.channels
            )
            and device.role.is_server
        )

    def _is_leaf(self, device: Device) -> bool:
        return device.name in self._leaves

    @cached_property
    def _sides(self) -> Mapping[tuple[DeviceName, DeviceName, Address], Session]:
        return {(s.device, s.peer, s.local_address): s for s in self.fabric.sessions}

    def _other_side(self, session: Session) -> Session:
        return self._sides[(session.peer, session.device, session.remote_address)]

    @cached_property
    def _edges(
        self,
    ) -> Mapping[tuple[DeviceName, Family], tuple[tuple[Session, Channel, Session, Channel], ...]]:
        """From each device and family: its side of a session, and the other side (switches only)."""
        edges: dict[tuple[DeviceName, Family], list[tuple[Session, Channel, Session, Channel]]] = {}
        for session in self.fabric.sessions:
            if session.peer in self._leaves:
                continue
            other = self._other_side(session)
            for channel in session.channels:
                opposite = channel_of(other, channel.family)
                if opposite is not None:
                    edges.setdefault((session.device, channel.family), []).append(
                        (session, channel, other, opposite)
                    )
        return {key: tuple(found) for key, found in edges.items()}

    @cached_property
    def _selected(self) -> Mapping[Prefix, _Selected]:
        """The selected paths of every switch, for every prefix."""
        return {prefix: self._settle(prefix, seeds) for prefix, seeds in self.origins.items()}

    def _settle(self, prefix: Prefix, seeds: Iterable[tuple[DeviceName, Source]]) -> _Selected:
        family = Family(prefix.version)
        received: dict[DeviceName, dict[str, Path]] = {}
        selected: _Selected = {}
        changed: deque[DeviceName] = deque()
        for name, source in seeds:
            own = own_path(source)
            received[name] = {_OWN: own}
            selected[name] = (own,)
            changed.append(name)
        while changed:
            name = changed.popleft()
            device, best = self.fabric.by_name[name], selected.get(name)
            for session, channel, other, opposite in self._edges.get((name, family), ()):
                # A path is not sent back to where it came from.
                back = best is not None and best[0].session is session
                said = announce(device, best[0], session, channel) if best and not back else None
                path = receive(said, other, opposite, prefix) if said else None
                heard = received.setdefault(other.device, {})
                if heard.get(other.name) == path:
                    continue
                if path is None:
                    del heard[other.name]
                else:
                    heard[other.name] = path
                before = selected.get(other.device, ())
                after = select(heard.values(), self._router_ids)
                selected[other.device] = after
                if before[:1] != after[:1] and other.device not in changed:
                    changed.append(other.device)
        return selected

    @cached_property
    def _leaf_tables(self) -> dict[object, dict[Prefix, Route]]:
        return {}

    def _leaf_table(self, device: Device) -> dict[Prefix, Route]:
        sessions = self.fabric.sessions_of(device)
        own_as = frozenset(s.local_as for s in sessions)
        alike = tuple((s.peer, s.interface, s.remote_address, s.remote_as) for s in sessions), own_as
        if alike not in self._leaf_tables:
            self._leaf_tables[alike] = self._read_off(sessions)
        return self._leaf_tables[alike]

    def _read_off(self, sessions: tuple[Session, ...]) -> dict[Prefix, Route]:
        pairs = [(self.fabric.by_name[own.peer], self._other_side(own), own) for own in sessions]
        table: dict[Prefix, Route] = {}
        for prefix, selected in self._selected.items():
            family = Family(prefix.version)
            paths = []
            for neighbour, theirs, own in pairs:
                best = selected.get(neighbour.name)
                channel, opposite = channel_of(theirs, family), channel_of(own, family)
                if not best or channel is None or opposite is None:
                    continue
                # Other servers share the table, so this server's own prefix is in it.
                said = announce(neighbour, best[0], theirs, channel)
                path = receive(said, own, opposite, prefix) if said else None
                if path is not None:
                    paths.append(path)
            route = _route(select(paths, self._router_ids))
            if route is not None:
                table[prefix] = route
        return table


def _route(paths: tuple[Path, ...]) -> Route | None:
    """The kernel's route for the selected paths, ``None`` where the device itself is the destination."""
    next_hops = frozenset(
        NextHop(path.gateway, path.session.interface)
        for path in paths
        if path.session is not None and path.gateway is not None
    )
    return Route(RouteKind.UNICAST, next_hops) if next_hops else None
