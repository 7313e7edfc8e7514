"""A node's process that acquires and releases blocks until it is killed, and leaves traces of what it holds.

Usage: ``sqlite_worker.py STORE NODE POOL CLAIMS SEED``

For as long as it knows that it holds a block, there is a file of the block's name in the directory CLAIMS. A file of
another node means that it holds the block too: the process ends with an error.
"""

import random
import sys
from pathlib import Path

from bifilar.pods.model import NodeName, PoolName
from bifilar.pods.sqlite import SqliteStore
from bifilar.pods.store import PoolExhaustedError

PATIENCE_S = 60


def main(store_path: str, name: str, pool: str, claims_path: str, seed: str) -> None:
    """Go on for ever."""
    store, node, claims = SqliteStore(Path(store_path), PATIENCE_S), NodeName(name), Path(claims_path)
    dice = random.Random(seed)  # noqa: S311 - no secret
    held = [block.name for block in store.held(node)]
    for block in held:
        # Its earlier self was killed, maybe before it could claim what it had acquired.
        claim = claims / block
        if claim.exists() and claim.read_text() not in {"", name}:
            raise AssertionError(f"{block} is held by {claim.read_text()} too")
        claim.write_text(name)
    while True:
        if not held or dice.random() < 0.55:
            try:
                block = store.acquire(node, PoolName(pool), PATIENCE_S).name
            except PoolExhaustedError:
                if not held:
                    continue
            else:
                with (claims / block).open("x") as claim_of_ours:
                    claim_of_ours.write(name)
                held.append(block)
                print("acquired", block, flush=True)  # noqa: T201 - the test counts them
                continue
        block = held.pop(dice.randrange(len(held)))
        (claims / block).unlink()
        store.release(node, block)


if __name__ == "__main__":
    main(*sys.argv[1:])
