"""Value module: what an agent is told."""

from dataclasses import dataclass

from bifilar.pods.model import Addresses, NodeName


@dataclass(frozen=True, slots=True)
class Settings:
    """What an agent is told.

    Attributes:
        node: its name in the store.
        management: the node's management addresses; pods have them as their gateway. A family that is missing here
            can't be given to pods.
        network: the name of the network in the runtime's configuration; requests of another are refused.
        mtu: of the interfaces, in bytes.
        cool_down_s: an address that was given back isn't handed out again for so long: others may still know its
            last owner by it.
        settle_s: a block that was withdrawn isn't given back for so long. It has to be the hold time of the fabric's
            BGP sessions, after which nobody can still believe a route that its router didn't get to withdraw.
        idle_s: a block none of whose addresses was used for so long is given back.
        add_timeout_s: an ADD waits no longer than this for a block.
        announce: an ADD returns only when the routing daemon has announced its block.
    """

    node: NodeName
    management: Addresses
    network: str = "bifilar"
    mtu: int = 1500
    cool_down_s: float = 30.0
    settle_s: float = 240.0
    idle_s: float = 600.0
    add_timeout_s: float = 10.0
    announce: bool = False
