"""Edge module: commands that a user runs inside a namespace, with the terminal that we have."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bifilar.errors import LabError
from bifilar.kernel import namespaces


def run(namespace: Path, command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command inside a namespace, with our own input and output; its exit status.

    Args:
        namespace: where.
        command: the program, and its arguments.
        environment: what it has besides our own environment.

    Raises:
        LabError: there is no such program.
    """

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(list(command), env={**os.environ, **environment})

    try:
        process = namespaces.run_in(namespace, start)
    except OSError as error:
        raise LabError(command[0], f"can't be run: {error.strerror}", "is it installed?") from error
    with process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # The command has got the same Ctrl-C, and decides itself.
                continue
