"""Edge module: what is written down about the pods of a lab, so that any later process can use or remove them."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from bifilar.fabric.model import Address
from bifilar.lab.places import Places


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of a lab.

    Attributes:
        name: unique in its lab.
        namespace: the Kubernetes namespace that it would be in; it decides about the pool.
        device: the server that it runs on.
        container: what the container runtime interface knows it by.
        netns: the file that names its network namespace.
        lent: that network namespace was there before, and stays.
        image: the directory that its command sees as its root; ``None`` if it has no image.
        addresses: of its ``eth0``, IPv4 first; none until it is attached.
    """

    name: str
    namespace: str
    device: str
    container: str
    netns: Path
    lent: bool = False
    image: Path | None = None
    addresses: tuple[Address, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The pod as plain words."""
        return {
            "name": self.name,
            "namespace": self.namespace,
            "device": self.device,
            "container": self.container,
            "netns": str(self.netns),
            "lent": self.lent,
            "image": None if self.image is None else str(self.image),
            "addresses": [str(address) for address in self.addresses],
        }


def save(places: Places, pod: Pod) -> None:
    """Write a pod down; whoever reads sees the old or the new record, never a half."""
    record = places.pod_record(pod.name)
    record.parent.mkdir(parents=True, exist_ok=True)
    temporary = record.with_suffix(".new")
    temporary.write_text(json.dumps(pod.as_json(), indent=1))
    temporary.replace(record)


def load(places: Places, name: str) -> Pod | None:
    """A pod; ``None`` if there is none of this name."""
    try:
        content = json.loads(places.pod_record(name).read_text())
    except FileNotFoundError:
        return None
    return Pod(
        name=content["name"],
        namespace=content["namespace"],
        device=content["device"],
        container=content["container"],
        netns=Path(content["netns"]),
        lent=content["lent"],
        image=None if content["image"] is None else Path(content["image"]),
        addresses=tuple(map(ip_address, content["addresses"])),
    )


def load_all(places: Places) -> Iterator[Pod]:
    """Every pod of a lab, by name; also one whose making was broken off."""
    if not places.pods.exists():
        return
    for directory in sorted(places.pods.iterdir()):
        # Without a record: its maker was killed before there was anything else of it.
        if (pod := load(places, directory.name)) is not None:
            yield pod


def forget(places: Places, pod: Pod) -> None:
    """Remove all that a pod has on disk, the record last: what is broken off can be taken up again."""
    directory = places.pod(pod.name)
    record = places.pod_record(pod.name)
    for entry in directory.iterdir():
        if entry != record:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.rmtree(directory)
