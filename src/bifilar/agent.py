"""Composition root of what runs on every node: store, kernel, routing daemon and the socket for the plugin."""

import ipaddress
import signal
import sys
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from threading import Event, Thread
from types import FrameType

import structlog
from prometheus_client import start_http_server

from bifilar.errors import BifilarError, InputError, MachineError
from bifilar.kernel import addresses
from bifilar.pods.model import Addresses
from bifilar.pods.node.blocks import Blocks
from bifilar.pods.node.exporter import NodeExporter
from bifilar.pods.node.handler import Handler
from bifilar.pods.node.meter import Meter
from bifilar.pods.node.node import Node
from bifilar.pods.node.settings import Settings
from bifilar.pods.server import Server
from bifilar.pods.sqlite import SqliteStore
from bifilar.pods.wiring import Wiring

MANAGEMENT_DEVICE = "node0"
_UPKEEP_S = 1.0
_REFRESH_EVERY = 30
"""The store is read again every so many rounds of upkeep."""
_STORE_TIMEOUT_S = 5.0
_SWITCH_INTERVAL_S = 0.0005
"""A request does a hundred short things; it must not wait 5 ms, Python's default, for each turn."""

_log = structlog.get_logger(__name__)


def run(settings: Settings, *, store: str, socket: Path, bird_socket: Path, metrics: str) -> None:
    """Run until SIGTERM or SIGINT.

    Args:
        settings: what the node is told.
        store: ``sqlite:PATH``.
        socket: where the plugin asks.
        bird_socket: the control socket of the node's BIRD.
        metrics: ``ADDRESS:PORT`` for Prometheus, or nothing.

    Raises:
        InputError: an option can't be understood.
        MachineError: the machine lacks something.
        OperationError: another agent serves the socket.
    """
    _log_as_json()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    meter = Meter()
    opened = open_store(store)
    exporter = NodeExporter(bird_socket)
    wiring = Wiring(settings.management, settings.mtu)
    blocks = Blocks(opened, exporter, settings, meter)
    node = Node(opened, wiring, exporter, blocks, settings, meter)
    if metrics:
        _serve_metrics(metrics, meter)
    try:
        # Before the plugin can ask: what is known comes from the kernel.
        node.start()
        with Server(socket, Handler(node, settings, meter)) as server:
            _run(node, blocks, server)
    finally:
        blocks.close()
        wiring.close()


def _run(node: Node, blocks: Blocks, server: Server) -> None:
    ending, refreshing = Event(), Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ending.set()
        server.stop()

    def refresh(_signal: int, _frame: FrameType | None) -> None:
        refreshing.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGHUP, refresh)
    keeper = Thread(target=_keep, args=(node, blocks, ending, refreshing), name="upkeep", daemon=True)
    keeper.start()
    _log.info("serving")
    server.serve()
    _log.info("ending")
    ending.set()
    keeper.join()


def _keep(node: Node, blocks: Blocks, ending: Event, refreshing: Event) -> None:
    """Do what is due beside requests, until the end."""
    rounds = 0
    while not ending.wait(_UPKEEP_S):
        rounds += 1
        if refreshing.is_set() or rounds % _REFRESH_EVERY == 0 or not node.is_ready:
            refreshing.clear()
            _try("refresh", node.refresh)
        if node.is_ready:
            _try("upkeep", blocks.upkeep)


def _try(what: str, work: Callable[[], None]) -> None:
    """One failure doesn't end the loop; the next round tries again."""
    try:
        work()
    except BifilarError as error:
        _log.warning(f"{what} failed", where=error.where, reason=error.what, hint=error.hint)
    except Exception:  # noqa: BLE001 - a bug in upkeep must not end the agent; it is logged with its traceback
        _log.exception(f"{what} failed")


def management_addresses(text: str) -> Addresses:
    """The management addresses of this node.

    Args:
        text: one a family, separated by a comma; nothing: those of ``node0``.

    Raises:
        InputError: they aren't that, or there is no ``node0``.
    """
    if text:
        try:
            found = [ipaddress.ip_address(word.strip()) for word in text.split(",")]
        except ValueError as error:
            raise InputError(
                "--management", str(error), "write one address a family: 10.69.0.4,fd00::4"
            ) from error
    else:
        found = [
            seen.address.ip
            for seen in addresses.dump()
            if seen.interface == MANAGEMENT_DEVICE and not seen.address.ip.is_link_local
        ]
    v4 = [address for address in found if isinstance(address, IPv4Address)]
    v6 = [address for address in found if isinstance(address, IPv6Address)]
    if not found or len(v4) > 1 or len(v6) > 1:
        what = "one address of a family is needed" if found else f"{MANAGEMENT_DEVICE} has no address"
        raise InputError("--management", what, "write one address a family: 10.69.0.4,fd00::4")
    return Addresses(v4[0] if v4 else None, v6[0] if v6 else None)


def open_store(text: str) -> SqliteStore:
    """The store of a name.

    Args:
        text: ``sqlite:PATH``.

    Raises:
        InputError: it is no store's name.
    """
    kind, _, path = text.partition(":")
    if kind != "sqlite" or not path:
        raise InputError("--store", f"{text!r} is no store", "write sqlite:PATH")
    return SqliteStore(Path(path), _STORE_TIMEOUT_S)


def _serve_metrics(text: str, meter: Meter) -> None:
    address, _, port = text.rpartition(":")
    if not port.isdigit():
        raise InputError(
            "--metrics", f"{text!r} is no address and port", "write ADDRESS:PORT, such as 127.0.0.1:9390"
        )
    try:
        start_http_server(int(port), address.strip("[]"), registry=meter.registry)
    except OSError as error:
        raise MachineError(text, f"can't be listened on: {error.strerror}", "name a free port") from error


def _log_as_json() -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
