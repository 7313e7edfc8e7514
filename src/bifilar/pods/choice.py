"""Pure module: which pool a pod's addresses come from, and why.

The namespace decides, not the pod: who may write pods should not thereby get at addresses that others keep for a
purpose, such as public ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bifilar.pods.model import PoolName

ANNOTATION = "coil.cybozu.com/pool"
"""Of a namespace; Coil's, so that its users' namespaces stay as they are."""
DEFAULT_POOL = PoolName("default")


@dataclass(frozen=True, slots=True)
class Choice:
    """A pool, and the reason in words."""

    pool: PoolName
    why: str


def choose(namespace: str, annotations: Mapping[str, str]) -> Choice:
    """The pool of a namespace's pods.

    Args:
        namespace: its name.
        annotations: all that it has.

    Returns:
        The pool that it asks for, whether or not there is such a pool; ``default`` if it asks for none.
    """
    asked = annotations.get(ANNOTATION)
    if asked is None:
        return Choice(DEFAULT_POOL, f"namespace {namespace} has no annotation {ANNOTATION}")
    if not asked:
        return Choice(DEFAULT_POOL, f"annotation {ANNOTATION} of namespace {namespace} is empty")
    return Choice(PoolName(asked), f"namespace {namespace} has the annotation {ANNOTATION}: {asked}")
