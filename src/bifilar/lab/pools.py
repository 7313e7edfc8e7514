"""Pure module: the pool of a lab's pods, as its fabric implies it."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from bifilar.errors import LabError
from bifilar.fabric.model import Fabric, Prefix
from bifilar.pods.choice import DEFAULT_POOL
from bifilar.pods.model import Pool, Subnet
from bifilar.pods.pool_specs import BLOCK_SIZE_BITS


def default_pool(fabric: Fabric) -> Pool:
    """The pool of the fabric's pod addresses, for namespaces that ask for none.

    A dual-stack pool has as many addresses in each family: of the larger range, its beginning.

    Raises:
        LabError: the fabric has no pod addresses.
    """
    if not fabric.pods:
        raise LabError(
            fabric.name,
            "has no addresses for pods",
            "give its intent a range: addresses: {pods: 10.64.0.0/14}",
        )
    host_bits = min(network.max_prefixlen - network.prefixlen for network in fabric.pods)
    beginnings = [_beginning(network, host_bits) for network in fabric.pods]
    subnet = Subnet(
        ipv4=next((network for network in beginnings if isinstance(network, IPv4Network)), None),
        ipv6=next((network for network in beginnings if isinstance(network, IPv6Network)), None),
    )
    return Pool(DEFAULT_POOL, min(BLOCK_SIZE_BITS, host_bits), (subnet,))


def _beginning(network: Prefix, host_bits: int) -> Prefix:
    return type(network)((network.network_address, network.max_prefixlen - host_bits))


def other_ranges(fabric: Fabric) -> Mapping[str, tuple[Prefix, ...]]:
    """What else the fabric uses, by what it is: no pool may overlap with it."""
    links = (
        address.network
        for device in fabric.devices
        for interface in device.interfaces
        for address in interface.addresses
        if not address.ip.is_link_local
    )
    named = {
        "servers": fabric.servers,
        "load balancers": fabric.load_balancer,
        "other announced ranges": tuple(
            network
            for network in fabric.aggregates
            if network not in {*fabric.servers, *fabric.load_balancer, *fabric.pods}
        ),
        "links": _collapsed(links),
    }
    return {name: prefixes for name, prefixes in named.items() if prefixes}


def _collapsed(networks: Iterable[Prefix]) -> tuple[Prefix, ...]:
    """The same addresses in as few networks as possible: a large fabric has thousands of links."""
    found = set(networks)
    return (
        *collapse_addresses(network for network in found if isinstance(network, IPv4Network)),
        *collapse_addresses(network for network in found if isinstance(network, IPv6Network)),
    )
