"""Edge module: repairs, made."""

import asyncio
import errno
from functools import partial
from pathlib import Path

from bifilar.bird import BirdClient
from bifilar.errors import BifilarError, OperationError
from bifilar.kernel import namespaces, sysctl
from bifilar.kernel.netlink import RefusedError, Rtnetlink
from bifilar.pods import exports
from bifilar.pods.audit.findings import ChangeTables, Claim, Configure, Enable, Finding, Release, Reread, Send
from bifilar.pods.audit.reading import AuditedStore

_TIMEOUT_S = 10.0
_DONE = (errno.EEXIST, errno.ESRCH, errno.ENODEV, errno.ENOENT)
"""It is there already, or not there any more."""


class RepairError(OperationError):
    """A repair could not be made."""


def repair(finding: Finding, namespace: Path, store: AuditedStore) -> None:
    """Mend a finding; one without a repair stays as it is.

    Args:
        finding: what is to be mended.
        namespace: the file of its node's network namespace.
        store: of pools and blocks.

    Raises:
        BifilarError: somebody refuses; what was to be done afterwards is not done.
    """
    if finding.repair is None:
        return
    for action in finding.repair.actions:
        match action:
            case Send(requests, where):
                namespaces.run_in(where or namespace, partial(_send, finding.object, requests))
            case Configure(settings):
                namespaces.run_in(namespace, partial(sysctl.apply, settings))
            case ChangeTables(changes):
                namespaces.run_in(namespace, partial(exports.apply, changes))
            case Claim(node, block):
                store.claim(node, block)
            case Release(node, block):
                store.release(node, block)
            case Enable(daemon, protocols):
                asyncio.run(_enable(daemon, protocols))
            case Reread(daemon, protocols):
                asyncio.run(_reread(daemon, protocols))


def _send(about: str, requests: tuple[tuple[int, int, bytes], ...]) -> None:
    with Rtnetlink() as netlink:
        for request in requests:
            # Each alone: one that is as good as done must not hide another that is refused.
            try:
                netlink.request(request)
            except RefusedError as refused:
                if refused.errno not in _DONE:
                    what = f"the kernel refuses the repair: {refused.strerror}"
                    raise RepairError(about, what, "be root, with CAP_NET_ADMIN") from refused


async def _enable(daemon: Path, protocols: tuple[str, ...]) -> None:
    async with BirdClient.connect(daemon, timeout_s=_TIMEOUT_S) as bird:
        for protocol in protocols:
            await bird.enable(protocol)


async def _reread(daemon: Path, protocols: tuple[str, ...]) -> None:
    async with BirdClient.connect(daemon, timeout_s=_TIMEOUT_S) as bird:
        await bird.configure()
        for protocol in protocols:
            try:
                await bird.reload(protocol)
            except BifilarError:
                # A pipe can't be reloaded in one direction, or the configuration has no such protocol any more.
                continue
