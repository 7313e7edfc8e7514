"""Edge module: what a node does for a container runtime: add, remove and check attachments, collect what nobody has.

A pod's assignment lives in the kernel alone: the alias of its interface, and its route in table 116, which comes last
when it is added and goes first when it is removed. What is in memory is rebuilt from there.
"""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from ipaddress import IPv4Interface, IPv6Interface, ip_network
from threading import Event, Lock
from time import monotonic, sleep

import structlog

from bifilar.errors import BifilarError, DaemonError
from bifilar.pods.choice import DEFAULT_POOL, choose
from bifilar.pods.cni import AssignedAddress, CniError, Code, Interface, Request, Result, Route
from bifilar.pods.cni.arguments import POD_NAME, POD_NAMESPACE
from bifilar.pods.cni.result_forms import resolvers_in
from bifilar.pods.failpoints import Step, reach
from bifilar.pods.model import Attachment, Key
from bifilar.pods.node.blocks import Blocks
from bifilar.pods.node.keys import KeyLocks
from bifilar.pods.node.meter import Meter
from bifilar.pods.node.settings import Settings
from bifilar.pods.node.shelf import Exporter
from bifilar.pods.observe import observe
from bifilar.pods.store import Store, StoreUnavailableError
from bifilar.pods.wiring import Order, Wired, Wiring, host_interface_name
from bifilar.pods.wiring.order import GATEWAY6

_log = structlog.get_logger(__name__)

_ANNOUNCED_POLL_S = 0.005
_EVERYTHING = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


class Node:
    """See the module. Usable from any thread; requests of one key are done one after the other."""

    def __init__(
        self,
        store: Store,
        wiring: Wiring,
        exporter: Exporter,
        blocks: Blocks,
        settings: Settings,
        meter: Meter,
    ) -> None:
        self._store = store
        self._wiring = wiring
        self._exporter = exporter
        self._blocks = blocks
        self._settings = settings
        self._keys: KeyLocks[Key] = KeyLocks(lambda seconds: meter.waited("key", seconds))
        self._own_namespace = _inode("/proc/self/ns/net")
        self._ready = Event()
        self._starting = Lock()

    @property
    def is_ready(self) -> bool:
        """Whether the store has told which blocks are this node's. Without that there is no ADD; all else works."""
        return self._ready.is_set()

    def start(self) -> None:
        """Remove what killed requests left half done, and learn what there is. Before the first request.

        Raises:
            BifilarError: the kernel refuses.
        """
        self._wiring.ensure_rules()
        for leftover in observe().incomplete:
            # Its request was never answered, so its runtime will ask again, or remove what it asked for.
            _log.warning("removing an interface that was never finished", interface=leftover.name)
            self._wiring.remove(leftover)
        self.refresh()

    def refresh(self) -> None:
        """Read the store again. Now and then; often until the node is ready.

        Raises:
            BifilarError: the store can't be reached, or the kernel refuses.
        """
        self._wiring.ensure_rules()
        try:
            held = self._store.held(self._settings.node)
            self._blocks.heed_reserved()
        except StoreUnavailableError as error:
            if self.is_ready:
                raise
            _log.warning("the store can't be reached; no ADD until it can", reason=error.what)
            return
        if self.is_ready:
            self._blocks.refresh(held)
            return
        with self._starting:
            for attachment in self._blocks.restore(held, observe().attachments):
                _log.error(
                    "a pod has addresses of no block of this node",
                    container=attachment.key.container,
                    addresses=[str(address) for address in attachment.addresses.each()],
                )
            self._ready.set()
        self._blocks.export()
        _log.info("ready", blocks=[block.name for block in held], attachments=len(self._blocks.keys()))

    def add(self, request: Request) -> Result:
        """Attach a container; again, if it is attached already, with the same result.

        Raises:
            StoreError: no address can be had.
            WiringError: the kernel refuses.
            CniError: the agent has just started, and the store can't be reached.
        """
        if not self.is_ready:
            raise CniError(
                Code.TRY_AGAIN_LATER, "the agent is starting", "the store of pools can't be reached"
            )
        order, wired = self._attach(request)
        if self._settings.announce:
            self._await_announced(order.attachment)
        return _result(request, order, wired, self._settings)

    def _attach(self, request: Request) -> tuple[Order, Wired]:
        key = request.key
        namespace, pod = request.arguments.get(POD_NAMESPACE), request.arguments.get(POD_NAME)
        if _inode(request.namespace) == self._own_namespace:
            raise CniError(
                Code.INVALID_NAMESPACE, "CNI_NETNS is the namespace of the node itself", request.namespace
            )
        with self._keys.holding(key):
            had = self._blocks.attachment_of(key)
            pool = DEFAULT_POOL if namespace is None else choose(namespace, self._annotations(namespace)).pool
            attachment = self._blocks.take(key, pool)
            reach(Step.ADD_ALLOCATED)
            order = Order(attachment, request.namespace, host_interface_name(key, namespace, pod))
            try:
                return order, self._wiring.attach(order)
            except BaseException:
                if had is None:
                    self._blocks.free(key)
                raise

    def _annotations(self, namespace: str) -> dict[str, str]:
        return dict(self._store.annotations(namespace))

    def _await_announced(self, attachment: Attachment) -> None:
        block = self._blocks.block_of(attachment)
        if block is None:
            return
        deadline = monotonic() + self._settings.add_timeout_s
        while not self._exporter.announced(block.prefixes()):
            if monotonic() >= deadline:
                raise CniError(Code.TRY_AGAIN_LATER, f"block {block.name} is not announced", "is BIRD well?")
            sleep(_ANNOUNCED_POLL_S)

    def look_ahead(self) -> None:
        """Ask for blocks before the last addresses are gone; after an ADD."""
        self._blocks.look_ahead()

    def delete(self, key: Key) -> None:
        """Remove an attachment and take its addresses back; one that isn't there is as good as removed.

        Raises:
            WiringError: the kernel refuses.
        """
        with self._keys.holding(key), self._while_starting():
            attachment = self._blocks.attachment_of(key) or _seen(key)
            if attachment is None:
                self._remove_unfinished(key)
                return
            self._wiring.detach(attachment)
            self._blocks.free(key)
            reach(Step.DEL_FREED)

    def _remove_unfinished(self, key: Key) -> None:
        """An interface without routes is no attachment, but has to go too."""
        for interface in observe().incomplete:
            if interface.key == key:
                self._wiring.remove(interface)

    def check(self, request: Request) -> None:
        """Look whether an attachment is as it was made: here, in the container, in the tables, and in the daemon.

        Raises:
            CniError: what is wrong.
        """
        key = request.key
        with self._keys.holding(key), self._while_starting():
            attachment = self._blocks.attachment_of(key) or _seen(key)
            if attachment is None:
                raise CniError(
                    Code.UNKNOWN_CONTAINER, "there is no such attachment", f"{key.container} {key.interface}"
                )
            namespace, pod = request.arguments.get(POD_NAMESPACE), request.arguments.get(POD_NAME)
            order = Order(attachment, request.namespace, host_interface_name(key, namespace, pod))
            faults = [*self._wiring.check(order), *_differences(request.previous, attachment)]
            if self.is_ready:
                faults += self._faults_of_block(attachment)
        if faults:
            raise CniError(Code.NOT_AS_ADDED, "the attachment is not as it was made", "; ".join(faults))

    def _faults_of_block(self, attachment: Attachment) -> Iterator[str]:
        block = self._blocks.block_of(attachment)
        if block is None:
            yield "its addresses are of no block that this node holds"
            return
        exported = {route.prefix for route in observe().exports}
        missing = [str(prefix) for prefix in block.prefixes() if prefix not in exported]
        if missing:
            yield f"its block is not exported: {', '.join(missing)}"
        try:
            if not self._exporter.announced(block.prefixes()):
                yield "the routing daemon has not announced its block"
        except DaemonError as error:
            yield f"the routing daemon can't be asked: {error.what}"

    def collect(self, valid: Collection[Key]) -> None:
        """Remove every attachment that isn't among these.

        Raises:
            CniError: something couldn't be removed; all else was.
        """
        failures = []
        for key in sorted(self._all_keys() - set(valid)):
            try:
                self.delete(key)
                _log.info("collected", container=key.container, interface=key.interface)
            except BifilarError as error:
                failures.append(f"{key.container} {key.interface}: {error.what}")
        if failures:
            raise CniError(Code.INCOMPLETE_COLLECTION, "not everything could be removed", "; ".join(failures))

    def _all_keys(self) -> set[Key]:
        """What is attached, but for what is being added or removed just now."""
        seen = {interface.key for interface in observe().interfaces if interface.key is not None}
        return (seen | self._blocks.keys()) - self._keys.busy()

    def status(self) -> None:
        """Say whether an ADD would succeed now.

        Raises:
            CniError: it wouldn't, and why; or it would be of no use.
        """
        if not self.is_ready:
            raise CniError(Code.UNAVAILABLE, "the agent is starting", "the store of pools can't be reached")
        refusal = self._blocks.refusal(DEFAULT_POOL)
        if refusal is not None:
            raise CniError(Code.UNAVAILABLE, f"no block is to be had: {refusal.what}", refusal.where)
        try:
            self._exporter.announced(())
        except DaemonError as error:
            raise CniError(
                Code.LIMITED_CONNECTIVITY, f"the routing daemon does not answer: {error.what}"
            ) from error

    @contextmanager
    def _while_starting(self) -> Iterator[None]:
        """Nothing is removed while the kernel is being read; afterwards nobody waits here."""
        with nullcontext() if self.is_ready else self._starting:
            yield


