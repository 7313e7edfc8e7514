"""Edge module: interfaces removed, without waiting for longer than is needed.

The kernel answers a removal some twenty milliseconds after the interface has gone, for reasons of its own. So threads
of their own ask and wait for that answer, and whoever wants the interface gone hears it from whichever is first: the
kernel's announcement, or the answer if the announcement was lost.
"""

import errno
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event, Lock, Thread

from bifilar.kernel import requests
from bifilar.kernel.netlink import RefusedError
from bifilar.kernel.removals import Removals
from bifilar.pods.wiring.errors import WiringError
from bifilar.pods.wiring.sockets import HostSockets

_THREADS = 64
"""Each is busy for the kernel's twenty milliseconds."""


class Remover:
    """Removes interfaces of the namespace of the thread that makes it. Usable from any thread."""

    def __init__(self, sockets: HostSockets) -> None:
        self._sockets = sockets
        self._removals = Removals()
        self._waiting: dict[int, Future[None]] = {}
        self._lock = Lock()
        self._ending = Event()
        self._askers = ThreadPoolExecutor(_THREADS, "removal")
        self._listener = Thread(target=self._listen, name="removals", daemon=True)
        self._listener.start()

    def close(self) -> None:
        """Wait until the kernel has answered all that was asked."""
        self._askers.shutdown()
        self._ending.set()
        self._removals.wake()
        self._listener.join()
        self._removals.close()

    def remove(self, index: int) -> None:
        """Remove an interface and wait until it is gone; one that is gone already is no error.

        Raises:
            WiringError: the kernel refuses.
        """
        with self._lock:
            gone = self._waiting.get(index)
            if gone is None:
                gone = self._waiting[index] = Future()
                self._askers.submit(self._ask, index)
        gone.result()

    def _ask(self, index: int) -> None:
        error: WiringError | None = None
        try:
            with self._sockets.one() as netlink:
                netlink.request(requests.delete_link(index))
        except RefusedError as refused:
            if refused.errno != errno.ENODEV:
                error = WiringError(f"interface {index}", f"can't be removed: {refused.strerror}", "be root")
        except OSError as broken:
            error = WiringError(
                f"interface {index}", f"can't be removed: {broken.strerror}", "see 'ulimit -n'"
            )
        self._release(index, error)

    def _listen(self) -> None:
        while not self._ending.is_set():
            for index in self._removals.wait():
                self._release(index, None)

    def _release(self, index: int, error: WiringError | None) -> None:
        """Let go whoever waits for it, the first time that this is called."""
        with self._lock:
            gone = self._waiting.pop(index, None)
        if gone is None:
            return
        if error is None:
            gone.set_result(None)
        else:
            gone.set_exception(error)
