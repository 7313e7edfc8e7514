"""Edge module: ``python -m bifilar.bird`` prints the command that runs BIRD 3, fetching it if need be."""

import shlex
import sys

from bifilar.bird.releases import bird3_command
from bifilar.errors import BifilarError


def main() -> int:
    """Print the command; the exit status."""
    try:
        command = bird3_command()
    except BifilarError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    sys.stdout.write(f"{shlex.join(command)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
