"""The rules against the CNI project's own ``skel``: every case of the matrix, and every difference with its reason."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from bifilar.pods.cni import answer
from pods.cni import reference
from pods.cni.matrix import OWN_NAMESPACE, VERBS, Case, cases
from pods.cni.outcomes import Outcome, outcome, perform, run

pytestmark = pytest.mark.skipif(
    reference.compiler() is None, reason="needs Go, to build the CNI project's skel"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One case and what both made of it."""

    case: Case
    ours: Outcome
    theirs: Outcome

    @property
    def agree(self) -> bool:
        """The same exit status, error code and result."""
        if (self.ours.status, self.ours.code) != (self.theirs.status, self.theirs.code):
            return False
        return self.ours.status != 0 or self.ours.document == _without_empty(self.theirs.document)

    def __str__(self) -> str:
        return f"{self.case.name}\n  ours   {self.ours}\n  theirs {self.theirs}"


def _without_empty(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Their old results have ``"dns": {}`` where there are no resolvers."""
    return {key: value for key, value in document.items() if value != {}}


@dataclass(frozen=True, slots=True)
class Difference:
    """Where we differ, and why."""

    reason: str
    covers: Callable[[Compared], bool]


DIFFERENCES = (
    Difference(
        "the specification has CNI_PATH as optional, and we don't need it; skel wants it",
        lambda compared: not compared.case.environment.get("CNI_PATH") and compared.theirs.code == 4,
    ),
    Difference(
        "a version that is none is an incompatible one; skel says so for ADD and DEL, and for the others that it can't be "
        "read, as it compares it with the version that they came with",
        lambda compared: (
            (compared.ours.code, compared.theirs.code) == (1, 6)
            and compared.case.verb in {"CHECK", "GC", "STATUS"}
        ),
    ),
    Difference(
        "the keys of JSON are as they are written; Go takes NAME for name",
        lambda compared: b'"NAME"' in compared.case.stdin or b'"cniversion"' in compared.case.stdin,
    ),
    Difference(
        "whether CNI_NETNS is the host's own namespace is for the agent to see, not for the rules",
        lambda compared: (
            compared.case.environment.get("CNI_NETNS") == OWN_NAMESPACE and compared.theirs.code == 8
        ),
    ),
    Difference(
        "an interface null, and an address or a route without its prefix, can't be read; skel's library passes them on, or "
        "crashes",
        lambda compared: (
            compared.ours.code == 6
            and compared.theirs.status in {0, 2}
            and any(
                word in compared.case.name
                for word in ("interface null", "address missing", "without a destination")
            )
        ),
    ),
    Difference(
        "the MTU of an interface is read in every version; skel's library skips it in a version that hasn't got it",
        lambda compared: compared.ours.code == 6 and "prevResult an MTU" in compared.case.name,
    ),
    Difference(
        "what 1.1.0 added is left out of older results; skel's library lets routes keep it, and under 1.0.0 interfaces too",
        lambda compared: (
            compared.ours.status == compared.theirs.status == 0 and "prevResult new" in compared.case.name
        ),
    ),
    Difference(
        "a route's destination is a network: bits behind the length are cleared",
        lambda compared: (
            compared.ours.status == compared.theirs.status == 0 and "host bits" in compared.case.name
        ),
    ),
)


@cache
def compare() -> tuple[Compared, ...]:
    """All cases, run by both."""
    plugin = reference.skeleton()
    return tuple(Compared(case, _ours(case), run(plugin, case)) for case in cases())


def _ours(case: Case) -> Outcome:
    answered = answer(case.environment, case.stdin, perform)
    return outcome(int(answered.failed), answered.output)


def differing() -> Iterator[Compared]:
    return (compared for compared in compare() if not compared.agree)


def test_each_case_has_a_name_of_its_own() -> None:
    names = [case.name for case in cases()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("verb", VERBS)
def test_where_both_differ_there_is_a_reason(verb: str) -> None:
    unexplained = [
        compared
        for compared in differing()
        if compared.case.name.startswith(f"{verb}: ")
        and not any(difference.covers(compared) for difference in DIFFERENCES)
    ]
    assert not unexplained, "\n".join(str(compared) for compared in unexplained[:10])


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.reason[:40])
def test_each_reason_is_needed(difference: Difference) -> None:
    assert any(difference.covers(compared) for compared in differing())


@pytest.mark.parametrize("verb", ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"])
def test_the_matrix_has_successes_and_failures_of_every_verb(verb: str) -> None:
    statuses = {compared.ours.status for compared in compare() if compared.case.verb == verb}
    assert statuses == ({0} if verb == "VERSION" else {0, 1})


def test_every_code_that_the_reference_knows_of_requests_is_met() -> None:
    assert {compared.theirs.code for compared in compare()} == {None, 1, 4, 6, 7, 8}