def _inode(namespace: str) -> int | None:
    """What tells namespaces apart; that one isn't there is found out later."""
    try:
        return os.stat(namespace).st_ino  # noqa: PTH116 - for every ADD
    except OSError:
        return None


def _seen(key: Key) -> Attachment | None:
    """An attachment that only the kernel knows."""
    return next((attachment for attachment in observe().attachments if attachment.key == key), None)


def _differences(previous: Result | None, attachment: Attachment) -> Iterator[str]:
    """What the runtime believes that isn't so."""
    told = {address.address.ip for address in previous.addresses} if previous is not None else set()
    for address in attachment.addresses.each():
        if previous is not None and address not in told:
            yield f"the runtime doesn't know of its address {address}"


def _result(request: Request, order: Order, wired: Wired, settings: Settings) -> Result:
    container = request.interface
    interfaces = (
        Interface(wired.host_interface, _mac(wired.host_link_address), mtu=wired.mtu),
        Interface(container, _mac(wired.container_link_address), request.namespace, mtu=wired.mtu),
    )
    addresses, routes = [], []
    v4, v6 = order.attachment.addresses
    if v4 is not None:
        addresses.append(AssignedAddress(IPv4Interface(v4), settings.management.ipv4, 1))
        routes.append(Route(_EVERYTHING[4], settings.management.ipv4))
    if v6 is not None:
        addresses.append(AssignedAddress(IPv6Interface(v6), GATEWAY6, 1))
        routes.append(Route(_EVERYTHING[6], GATEWAY6))
    return Result(interfaces, tuple(addresses), tuple(routes), resolvers_in(request.configuration))


def _mac(link_address: bytes) -> str:
    return link_address.hex(":")
