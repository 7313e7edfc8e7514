"""Value module: what was read from a running fabric.

Addresses and prefixes are values of :mod:`ipaddress`; interfaces go by name. Nothing here knows how it was read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bifilar.fabric.model import Address, DeviceName, InterfaceAddress, Prefix
from bifilar.proof.routes import Route


@dataclass(frozen=True, slots=True)
class BfdState:
    """A BFD session as the daemon shows it."""

    neighbour: Address
    interface: str
    up: bool


@dataclass(frozen=True, slots=True)
class AddressState:
    """An address of an interface as the kernel shows it. ``scope`` is ``global``, ``link`` or ``host``."""

    interface: str
    address: InterfaceAddress
    scope: str
    deprecated: bool


@dataclass(frozen=True, slots=True)
class ForeignRoute:
    """A route of the main table that neither the kernel itself nor the routing daemon put there."""

    prefix: Prefix
    protocol: int


@dataclass(frozen=True, slots=True)
class DeviceState:
    """One device.

    ``bgp`` maps the name of each BGP protocol to its state (``Established``, or what BIRD says instead).
    ``chosen`` are the daemon's best routes, ``kernel`` the main table's routes by the daemon; both by prefix.
    ``exported`` are the pod blocks in the kernel table that the daemon reads.
    """

    bgp: Mapping[str, str] = field(default_factory=dict)
    bfd: tuple[BfdState, ...] = ()
    chosen: Mapping[Prefix, Route] = field(default_factory=dict)
    kernel: Mapping[Prefix, Route] = field(default_factory=dict)
    foreign: tuple[ForeignRoute, ...] = ()
    addresses: tuple[AddressState, ...] = ()
    exported: frozenset[Prefix] = frozenset()
    fault: str = ""
    """Why the device could not be read, if so."""


Observation = Mapping[DeviceName, DeviceState]
"""A whole fabric, as seen."""
