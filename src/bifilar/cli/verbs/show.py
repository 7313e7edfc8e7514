"""The verb ``show``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bifilar.cli.options import AsJson, IntentFile

if TYPE_CHECKING:
    from rich.table import Table

    from bifilar.fabric.model import Device, Fabric, Interface


def show(
    intent: IntentFile,
    as_json: AsJson = False,
    svg: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the fabric into this file instead.", show_default=False),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", "-d", metavar="NAME", help="Show this device only.", show_default="all"),
    ] = None,
) -> None:
    """Show a fabric: devices, addresses, AS numbers, links, sessions; or draw it.

    Example: `bifilar show examples/article.yaml --svg out/article.svg`
    """
    from bifilar.cli.document import document_of
    from bifilar.cli.files import replace_file
    from bifilar.cli.selection import device_named
    from bifilar.cli.terminal import answers, print_json, remarks
    from bifilar.fabric import design
    from bifilar.intent import load_intent

    fabric = design(load_intent(intent))
    only = None if device is None else device_named(fabric, device).name
    if svg is not None:
        from bifilar.render.picture import svg as draw

        replace_file(svg, draw(fabric))
        remarks().print(f"drew {svg}")
    if as_json:
        print_json(document_of(fabric, only))
    elif svg is None:
        console = answers()
        console.print(_devices(fabric, only))
        console.print()
        console.print(_sessions(fabric, only))


def _devices(fabric: "Fabric", only: str | None) -> "Table":
    from bifilar.cli.terminal import table

    columns = ("device", "role", "ASN", "management", "interface", "addresses", "link to")
    rows = table(*columns, title="Devices")
    for device in fabric.devices:
        if only in {None, device.name}:
            management = ", ".join(map(str, device.management))
            head = [device.name, str(device.role), str(device.asn), management]
            for interface in device.interfaces:
                addresses = ", ".join(map(str, interface.addresses))
                rows.add_row(*head, interface.name, addresses, _neighbour(fabric, device, interface))
                head = [""] * len(head)
    return rows


def _neighbour(fabric: "Fabric", device: "Device", interface: "Interface") -> str:
    if interface.link is None:
        return ""
    link = fabric.links_by_name[interface.link]
    return next(end.device for end in (link.a, link.b) if end.device != device.name)


def _sessions(fabric: "Fabric", only: str | None) -> "Table":
    from bifilar.cli.terminal import table

    columns = (
        "device",
        "session",
        "peer",
        "kind",
        "local AS",
        "remote AS",
        "local address",
        "remote address",
    )
    rows = table(*columns, title="BGP sessions, from each side")
    for session in fabric.sessions:
        if only in {None, session.device}:
            kind = f"{session.kind}, client" if session.route_reflector_client else str(session.kind)
            ends = (session.local_as, session.remote_as, session.local_address, session.remote_address)
            rows.add_row(session.device, session.name, session.peer, kind, *map(str, ends))
    return rows
