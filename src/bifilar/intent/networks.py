"""Pure module: networks as an operator writes them, ``address/length`` and nothing else.

``ipaddress`` alone would read ``10.64.0.0`` as a single address and ``10`` as 0.0.0.10; a fabric's ranges are
too important for that, so each such spelling is refused with the right one as its hint.
"""

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

NETWORK_ERROR = "network"
"""Type of the errors raised here; their context holds ``what`` (follows the field's name) and ``hint``."""

_EXAMPLES = {4: "10.69.0.0/16", 6: "fd00:69::/48", None: "10.69.0.0/16 or fd00:69::/48"}
_LENGTH = re.compile(r"[0-9]{1,3}")


def _refused(what: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError(NETWORK_ERROR, "{what}", {"what": what, "hint": hint})


def _quoted(written: object) -> str:
    text = str(written)
    return f"`{text}`" if len(text) <= 50 else f"`{text[:47]}...`"  # noqa: PLR2004 - a line on a terminal


def parse_network(written: object, version: int | None, field: str) -> IPv4Network | IPv6Network:
    """The network that was written, of one family (``version`` 4 or 6) or of any (None).

    Raises:
        PydanticCustomError: of type ``NETWORK_ERROR``.
    """
    if isinstance(written, IPv4Network | IPv6Network):
        return _of_family(written, version, field)
    example = f"write a network as {_EXAMPLES[version]}"
    if not isinstance(written, str):
        raise _refused(f"is {_quoted(written)}, which is not a network", example)
    address_part, slash, length_part = written.partition("/")
    try:
        address = ip_address(address_part)
    except ValueError:
        raise _refused(f"is {_quoted(written)}, which is not a network", example) from None
    if not slash:
        raise _refused(
            f"is {_quoted(written)}, an address without a prefix length",
            f"add the length, as in {_EXAMPLES[address.version]}",
        )
    if not _LENGTH.fullmatch(length_part) or int(length_part) > address.max_prefixlen:
        raise _refused(
            f"is {_quoted(written)}, whose prefix length is not a number from 0 to {address.max_prefixlen}",
            example,
        )
    return _of_family(_without_host_bits(address, int(length_part)), version, field)


def _without_host_bits(address: IPv4Address | IPv6Address, length: int) -> IPv4Network | IPv6Network:
    network = ip_network((address, length), strict=False)
    if network.network_address != address:
        raise _refused(
            f"is `{address}/{length}`, which has bits set after the first {length}",
            f"the network that holds this address is {network}",
        )
    return network


def _of_family(
    network: IPv4Network | IPv6Network, version: int | None, field: str
) -> IPv4Network | IPv6Network:
    if version is None or network.version == version:
        return network
    twin = field.removesuffix("6") if version == 6 else f"{field}6"  # noqa: PLR2004 - IP version
    raise _refused(
        f"is `{network}`, an IPv{network.version} network; IPv{version} is needed here",
        f"write it as `{twin}`, or give an IPv{version} network such as {_EXAMPLES[version]}",
    )


def _field(info: ValidationInfo) -> str:
    return (info.field_name or "").replace("_", "-")


def _network4(written: Any, info: ValidationInfo) -> IPv4Network | IPv6Network:
    return parse_network(written, 4, _field(info))


def _network6(written: Any, info: ValidationInfo) -> IPv4Network | IPv6Network:
    return parse_network(written, 6, _field(info))


def _network(written: Any, info: ValidationInfo) -> IPv4Network | IPv6Network:
    return parse_network(written, None, _field(info))


Network4 = Annotated[IPv4Network, PlainValidator(_network4, IPv4Network)]
"""An IPv4 network."""
Network6 = Annotated[IPv6Network, PlainValidator(_network6, IPv6Network)]
"""An IPv6 network."""
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network, IPv4Network | IPv6Network)]
"""A network of either family."""
