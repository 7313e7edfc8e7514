"""Pure module: results read from and written as JSON, in every version of the specification.

What only 1.1.0 has is left out of an older result; reading takes whatever is there.
"""

import re
from collections.abc import Mapping
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv6Address,
    IPv6Interface,
    ip_address,
    ip_interface,
)
from typing import TypeVar

from bifilar.pods.cni.configuration import Configuration
from bifilar.pods.cni.errors import CniError, Code
from bifilar.pods.cni.results import AssignedAddress, Dns, Interface, Result, Route
from bifilar.pods.cni.versions import VERSIONS, Version

_PREVIOUS = "prevResult"
_WITH_LENGTH = re.compile(r"[0-9a-fA-F.:]+/[0-9]+")
"""Python would also take an address without a length, one with a mask, and one with a zone."""
_EMPTY: tuple[object, ...] = (None, "", [], {})

_T = TypeVar("_T")


def previous_of(configuration: Configuration, version: Version) -> Result | None:
    """The result of the plugins before us, or of the ADD that a CHECK or DEL belongs to; ``None`` if there is none.

    Raises:
        CniError: it can't be read, or is of a version with other results than the configuration's.
    """
    document = _field(configuration, _PREVIOUS, dict)
    if document is None:
        return None
    text = _field(document, "cniVersion", str)
    if text is None:  # before 1.0.0 a result need not have one
        text = version.text
    if text not in VERSIONS or VERSIONS[text].names_families != version.names_families:
        raise _unreadable("cniVersion", f"{text!r} in a configuration of version {version}")
    return _result(document)


def as_json(result: Result, version: Version) -> dict[str, object]:
    """What belongs on standard output after ADD."""
    return _given(
        cniVersion=version.text,
        interfaces=[_interface_as_json(interface, version) for interface in result.interfaces],
        ips=[_address_as_json(address, version) for address in result.addresses],
        routes=[_route_as_json(route, version) for route in result.routes],
        dns=_given(
            nameservers=list(result.dns.nameservers),
            domain=result.dns.domain,
            search=list(result.dns.search),
            options=list(result.dns.options),
        ),
    )


def _interface_as_json(interface: Interface, version: Version) -> dict[str, object]:
    details = _given(mtu=interface.mtu, socketPath=interface.socket_path, pciID=interface.pci_id)
    return {
        "name": interface.name,
        **_given(mac=interface.mac, sandbox=interface.sandbox),
        **(details if version.has_link_details else {}),
    }


def _address_as_json(assigned: AssignedAddress, version: Version) -> dict[str, object]:
    return _given(
        version=str(assigned.address.version) if version.names_families else None,
        interface=assigned.interface,
        address=str(assigned.address),
        gateway=None if assigned.gateway is None else str(assigned.gateway),
    )


def _route_as_json(route: Route, version: Version) -> dict[str, object]:
    details = _given(
        mtu=route.mtu,
        advmss=route.advertised_mss,
        priority=route.priority,
        table=route.table,
        scope=route.scope,
    )
    return {
        **_given(dst=str(route.destination), gw=None if route.gateway is None else str(route.gateway)),
        **(details if version.has_link_details else {}),
    }


def _given(**fields: object) -> dict[str, object]:
    """Without what isn't there; a number 0 is."""
    return {key: value for key, value in fields.items() if value not in _EMPTY}


def _result(document: Configuration) -> Result:
    return Result(
        tuple(_interface(entry) for entry in _objects(document, "interfaces")),
        tuple(_address(entry) for entry in _objects(document, "ips")),
        tuple(_route(entry) for entry in _objects(document, "routes")),
        resolvers_in(document),
    )


def resolvers_in(document: Configuration) -> Dns:
    """What a result, or a network configuration, says of name resolution.

    Raises:
        CniError: it can't be read.
    """
    dns = _field(document, "dns", dict) or {}
    return Dns(
        _texts(dns, "nameservers"),
        _field(dns, "domain", str) or "",
        _texts(dns, "search"),
        _texts(dns, "options"),
    )


def _interface(document: Configuration) -> Interface:
    return Interface(
        _field(document, "name", str) or "",
        _field(document, "mac", str) or "",
        _field(document, "sandbox", str) or "",
        _field(document, "mtu", int),
        _field(document, "socketPath", str) or "",
        _field(document, "pciID", str) or "",
    )


def _address(document: Configuration) -> AssignedAddress:
    return AssignedAddress(
        _with_length(document, "address"), _gateway(document, "gateway"), _field(document, "interface", int)
    )


def _route(document: Configuration) -> Route:
    return Route(
        _with_length(document, "dst").network,
        _gateway(document, "gw"),
        _field(document, "mtu", int),
        _field(document, "advmss", int),
        _field(document, "priority", int),
        _field(document, "table", int),
        _field(document, "scope", int),
    )


def _with_length(document: Configuration, key: str) -> IPv4Interface | IPv6Interface:
    text = _field(document, key, str) or ""
    try:
        if _WITH_LENGTH.fullmatch(text):
            return ip_interface(text)
    except ValueError:
        pass  # said below
    raise _unreadable(key, f"{text!r} is no address with a prefix length")


def _gateway(document: Configuration, key: str) -> IPv4Address | IPv6Address | None:
    text = _field(document, key, str)
    try:
        return ip_address(text) if text else None
    except ValueError as error:
        raise _unreadable(key, str(error)) from error


def _objects(document: Configuration, key: str) -> tuple[Configuration, ...]:
    return tuple(_all(_field(document, key, list) or [], dict, key))


def _texts(document: Configuration, key: str) -> tuple[str, ...]:
    return tuple(_all(_field(document, key, list) or [], str, key))


def _all(values: list[object], kind: type[_T], key: str) -> list[_T]:
    return [_checked(value, kind, key) for value in values]


def _field(document: Mapping[str, object], key: str, kind: type[_T]) -> _T | None:
    value = document.get(key)
    return None if value is None else _checked(value, kind, key)


def _checked(value: object, kind: type[_T], key: str) -> _T:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _unreadable(key, f"{value!r} is of the wrong type")
    return value


def _unreadable(key: str, details: str) -> CniError:
    return CniError(
        Code.UNREADABLE, f"{_PREVIOUS} in the network configuration can't be read", f"{key}: {details}"
    )
