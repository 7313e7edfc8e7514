"""Edge module: what an agent measures of itself, for Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from bifilar.pods.model import PoolName
from bifilar.pods.occupancy import Counts

_LATENCIES_S = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16)


class Meter:
    """The metrics of one agent. Usable from any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._addresses = Gauge(
            "bifilar_pool_addresses",
            "Addresses of the blocks that this node holds: free, used, cooling until they are free again, or withheld.",
            ["pool", "state"],
            registry=self.registry,
        )
        self._blocks = Gauge(
            "bifilar_pool_blocks", "Blocks that this node holds.", ["pool"], registry=self.registry
        )
        self._requests = Histogram(
            "bifilar_cni_seconds",
            "From a runtime's request to its answer; code 0 is success, others are those of CNI.",
            ["verb", "code"],
            buckets=_LATENCIES_S,
            registry=self.registry,
        )
        self._acquisitions = Histogram(
            "bifilar_block_acquisition_seconds",
            "From asking the store for a block until it is exported.",
            ["pool", "outcome"],
            buckets=_LATENCIES_S,
            registry=self.registry,
        )
        self._lock_waits = Histogram(
            "bifilar_lock_wait_seconds",
            "How long a request waited for the requests of others.",
            ["lock"],
            buckets=_LATENCIES_S,
            registry=self.registry,
        )
        self._reconciliations = Histogram(
            "bifilar_reconcile_seconds",
            "How long it took to make the kernel's tables what they should be.",
            ["outcome"],
            buckets=_LATENCIES_S,
            registry=self.registry,
        )
        self._exports = Gauge(
            "bifilar_exported_prefixes",
            "Prefixes in the table that the routing daemon reads.",
            registry=self.registry,
        )
        self._store_failures = Counter(
            "bifilar_store_failures", "Calls of the store that failed.", ["call"], registry=self.registry
        )

    def pool(self, name: PoolName, counts: Counts, blocks: int) -> None:
        """Say how much of a pool this node has."""
        for state, count in counts._asdict().items():
            self._addresses.labels(name, state).set(count)
        self._blocks.labels(name).set(blocks)

    def answered(self, verb: str, code: int, seconds: float) -> None:
        """A runtime got its answer."""
        self._requests.labels(verb, str(code)).observe(seconds)

    def acquired(self, pool: PoolName, outcome: str, seconds: float) -> None:
        """The store was asked for a block."""
        self._acquisitions.labels(pool, outcome).observe(seconds)

    def waited(self, lock: str, seconds: float) -> None:
        """A request had to wait for others."""
        self._lock_waits.labels(lock).observe(seconds)

    def exported(self, prefixes: int) -> None:
        """So many prefixes are exported."""
        self._exports.set(prefixes)

    def store_failed(self, call: str) -> None:
        """A call of the store failed."""
        self._store_failures.labels(call).inc()

    @contextmanager
    def reconciling(self) -> Iterator[None]:
        """Measure what is done within."""
        began = monotonic()
        outcome = "failure"
        try:
            yield
            outcome = "success"
        finally:
            self._reconciliations.labels(outcome).observe(monotonic() - began)
