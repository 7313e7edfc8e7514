"""``bifilar audit`` and ``bifilar explain pool``, as they are typed."""

import json
import os
import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from bifilar.kernel import namespaces
from bifilar.lab import Lab
from bifilar.pods.choice import ANNOTATION
from bifilar.pods.model import Pool, PoolName, Subnet
from bifilar.pods.sqlite import SqliteStore
from pods.audit.scene import BLOCK, NODE, Scene, converged
from pods.nodes import PROGRAM

pytestmark = [pytest.mark.lab, pytest.mark.slow]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab with a pod, and its agent at work."""
    with converged(f"au-{os.getpid()}-c") as made:
        made.pods.run("web", NODE)
        yield made


def bifilar(*words: str, namespace: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command, here or in a namespace."""

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)

    return run() if namespace is None else namespaces.run_in(namespace, run)


def answer(ended: subprocess.CompletedProcess[str], status: int = 0) -> Any:
    """The document that a command printed."""
    assert ended.returncode == status, ended.stdout + ended.stderr
    return json.loads(ended.stdout)


def test_an_agent_at_work_is_no_damage(lab: Lab) -> None:
    document = answer(bifilar("audit", "--name", lab.name, "--json"))
    assert document["findings"] == []
    assert document["seconds"] > 0


def test_damage_is_an_exit_status_and_a_line(lab: Lab) -> None:
    """An agent doesn't look at MTUs; the audit does, of the whole lab or on the server itself."""
    scene = Scene(lab)
    device = scene.host_end("web")
    scene.ip("link", "set", device, "mtu", "1400")
    here = ("--node", NODE, "--store", f"sqlite:{scene.places.pod_store}")
    here = (*here, "--bird-socket", str(lab.bird_socket(NODE)), "--mtu", str(lab.fabric.mtu))
    told = bifilar("audit", "--name", lab.name)
    assert (told.returncode, "mtu-wrong" in told.stdout) == (1, True)
    [finding] = answer(bifilar("audit", *here, "--json", namespace=lab.namespace(NODE)), 1)["findings"]
    assert finding == {
        "severity": "error",
        "kind": "mtu-wrong",
        "node": NODE,
        "object": device,
        "what": f"has an MTU of 1400, not {lab.fabric.mtu}",
        "repair": f"set its MTU to {lab.fabric.mtu}",
        "hint": "",
        "repaired": False,
    }
    mended = answer(bifilar("audit", *here, "--repair", "--json", namespace=lab.namespace(NODE)))
    assert [one["repaired"] for one in mended["findings"]] == [True]
    assert "0 findings" in bifilar("audit", "--name", lab.name).stdout


@pytest.mark.parametrize(
    "words",
    [("--store", "sqlite:/x"), ("--node", "n"), ("--node", "n", "--store", "sqlite:/x", "--name", "l")],
)
def test_options_that_do_not_go_together_are_refused(words: tuple[str, ...]) -> None:
    assert bifilar("audit", *words).returncode == 2


def test_a_pool_is_explained(lab: Lab) -> None:
    document = answer(bifilar("explain", "pool", "default/web", "--name", lab.name, "--json"))
    assert document["pool"] == "default"
    assert "default has no annotation" in document["why"]
    assert document["block_size"] == 32
    [block] = document["blocks"]
    assert (block["node"], block["prefixes"][0], block["used"]) == (NODE, BLOCK, 1)
    assert document["free_addresses"] == 32 * document["free_blocks"] + 31
    assert (document["pod"]["device"], document["pod"]["block"]) == (NODE, block["name"])
    words = bifilar("explain", "pool", "default/web", "--name", lab.name).stdout
    assert f"pod web on {NODE}: 10.64.0.0, " in words
    assert answer(bifilar("explain", "pool", "default/none", "--name", lab.name, "--json"))["pod"] is None


def test_a_pool_that_is_not_there_is_explained_too(tmp_path: Path) -> None:
    """From a store alone, which knows no pods."""
    store = SqliteStore(tmp_path / "pods.sqlite")
    store.make()
    store.put_pool(Pool(PoolName("default"), 4, (Subnet(IPv4Network("10.64.0.0/24")),)))
    store.annotate("edge", {ANNOTATION: "internet"})
    where = ("--store", f"sqlite:{tmp_path}/pods.sqlite")
    document = answer(bifilar("explain", "pool", "edge", *where, "--json"), 1)
    assert (document["pool"], document["exists"], document["blocks"]) == ("internet", False, [])
    document = answer(bifilar("explain", "pool", "other", *where, "--json"))
    assert (document["free_blocks"], document["free_addresses"]) == (16, 256)
