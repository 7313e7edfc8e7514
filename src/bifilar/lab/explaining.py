"""Edge module: where the addresses of a lab's pods come from, and why."""

from contextlib import closing
from dataclasses import dataclass

from bifilar.errors import LabError
from bifilar.kernel import namespaces
from bifilar.lab import records
from bifilar.lab.places import Places
from bifilar.lab.records import Pod
from bifilar.pods.explanation import Explanation, explain
from bifilar.pods.model import Address
from bifilar.pods.observe import observe
from bifilar.pods.sqlite import SqliteStore


@dataclass(frozen=True, slots=True)
class PodExplanation:
    """Where addresses come from, and what a certain pod has of them; ``None`` if there is no such pod (yet)."""

    pools: Explanation
    pod: Pod | None

    @property
    def block(self) -> str | None:
        """The block of the pod's addresses; ``None`` if it has none, or none of the pool of now."""
        addresses = () if self.pod is None else self.pod.addresses
        return next(
            (
                holding.block.name
                for holding in self.pools.holdings
                for prefix in holding.block.prefixes()
                if any(address in prefix for address in addresses)
            ),
            None,
        )


def explain_pool(places: Places, namespace: str, pod: str | None) -> PodExplanation:
    """Why the pods of a namespace get the addresses that they get.

    Args:
        places: of the lab.
        namespace: the Kubernetes namespace.
        pod: one of its pods.

    Raises:
        LabError: the lab has no pods yet, and so no pools.
        StoreError: the store can't be read.
    """
    if not places.pod_store.exists():
        raise LabError(
            places.lab, "has no pools yet", "they are made with its first pod: bifilar lab pod run"
        )
    with closing(SqliteStore(places.pod_store)) as store:
        holders = [(assignment.block, assignment.node) for assignment in store.blocks()]
        used = _used(places, {str(node) for _, node in holders if node is not None})
        pools = explain(namespace, store.annotations(namespace), store.pools(), holders, used)
    found = next(
        (one for one in records.load_all(places) if (one.namespace, one.name) == (namespace, pod)), None
    )
    return PodExplanation(pools, found)


def _used(places: Places, nodes: set[str]) -> set[Address]:
    """The addresses of all pods, from the kernels of those who hold blocks."""
    there = namespaces.names()
    return {
        address
        for node in nodes
        if places.namespace_name(node) in there
        for interface in namespaces.run_in(places.namespace(node), observe).interfaces
        for address in interface.addresses
    }
