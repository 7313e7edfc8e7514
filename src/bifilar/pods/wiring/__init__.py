"""A container's interface in the kernel: made, checked and removed. The hot path.

::

    container's namespace                     host's namespace
    eth0  10.64.0.5/32                        veth1a2b3c4d5e6  ee:ee:ee:ee:ee:ee
          default via 10.69.0.4  ---------->  rule 2000: table 116
          neighbour 10.69.0.4 is ee:ee:..     table 116: 10.64.0.5 dev veth1a2b3c4d5e6, protocol 30

=============  =====  ====================================================================
``order``      value  what is to be wired, and what came of it; names of interfaces
``errors``     value  what can go wrong
``messages``   pure   the requests to the kernel, in their order
``sockets``    edge   netlink sockets on the host's side and on a container's
``removal``    edge   interfaces removed, without waiting for longer than is needed
``names``      edge   an interface moved out of the way of another
``faults``     edge   what is and what should be, held against each other
``attach``     edge   a container wired, or left as it was
``wiring``     edge   all of it together
=============  =====  ====================================================================

The gateway is the node's management address, which no interface of the pods has: a permanent neighbour entry in the
container says where it is. So nobody needs to answer ARP for it (a server of the fabric has ``arp_ignore`` set), the
first packet doesn't wait, and the host doesn't have its address on hundreds of interfaces.

The routes in table 116 come last and go first: an interface that has them is complete, any other is what somebody left
half done.
"""

from bifilar.pods.wiring.errors import InterfaceTakenError, NamespaceGoneError, WiringError
from bifilar.pods.wiring.order import Order, Wired, host_interface_name
from bifilar.pods.wiring.wiring import Wiring

__all__ = [
    "InterfaceTakenError",
    "NamespaceGoneError",
    "Order",
    "Wired",
    "Wiring",
    "WiringError",
    "host_interface_name",
]
