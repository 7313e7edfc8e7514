"""Edge module: nodes and store looked at, and mended if that is wanted."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from time import monotonic, sleep

from bifilar.errors import BifilarError
from bifilar.pods.audit.compare import compare, compare_stock
from bifilar.pods.audit.findings import Finding, Severity
from bifilar.pods.audit.reading import AuditedStore, read, read_stock
from bifilar.pods.audit.repairing import repair
from bifilar.pods.audit.seen import OWN_NAMESPACE, AuditedNode
from bifilar.pods.model import NodeName

PATIENCE_S = 1.5
"""What is being added or removed looks broken for a moment."""
_ROUNDS = 3
"""Damage may hide other damage: what is behind it shows when it is mended."""
_EFFECT_S = 10.0
"""A repair of a daemon has an effect everywhere after some tenths of a second; on a busy machine later."""
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finding, and what became of it.

    Attributes:
        finding: what was found.
        repaired: it was mended, and was looked for again in vain.
        refusal: why its repair could not be made; empty if it could, or if none was tried.
    """

    finding: Finding
    repaired: bool = False
    refusal: str = ""

    def as_json(self) -> dict[str, object]:
        """The finding as plain words."""
        found = self.finding
        return {
            "severity": str(found.severity),
            "kind": str(found.kind),
            "node": found.node or None,
            "object": found.object,
            "what": found.what,
            "repair": None if found.repair is None else found.repair.words,
            "hint": self.refusal or found.hint,
            "repaired": self.repaired,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """An audit's result.

    Attributes:
        outcomes: of all findings, in the order in which they were found.
        seconds: that it took.
    """

    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether no error is left."""
        return all(one.repaired or one.finding.severity is not Severity.ERROR for one in self.outcomes)

    def as_json(self) -> dict[str, object]:
        """The report as plain words."""
        return {"findings": [one.as_json() for one in self.outcomes], "seconds": round(self.seconds, 3)}


def audit(
    nodes: Sequence[AuditedNode],
    store: AuditedStore,
    *,
    all_nodes: Collection[NodeName] | None = None,
    mend: bool = False,
    patience_s: float = PATIENCE_S,
) -> Report:
    """Hold everything that is known of nodes against each other.

    Args:
        nodes: whom to look at.
        store: of pools and blocks.
        all_nodes: all that there are, to find blocks of others; ``None`` if nobody knows.
        mend: make the repairs.
        patience_s: only what is still so after this many seconds is a finding.

    Raises:
        BifilarError: the store can't be read, or a node's kernel.
    """
    began = monotonic()

    def look() -> tuple[Finding, ...]:
        stock = read_stock(store)
        return (
            *compare_stock(stock, all_nodes),
            *(found for node in nodes for found in compare(read(node, stock))),
        )

    found = _steady(look, patience_s)
    if not mend:
        return Report(tuple(map(Outcome, found)), monotonic() - began)
    return Report(_Mending(nodes, store, look).mend(found), monotonic() - began)


def _steady(look: Callable[[], tuple[Finding, ...]], patience_s: float) -> tuple[Finding, ...]:
    """What is found now, and again later."""
    first = {found.identity for found in look()}
    if not first:
        return ()
    sleep(patience_s)
    return tuple(found for found in look() if found.identity in first)


class _Mending:
    def __init__(
        self, nodes: Sequence[AuditedNode], store: AuditedStore, look: Callable[[], tuple[Finding, ...]]
    ) -> None:
        self._namespaces = {str(node.name): node.namespace for node in nodes}
        self._store = store
        self._look = look
        self._refusals: dict[tuple[str, str, str], str] = {}

    def mend(self, findings: tuple[Finding, ...]) -> tuple[Outcome, ...]:
        """Make the repairs of findings, and of what comes to light by them."""
        known = {found.identity: found for found in findings}
        pending: Collection[Finding] = findings
        left: tuple[Finding, ...] = findings
        for _ in range(_ROUNDS):
            for finding in pending:
                self._mend(finding)
            left = self._after_effect(known.keys())
            pending = [found for found in left if found.identity not in known]
            known |= {found.identity: found for found in pending}
            if not pending:
                break
        remaining = {found.identity for found in left}
        return tuple(
            Outcome(found, identity not in remaining, self._refusals.get(identity, ""))
            for identity, found in known.items()
        )

    def _mend(self, finding: Finding) -> None:
        try:
            # What is about a node that isn't there is about the store alone.
            repair(finding, self._namespaces.get(finding.node, OWN_NAMESPACE), self._store)
        except BifilarError as error:
            self._refusals[finding.identity] = error.what

    def _after_effect(self, known: Collection[tuple[str, str, str]]) -> tuple[Finding, ...]:
        """What is left when the repairs have had their effect, or have had their time.

        Args:
            known: what was to be mended; what else turns up may be an effect that comes and goes.
        """
        deadline = monotonic() + _EFFECT_S
        steady_since, before = monotonic(), frozenset(known)
        while True:
            left = self._look()
            open_ones = frozenset(
                found.identity for found in left if found.repair and found.identity not in self._refusals
            )
            if open_ones != before:
                steady_since, before = monotonic(), open_ones
            is_new = open_ones.isdisjoint(known) and monotonic() - steady_since > PATIENCE_S
            if not open_ones or is_new or monotonic() > deadline:
                return left
            sleep(_POLL_S)
