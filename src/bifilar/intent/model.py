"""Value module: what an operator may write in an intent file.

The classes are the file format: keys are the fields' names with hyphens, descriptions become the reference
and the JSON Schema. What one field cannot see (overlaps, exhausted ranges, clashing AS numbers) is checked in
:mod:`bifilar.intent.checks`.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bifilar.intent.networks import Network, Network4, Network6

PRIVATE_4_BYTE_ASN = 4_200_000_000
"""First private 4-byte AS number, RFC 6996."""

Asn = Annotated[int, Field(ge=1, le=4_294_967_294)]
DnsLabel = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,29}[a-z0-9])?$")]
BirdVersion = Annotated[
    Literal["2", "3"],
    BeforeValidator(
        lambda written: str(written) if type(written) is int else written, Literal["2", "3", 2, 3]
    ),
]
"""Major version of BIRD; ``bird-version: 2`` is read as well as ``"2"``."""
Seconds = Annotated[int, Field(ge=1, le=3_600)]
InterfaceName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,14}$")]


class AsnModel(StrEnum):
    """Who shares an AS number."""

    RACK = "rack"
    SERVER = "server"


class LinkStyle(StrEnum):
    """How the two ends of a switch link find each other."""

    NUMBERED = "numbered"
    UNNUMBERED = "unnumbered"


def _hyphenated(name: str) -> str:
    return name.replace("_", "-")


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=_hyphenated, validate_by_name=True, strict=False
    )


class AsnPlan(_Section):
    """AS numbers of every role."""

    model: AsnModel = Field(
        default=AsnModel.RACK,
        description="`rack`: both ToRs and every server of a rack share one ASN (iBGP inside, the ToRs reflect). "
        "`server`: every server has its own ASN (eBGP everywhere).",
    )
    base: Asn = Field(default=64600, description="Rack r has ASN base + r.")
    spine: Asn = Field(
        default=64599,
        description="All spines; with five stages all super-spines, while each zone's spines have their own.",
    )
    core: Asn = Field(default=64597, description="All core routers.")
    zone_base: Asn = Field(
        default=64800, description="Five stages: the spines of zone z have ASN zone-base + z."
    )
    server_base: Asn = Field(
        default=PRIVATE_4_BYTE_ASN,
        description="Model `server`: a server has server-base + its rack's number x 2^network-bits + its host number.",
    )


class Addresses(_Section):
    """Address ranges. Each field has an IPv6 twin (`servers6`, ...); give one family or both."""

    servers: Network4 | None = Field(
        default=None,
        description="Networks of 2^network-bits addresses: rack r has number 3r (management addresses), "
        "3r+1 (ToR 1) and 3r+2 (ToR 2). In each, ToR is +1, the boot server +3, servers +4 and on.",
    )
    network_bits: int = Field(
        default=6, ge=3, le=12, description="Host bits of a rack's IPv4 networks: 6 is a /26."
    )
    spine_tor: Network4 | None = Field(
        default=None,
        description="/31s of the links between spines and ToRs: a block for each spine, in it two for each rack "
        "number; the spine is even, the ToR odd.",
    )
    super_spine: Network4 | None = Field(
        default=None,
        description="Five stages: /31s of the links between super-spines and spines; the super-spine is even.",
    )
    core_spine: Network4 | None = Field(
        default=None, description="/31s of the links between cores and the highest spines; the core is even."
    )
    pods: Network4 | None = Field(
        default=None, description="Pod addresses, announced as blocks from kernel table 119."
    )
    load_balancer: Network4 | None = Field(
        default=None, description="Addresses of LoadBalancer Services, announced from kernel table 120."
    )
    servers6: Network6 | None = Field(default=None, description="As `servers`, in /64s.")
    spine_tor6: Network6 | None = Field(default=None, description="As `spine-tor`, in /127s.")
    super_spine6: Network6 | None = Field(default=None, description="As `super-spine`, in /127s.")
    core_spine6: Network6 | None = Field(default=None, description="As `core-spine`, in /127s.")
    pods6: Network6 | None = Field(default=None, description="As `pods`.")
    load_balancer6: Network6 | None = Field(default=None, description="As `load-balancer`.")
    other: tuple[Network, ...] = Field(
        default=(), description="More ranges that servers may announce (egress addresses, a bastion range)."
    )


class Links(_Section):
    """How switch links are addressed."""

    spine_tor: LinkStyle = Field(
        default=LinkStyle.NUMBERED,
        description="`numbered`: a /31 (/127) from `addresses.spine-tor`. `unnumbered`: fixed link-local addresses, "
        "one IPv6 session that carries every family (RFC 8950).",
    )


class Limits(_Section):
    """How far the fabric may grow. They fix the numbering of links, so that growth never renumbers one."""

    racks: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        description="Rack numbers are below this. Default: as many as `addresses.servers` holds.",
    )
    spines: int = Field(default=16, ge=1, le=256, description="Most spines (five stages: in one zone).")
    super_spines: int = Field(default=16, ge=1, le=256, description="Most super-spines.")
    zones: int = Field(default=16, ge=1, le=1024, description="Zone numbers are below this.")


class Rack(_Section):
    """One rack, or `count` racks with consecutive numbers."""

    number: int = Field(ge=0, le=65_535, description="The rack's identity: addresses and ASN follow from it.")
    count: int = Field(
        default=1, ge=1, le=65_536, description="That many racks like this, numbered on from `number`."
    )
    boot: int = Field(default=0, ge=0, le=1, description="1: the rack has a boot server.")
    servers: int = Field(default=0, ge=0, le=4_096, description="Servers in the rack.")


class Zone(_Section):
    """Five stages: racks with spines of their own."""

    number: int = Field(
        ge=0, le=1023, description="The zone's identity: the ASN of its spines follows from it."
    )
    spines: int = Field(ge=1, le=256, description="Spines of this zone.")
    racks: tuple[Rack, ...] = Field(
        min_length=1, description="Its racks. Rack numbers are unique in the whole fabric."
    )


class Bfd(_Section):
    """Bidirectional Forwarding Detection, RFC 5880."""

    interval_ms: int = Field(
        default=400, ge=10, le=60_000, description="Milliseconds between two packets, each way."
    )
    multiplier: int = Field(
        default=5, ge=2, le=255, description="Packets missed in a row before the session is down."
    )


class Bgp(_Section):
    """BGP timers, in seconds."""

    hold_s: int = Field(
        default=90, ge=3, le=65_535, description="Hold time; BFD detects failures long before."
    )
    keepalive_s: int = Field(
        default=30, ge=1, le=21_845, description="Time between keepalives, at most a third of hold-s."
    )
    connect_delay_s: int = Field(
        default=1, ge=1, le=300, description="Wait before the first attempt to connect."
    )
    connect_retry_s: int = Field(default=5, ge=1, le=300, description="Wait between attempts to connect.")
    error_wait_s: tuple[Seconds, Seconds] = Field(
        default=(3, 30),
        description="Shortest and longest wait after an error; the longest bounds how long a healed link idles.",
    )


class LoadBalancer(_Section):
    """How addresses of LoadBalancer Services reach BIRD."""

    speaker: bool = Field(
        default=False,
        description="A passive session on 127.0.0.1 for a separate speaker such as MetalLB: it is AS 64698, BIRD AS 64699.",
    )
    port: int = Field(
        default=1790, ge=1, le=65_535, description="TCP port on which BIRD waits for the speaker."
    )


class Device(_Section):
    """What is different about one device."""

    daemon: Literal["bird"] = Field(default="bird", description="The routing daemon.")
    bird_version: BirdVersion | None = Field(
        default=None, description="Overrides the fabric's `bird-version`."
    )
    asn: Asn | None = Field(default=None, description="Overrides the ASN that the plan gives.")
    bfd: Bfd | None = Field(default=None, description="Overrides the fabric's BFD timers.")
    bgp: Bgp | None = Field(default=None, description="Overrides the fabric's BGP timers.")
    drain: bool = Field(default=False, description="Announce GRACEFUL_SHUTDOWN (RFC 8326) on every session.")


class Intent(_Section):
    """A fabric, as its operator describes it."""

    name: DnsLabel = Field(description="The fabric's name: lower-case letters, digits and hyphens.")
    asn: AsnPlan = Field(default=AsnPlan(), description="AS numbers.")
    addresses: Addresses = Field(description="Address ranges.")
    links: Links = Field(default=Links(), description="Numbered or unnumbered switch links.")
    limits: Limits = Field(default=Limits(), description="How far the fabric may grow.")
    cores: int = Field(default=0, ge=0, le=16, description="Core routers. 0: the fabric ends at its spines.")
    super_spines: int = Field(
        default=0, ge=0, le=256, description="Five stages: super-spines above the zones."
    )
    spines: int = Field(default=0, ge=0, le=256, description="Three stages: spines above the racks.")
    racks: tuple[Rack, ...] = Field(default=(), description="Three stages: the racks.")
    zones: tuple[Zone, ...] = Field(
        default=(), description="Five stages: the zones, each with spines and racks."
    )
    bfd: Bfd = Field(default=Bfd(), description="BFD timers.")
    bgp: Bgp = Field(default=Bgp(), description="BGP timers.")
    mtu: int = Field(default=1500, ge=1280, le=9216, description="MTU of every link, in bytes.")
    nics: tuple[InterfaceName, InterfaceName] = Field(
        default=("eth0", "eth1"), description="Names of a server's interfaces to ToR 1 and ToR 2."
    )
    load_balancer: LoadBalancer = Field(default=LoadBalancer(), description="LoadBalancer Services.")
    bird_version: BirdVersion = Field(
        default="2", description="Major version of BIRD that is rendered for. 3 needs 3.3.1 or newer."
    )
    devices: dict[str, Device] = Field(default={}, description="Overrides, by device name.")
