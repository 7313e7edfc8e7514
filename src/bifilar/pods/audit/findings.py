"""Value module: what an audit finds, and what would mend it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bifilar.kernel.requests import Request
from bifilar.kernel.sysctl import Setting
from bifilar.pods.exports import Changes
from bifilar.pods.model import BlockName, NodeName


class Severity(StrEnum):
    """Whether something is wrong."""

    ERROR = "error"
    """Pods are or will be cut off, or somebody gets others' packets."""
    WARNING = "warning"
    """Nothing is broken by it, but it shouldn't be so."""


class Kind(StrEnum):
    """What is not as it should be."""

    POOLS_OVERLAP = "pools-overlap"
    NODE_UNKNOWN = "node-unknown"

    FORWARDING_OFF = "forwarding-off"
    RULE_MISSING = "rule-missing"
    RULE_EXTRA = "rule-extra"

    KEY_TWICE = "key-twice"
    ALIAS_MISSING = "alias-missing"
    INCOMPLETE = "incomplete"
    GROUP_WRONG = "group-wrong"
    MTU_WRONG = "mtu-wrong"
    MAC_WRONG = "mac-wrong"
    HOST_END_DOWN = "host-end-down"
    GATEWAY_MISSING = "gateway-missing"
    ROUTE_MISSING = "route-missing"
    ROUTE_WRONG = "route-wrong"
    ROUTE_STRAY = "route-stray"
    ADDRESS_TWICE = "address-twice"

    POD_NOT_ENTERED = "pod-not-entered"
    POD_END_MISSING = "pod-end-missing"
    POD_END_DOWN = "pod-end-down"
    POD_ADDRESS_MISSING = "pod-address-missing"
    POD_ROUTE_MISSING = "pod-route-missing"
    POD_NEIGHBOUR_MISSING = "pod-neighbour-missing"

    BLOCK_FREE = "block-free"
    BLOCK_OF_ANOTHER = "block-of-another"
    NO_POOL = "no-pool"

    GUARD_MISSING = "guard-missing"
    GUARD_EXTRA = "guard-extra"
    EXPORT_MISSING = "export-missing"
    EXPORT_EXTRA = "export-extra"
    EXPORT_FOREIGN = "export-foreign"

    DAEMON_SILENT = "daemon-silent"
    DAEMON_PROTOCOL_DOWN = "daemon-protocol-down"
    DAEMON_LACKS_BLOCK = "daemon-lacks-block"
    NOT_ANNOUNCED = "not-announced"
    NEIGHBOUR_SILENT = "neighbour-silent"
    NEIGHBOUR_LACKS_BLOCK = "neighbour-lacks-block"


@dataclass(frozen=True, slots=True)
class Send:
    """Send requests to a kernel, one after the other; what is so already, or gone, is as good as done.

    Attributes:
        requests: to rtnetlink.
        namespace: file of the pod's namespace in which that is done; ``None``: the node's.
    """

    requests: tuple[Request, ...]
    namespace: Path | None = None


@dataclass(frozen=True, slots=True)
class Configure:
    """Write settings of a node's kernel."""

    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class ChangeTables:
    """Change guards and exports of a node."""

    changes: Changes


@dataclass(frozen=True, slots=True)
class Claim:
    """Have the store note that a node holds a block."""

    node: NodeName
    block: BlockName


@dataclass(frozen=True, slots=True)
class Release:
    """Have the store forget that a node holds a block."""

    node: NodeName
    block: BlockName


@dataclass(frozen=True, slots=True)
class Enable:
    """Start protocols of a routing daemon."""

    daemon: Path
    protocols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reread:
    """Have a routing daemon read its configuration again, and run a protocol's routes through its filters."""

    daemon: Path
    protocols: tuple[str, ...]


Action = Send | Configure | ChangeTables | Claim | Release | Enable | Reread


@dataclass(frozen=True, slots=True)
class Repair:
    """What would mend a finding: in words, and as it is done."""

    words: str
    actions: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference.

    Attributes:
        severity: how bad it is.
        kind: which difference it is.
        node: where; empty if it is about the store as a whole.
        what: the difference in words.
        object: the interface, prefix, block... that it is about.
        repair: what would mend it; ``None`` if nothing can be done without taking something away from a pod.
        hint: what a person can do, where there is no repair.
    """

    severity: Severity
    kind: Kind
    node: str
    object: str
    what: str
    repair: Repair | None = None
    hint: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        """What makes it the same finding when one looks again."""
        return self.kind, self.node, self.object


def error(
    kind: Kind, node: str, about: object, what: str, repair: Repair | None = None, hint: str = ""
) -> Finding:
    """A finding that is an error."""
    return Finding(Severity.ERROR, kind, node, str(about), what, repair, hint)


def warning(
    kind: Kind, node: str, about: object, what: str, repair: Repair | None = None, hint: str = ""
) -> Finding:
    """A finding that is a warning."""
    return Finding(Severity.WARNING, kind, node, str(about), what, repair, hint)
