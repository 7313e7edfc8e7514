"""Value module: what is to be wired, and what came of it; the names of interfaces."""

from dataclasses import dataclass
from hashlib import sha1
from ipaddress import IPv6Address

from bifilar.pods.model import Attachment, Key

HOST_LINK_ADDRESS = bytes.fromhex("eeeeeeeeeeee")
"""MAC address of every host's end, as with Calico: each is alone on its wire, and the container can be told before."""
GATEWAY6 = IPv6Address("fe80::1")
"""Of every host's end: link-local, so that it can be the same for all."""
_DEFAULT_INTERFACE = "eth0"
_HASH_DIGITS = 11
"""With ``veth`` before them they fill the 15 letters that a name may have."""


@dataclass(frozen=True, slots=True)
class Order:
    """An attachment to be wired.

    Attributes:
        attachment: its name in the container is that of its key.
        namespace: file by which the container's network namespace can be entered.
        host_interface: name of the host's end, from :func:`host_interface_name`.
    """

    attachment: Attachment
    namespace: str
    host_interface: str


@dataclass(frozen=True, slots=True)
class Ends:
    """What tells the two ends of a pair, chosen by us: so nobody needs to ask the kernel what it has chosen.

    Attributes:
        host: index of the host's end.
        container: index of the container's end; never the same number, which would mean that it has no other end.
        container_link_address: its MAC address.
    """

    host: int
    container: int
    container_link_address: bytes


@dataclass(frozen=True, slots=True)
class Wired:
    """An attachment that is wired.

    Attributes:
        host_interface: name of the host's end.
        host_index: index of the host's end.
        host_link_address: MAC address of the host's end.
        container_link_address: MAC address of the container's end.
        mtu: of both, in bytes.
    """

    host_interface: str
    host_index: int
    host_link_address: bytes
    container_link_address: bytes
    mtu: int


def host_interface_name(key: Key, namespace: str | None = None, pod: str | None = None) -> str:
    """The name of the host's end, by which policy agents find a pod's interface: Calico's rule.

    Without a pod's name, and for a pod's further interfaces, which Calico has no name for, the key decides.
    """
    if namespace and pod and key.interface == _DEFAULT_INTERFACE:
        return _hashed(f"{namespace}.{pod}")
    return spare_name(key)


def spare_name(key: Key) -> str:
    """A name that is this attachment's alone, whatever pod it is of."""
    return _hashed(f"{key.container}.{key.interface}")


def _hashed(text: str) -> str:
    return f"veth{sha1(text.encode(), usedforsecurity=False).hexdigest()[:_HASH_DIGITS]}"
