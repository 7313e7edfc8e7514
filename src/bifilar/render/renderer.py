"""Pure module: every file of every device, from templates.

A template of the operator's replaces the built-in one of the same name, such as ``bird/tor.conf.j2``.
"""

import re
import traceback
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from ipaddress import ip_interface
from typing import Any

from jinja2 import Environment, FunctionLoader, PackageLoader, StrictUndefined, TemplateSyntaxError

from bifilar.errors import InputError
from bifilar.fabric.model import (
    GRACEFUL_SHUTDOWN,
    MANAGEMENT_DEVICE,
    POD_EXPORT_TABLE,
    SPEAKER_ASN,
    SPEAKER_PEER_ASN,
    VIP_COMMUNITY,
    VIP_EXPORT_TABLE,
    VIP_PREFERENCE,
    Device,
    DeviceName,
    Fabric,
    InterfaceKind,
    ReceivedNextHop,
    Role,
)
from bifilar.render.views import Views

Files = Mapping[str, str]
"""Text by absolute path, as it would lie on the device's disk."""

BIRD_CONFIG = "/etc/bird/bird.conf"
SYSCTL_CONFIG = "/etc/sysctl.d/90-bifilar.conf"
NETWORKD_CONFIG = "/etc/systemd/networkd.conf.d/10-bifilar.conf"
NETWORK_DIRECTORY = "/etc/systemd/network"
"""Where systemd-networkd finds the files of each interface."""

_END_OF_BLOCK = re.compile(r"\n}\n")
_MANY_EMPTY_LINES = re.compile(r"\n{3,}")

ECMP_LIMIT = 64
"""Most equal paths of a route; BIRD's own default of 16 is less than large fabrics have."""
KERNEL_SCAN_S = 10
"""A route that somebody removed from the kernel is back after that; changes are seen at once without it."""


