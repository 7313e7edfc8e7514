"""Edge module: the audit of a lab's pod network."""

from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

from bifilar.fabric.model import Device, Fabric, Role, Session, Source
from bifilar.lab import agents, records, runtime
from bifilar.lab.locks import holding_lab
from bifilar.lab.places import Places
from bifilar.pods import audit as pod_audit
from bifilar.pods.audit import AuditedNode, Neighbour, Report
from bifilar.pods.model import Addresses, Key, NodeName
from bifilar.pods.sqlite import SqliteStore


def audit(places: Places, fabric: Fabric, *, mend: bool = False, patience_s: float) -> Report:
    """Look at every server with an agent, pods or blocks, and at its neighbours' daemons.

    Args:
        places: of the lab.
        fabric: what it was built from.
        mend: make the repairs. Commands that change pods wait meanwhile.
        patience_s: only what is still so after this many seconds is a finding.

    Raises:
        StoreError: the store can't be read.
        MachineError: a server's kernel can't.
    """
    if not places.pod_store.exists():
        return Report((), 0.0)
    with (
        holding_lab(places, wait=True) if mend else nullcontext(),
        closing(SqliteStore(places.pod_store)) as store,
    ):
        holders = {str(assignment.node) for assignment in store.blocks()}
        pods = tuple(records.load_all(places))
        hosts = {pod.device for pod in pods}
        servers = [device for device in fabric.devices if device.role is Role.SERVER]
        nodes = [
            _node(places, fabric, device, pods)
            for device in servers
            if device.name in hosts or device.name in holders or agents.find(places, device.name) is not None
        ]
        everyone = {NodeName(device.name) for device in servers}
        return pod_audit.audit(nodes, store, all_nodes=everyone, mend=mend, patience_s=patience_s)


def _node(places: Places, fabric: Fabric, device: Device, pods: tuple[records.Pod, ...]) -> AuditedNode:
    v4 = next((address for address in device.management if address.version == 4), None)  # noqa: PLR2004 - of IP
    v6 = next((address for address in device.management if address.version == 6), None)  # noqa: PLR2004 - of IP
    return AuditedNode(
        NodeName(device.name),
        Addresses(v4, v6),
        fabric.mtu,
        places.namespace(device.name),
        places.bird_socket(device.name),
        tuple(_neighbours(places, fabric, device)),
        {
            inode: Key(pod.container, runtime.INTERFACE)
            for pod in pods
            if pod.device == device.name and (inode := _inode(pod.netns)) is not None
        },
    )


def _neighbours(places: Places, fabric: Fabric, device: Device) -> Iterator[Neighbour]:
    for session in fabric.sessions_of(device):
        families = frozenset(
            int(channel.family) for channel in session.channels if Source.PODS in channel.announce
        )
        if families:
            yield Neighbour(
                session.peer,
                session.name,
                _other_side(fabric, session).name,
                places.bird_socket(session.peer),
                families,
            )


def _other_side(fabric: Fabric, session: Session) -> Session:
    return next(
        other
        for other in fabric.sessions_of(fabric.device(session.peer))
        if other.peer == session.device
        and (other.local_address, other.remote_address) == (session.remote_address, session.local_address)
    )


def _inode(namespace: Path) -> int | None:
    try:
        return namespace.stat().st_ino
    except FileNotFoundError:
        return None
