"""An agent's socket with nothing behind it but one function."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Answerer = Callable[[socket.socket], None]
"""Is given a connection, which is closed afterwards."""


@contextmanager
def agent_at(path: Path, answer: Answerer) -> Iterator[None]:
    """Answer one request after another, until the end of the block."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return  # the end of the block
                with connection:
                    answer(connection)

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            serving.join()


def received(connection: socket.socket) -> bytes:
    """All that comes, to the end."""
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def parse(request: bytes) -> tuple[dict[str, str], bytes]:
    """Environment and standard input of the plugin."""
    variables, _, stdin = request.partition(b"\0\0")
    pairs = (variable.decode().partition("=") for variable in variables.split(b"\0"))
    return {name: value for name, _, value in pairs}, stdin
