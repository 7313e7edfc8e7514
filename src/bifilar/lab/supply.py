"""Edge module: the store of a lab's pod network, filled with what the fabric implies."""

from contextlib import closing

from bifilar.errors import InputError
from bifilar.fabric.model import Fabric
from bifilar.lab import pools
from bifilar.lab.places import Places
from bifilar.pods.choice import ANNOTATION, DEFAULT_POOL
from bifilar.pods.model import PoolName
from bifilar.pods.sqlite import SqliteStore


def prepare(places: Places, fabric: Fabric, namespace: str, pool: str | None) -> None:
    """Make the default pool unless it is there, and let a namespace ask for a pool if there is to be one.

    Raises:
        LabError: the fabric has no addresses for pods.
        InputError: there is no such pool.
        StoreError: the store can't be used.
    """
    with closing(SqliteStore(places.pod_store)) as store:
        store.make()
        known = store.pools()
        if DEFAULT_POOL not in known:
            store.set_ranges(pools.other_ranges(fabric))
            store.put_pool(pools.default_pool(fabric))
            known = store.pools()
        if pool is None:
            return
        if PoolName(pool) not in known:
            raise InputError(pool, "there is no pool of this name", f"the pools: {', '.join(sorted(known))}")
        store.annotate(namespace, {**store.annotations(namespace), ANNOTATION: pool})
