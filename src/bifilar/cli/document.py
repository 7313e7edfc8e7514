"""Pure module: a fabric as the document of ``show --json``."""

from bifilar.fabric.model import Device, Fabric, Interface, Link, LinkEnd, Session


def document_of(fabric: Fabric, only: str | None = None) -> dict[str, object]:
    """The fabric as plain lists and words. A session appears once from each side.

    Args:
        fabric: the fabric.
        only: the device that is wanted, with its links and its sides of sessions; all of them unless told.
    """
    return {
        "name": fabric.name,
        "devices": [_device(device) for device in fabric.devices if only in {None, device.name}],
        "links": [_link(link) for link in fabric.links if only in {None, link.a.device, link.b.device}],
        "sessions": [_session(session) for session in fabric.sessions if only in {None, session.device}],
    }


def _device(device: Device) -> dict[str, object]:
    return {
        "name": device.name,
        "role": str(device.role),
        "rack": device.rack,
        "zone": device.zone,
        "asn": device.asn,
        "router_id": str(device.router_id),
        "management": [str(address) for address in device.management],
        "daemon": device.daemon,
        "interfaces": [_interface(interface) for interface in device.interfaces],
    }


def _interface(interface: Interface) -> dict[str, object]:
    return {
        "name": interface.name,
        "kind": str(interface.kind),
        "addresses": [str(address) for address in interface.addresses],
        "link": interface.link,
    }


def _link(link: Link) -> dict[str, object]:
    return {"name": link.name, "a": _end(link.a), "b": _end(link.b)}


def _end(end: LinkEnd) -> dict[str, str]:
    return {"device": end.device, "interface": end.interface}


def _session(session: Session) -> dict[str, object]:
    return {
        "device": session.device,
        "name": session.name,
        "peer": session.peer,
        "local_as": session.local_as,
        "remote_as": session.remote_as,
        "local_address": str(session.local_address),
        "remote_address": str(session.remote_address),
        "kind": str(session.kind),
        "route_reflector_client": session.route_reflector_client,
    }
