"""Edge module: one lock for each key, for as long as anybody wants it."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class _Turn:
    lock: Lock = field(default_factory=Lock)
    wanted_by: int = 0


class KeyLocks(Generic[K]):
    """Lets one thread at a time do something with a key; other keys don't wait.

    Args:
        waited: is told how many seconds a thread had to wait, if it had to.
    """

    def __init__(self, waited: Callable[[float], None]) -> None:
        self._waited = waited
        self._guard = Lock()
        self._turns: dict[K, _Turn] = {}

    @contextmanager
    def holding(self, key: K) -> Iterator[None]:
        """Alone with the key."""
        with self._guard:
            turn = self._turns.setdefault(key, _Turn())
            turn.wanted_by += 1
        try:
            if not turn.lock.acquire(blocking=False):
                began = monotonic()
                turn.lock.acquire()
                self._waited(monotonic() - began)
            try:
                yield
            finally:
                turn.lock.release()
        finally:
            with self._guard:
                turn.wanted_by -= 1
                if not turn.wanted_by:
                    del self._turns[key]

    def busy(self) -> set[K]:
        """The keys that somebody is doing something with, or waits for."""
        with self._guard:
            return set(self._turns)
