"""Edge module: attachments wired, checked and removed."""

import errno
from socket import AF_INET, AF_INET6

from bifilar.kernel import interfaces, requests, rules
from bifilar.kernel.netlink import RefusedError
from bifilar.pods.failpoints import Step, reach
from bifilar.pods.model import Addresses, Attachment, Key
from bifilar.pods.numbers import POD_RULE_PRIORITY, POD_TABLE, ROUTE_PROTOCOL
from bifilar.pods.observe import PodInterface, is_pod_rule
from bifilar.pods.wiring import faults, messages
from bifilar.pods.wiring.attach import Attacher
from bifilar.pods.wiring.errors import refusal
from bifilar.pods.wiring.order import Order, Wired
from bifilar.pods.wiring.removal import Remover
from bifilar.pods.wiring.sockets import HostSockets

_GONE = (errno.ESRCH, errno.ENODEV, errno.ENOENT)
_FAMILIES = {4: AF_INET, 6: AF_INET6}


class Wiring:
    """Wires the containers of the node in whose namespace it is made and used. Usable from any thread.

    One key at a time: whoever calls sees to it that two requests of one key are done one after the other.

    Args:
        node: the management addresses; pods have them as their gateway.
        mtu: of the interfaces, in bytes.
    """

    def __init__(self, node: Addresses, mtu: int) -> None:
        self._node = node
        self._mtu = mtu
        self._sockets = HostSockets()
        self._remover = Remover(self._sockets)
        self._attacher = Attacher(node, mtu, self._sockets, self._remover)
        self._indexes: dict[Key, int] = {}

    def close(self) -> None:
        """Give sockets and threads back; what is wired stays."""
        self._remover.close()
        self._attacher.close()
        self._sockets.close()

    def ensure_rules(self) -> None:
        """Have packets of every family that the node has look into the table of pods first.

        Raises:
            WiringError: the kernel refuses.
        """
        families = {address.version for address in self._node.each()}
        known = {rule.version for rule in rules.dump(tuple(families)) if is_pod_rule(rule)}
        with self._sockets.one() as host:
            for version in sorted(families - known):
                rule = requests.add_rule(_FAMILIES[version], POD_RULE_PRIORITY, POD_TABLE, ROUTE_PROTOCOL)
                try:
                    host.request(rule)
                except RefusedError as refused:
                    raise refusal(f"rule {POD_RULE_PRIORITY}", refused) from refused

    def attach(self, order: Order) -> Wired:
        """Wire a container; one that is wired just so already is left as it is.

        On failure, nothing is left of what was made here.

        Raises:
            NamespaceGoneError: the container's namespace isn't there.
            InterfaceTakenError: the container has such an interface already, or somebody else has the host's name.
            WiringError: the kernel refuses, or the node lacks a family.
        """
        wired = self._attacher.attach(order)
        self._indexes[order.attachment.key] = wired.host_index
        return wired

    def detach(self, attachment: Attachment) -> None:
        """Remove an attachment: first its routes, then its interface. One that is gone already is no error.

        Raises:
            WiringError: the kernel refuses.
        """
        index = self._indexes.get(attachment.key) or _index_of(attachment)
        if index is not None:
            with self._sockets.one() as host:
                try:
                    host.request(*messages.withdrawals(attachment, index))
                except RefusedError as refused:
                    if refused.errno not in _GONE:
                        raise refusal(attachment.alias, refused) from refused
            reach(Step.DEL_ROUTE)
            self._remover.remove(index)
        reach(Step.DEL_VETH)
        self._indexes.pop(attachment.key, None)

    def remove(self, leftover: PodInterface) -> None:
        """Remove an interface that belongs to no attachment; its routes go with it.

        Raises:
            WiringError: the kernel refuses.
        """
        self._remover.remove(leftover.index)

    def check(self, order: Order) -> list[str]:
        """All that is wrong with an attachment, in words; nothing if it is as :meth:`attach` made it."""
        return faults.find(order, self._node, self._mtu)


def _index_of(attachment: Attachment) -> int | None:
    """Index of the host's end, looked for among all interfaces."""
    return next((each.index for each in interfaces.dump() if each.alias == attachment.alias), None)