class Renderer:
    """Renders the devices of one fabric.

    ``overrides`` are templates by name. What is wrong in one of them raises :class:`~bifilar.errors.InputError`
    with its name and line.
    """

    def __init__(self, fabric: Fabric, overrides: Mapping[str, str] | None = None) -> None:
        self._fabric = fabric
        self._views = Views(fabric)
        self._overrides = dict(overrides or {})
        self._built_in = PackageLoader("bifilar.render")
        names = self._built_in.list_templates()
        if unknown := self._overrides.keys() - names:
            raise InputError(
                min(unknown), "no template of this name to replace", f"the templates: {', '.join(names)}"
            )
        self._environment = Environment(
            loader=FunctionLoader(self._source),
            auto_reload=False,  # nothing changes meanwhile, and to look costs time for every file
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701 - configuration files, not HTML
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.globals |= {
            "fabric": fabric,
            "gshut": GRACEFUL_SHUTDOWN,
            "ecmp_limit": ECMP_LIMIT,
            "kernel_scan_s": KERNEL_SCAN_S,
            "management_device": MANAGEMENT_DEVICE,
            "pod_table": POD_EXPORT_TABLE,
            "vip_table": VIP_EXPORT_TABLE,
            "vip_preference": VIP_PREFERENCE,
            "vip_community": VIP_COMMUNITY,
            "speaker_asn": SPEAKER_ASN,
            "speaker_peer_asn": SPEAKER_PEER_ASN,
        }

    def all(self) -> Iterator[tuple[DeviceName, Files]]:
        """The files of every device, in the fabric's order."""
        for device in self._fabric.devices:
            yield device.name, self.files(device)

    def files(self, device: Device) -> Files:
        """The files of one device."""
        files = {
            BIRD_CONFIG: self._bird(device),
            SYSCTL_CONFIG: self._render(
                "sysctl.conf.j2", device=device, hash_seed=zlib.crc32(device.name.encode())
            ),
        }
        return files | self._networkd(device) if device.role.is_server else files

    def _bird(self, device: Device) -> str:
        context: dict[str, Any] = {"device": device, "families": self._views.families(device)}
        if device.role.is_server:
            context |= {
                "sessions": self._views.sessions(device),
                "rewriting": self._rewriting,
                "local_protocols": self._local_protocols(device),
                "speaker_ranges": self._speaker_ranges(device),
            }
        else:
            groups = self._views.groups(device)
            context |= {"groups": groups, "below_core": any(group.outer for group in groups)}
        text = self._render(f"bird/{device.role}.conf.j2", **context)
        return _MANY_EMPTY_LINES.sub("\n\n", _END_OF_BLOCK.sub("\n}\n\n", text)).rstrip() + "\n"

    @cached_property
    def _rewriting(self) -> bool:
        """Whether servers apply the article's rule on NEXT_HOP, which needs the dummy IGP table."""
        return any(
            channel.received_next_hop is ReceivedNextHop.SENDER_UNLESS_SHARED
            for session in self._fabric.sessions
            for channel in session.channels
        )

    def _local_protocols(self, device: Device) -> dict[int, str]:
        """Of each family: a condition that is true of routes delivered on the server itself."""
        conditions = {}
        for family in self._views.families(device):
            names = []
            if device.role is Role.SERVER:
                names += [f"coil{family.version}"] * bool(family.pod_ranges)
                names += [f"vip{family.version}"] * bool(family.vip_ranges)
                names += ["lb"] * (device.speaker is not None)
            conditions[family.version] = " || ".join(f'proto = "{name}"' for name in names)
        return conditions

    def _speaker_ranges(self, device: Device) -> dict[int, list[object]]:
        accepted = device.speaker.accept if device.speaker else ()
        return {version: [r for r in accepted if r.network.version == version] for version in (4, 6)}

    @cached_property
    def _same_on_all_servers(self) -> Files:
        return {
            NETWORKD_CONFIG: self._render("networkd/networkd.conf.j2"),
            f"{NETWORK_DIRECTORY}/10-{MANAGEMENT_DEVICE}.netdev": self._render("networkd/node0.netdev.j2"),
        }

    def _networkd(self, device: Device) -> dict[str, str]:
        files = {
            **self._same_on_all_servers,
            f"{NETWORK_DIRECTORY}/10-{MANAGEMENT_DEVICE}.network": self._render(
                "networkd/node0.network.j2",
                addresses=[ip_interface(address) for address in device.management],
            ),
        }
        for interface in device.interfaces:
            if interface.kind is InterfaceKind.PORT and interface.link is not None:
                peer = self._fabric.links_by_name[interface.link].a.device
                files[f"{NETWORK_DIRECTORY}/20-{interface.name}.network"] = self._render(
                    "networkd/nic.network.j2", interface=interface, peer=peer
                )
        return files

    def _source(self, name: str) -> tuple[str, str, None] | None:
        """A template. Its name stands in the place of a file name, so that a traceback says it."""
        text = self._overrides.get(name)
        return (self._built_in.get_source(self._environment, name)[0] if text is None else text), name, None

    def _render(self, name: str, **context: Any) -> str:
        try:
            return self._environment.get_template(name).render(context)
        except TemplateSyntaxError as error:
            where = f"{error.name or name}:{error.lineno}"
            raise InputError(
                where, f"template: {error.message}", "see the Jinja2 template documentation"
            ) from error
        except Exception as error:
            # An expression can raise anything. Where no template was replaced, the mistake is ours.
            if not self._overrides:
                raise
            raise InputError(
                self._place(error) or name,
                f"template: {str(error) or type(error).__name__}",
                f"compare with the built-in templates; replaced: {', '.join(sorted(self._overrides))}",
            ) from error

    def _place(self, error: Exception) -> str | None:
        """The innermost ``template:line`` that an error passed through."""
        templates = set(self._built_in.list_templates())
        frames = reversed(traceback.extract_tb(error.__traceback__))
        return next(
            (f"{frame.filename}:{frame.lineno}" for frame in frames if frame.filename in templates), None
        )
