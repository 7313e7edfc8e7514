"""Value module: what a verification found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

_SHOWN = 8
"""So many failures are named; the others are counted."""


class Status(StrEnum):
    """Verdict of a check. A check is skipped where the fabric has nothing that it could look at."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Check:
    """One claim about the fabric, what it expects, what was seen, and on failure the places to look at."""

    name: str
    status: Status
    expected: str
    observed: str
    detail: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """The check as in ``verify --json``."""
        return {
            "name": self.name,
            "status": str(self.status),
            "expected": self.expected,
            "observed": self.observed,
            "detail": list(self.detail),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of a run, and how long it took in seconds."""

    checks: tuple[Check, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether no check failed."""
        return all(check.status is not Status.FAIL for check in self.checks)

    def as_json(self) -> dict[str, object]:
        """The document of ``verify --json``."""
        return {"checks": [check.as_json() for check in self.checks], "seconds": round(self.seconds, 3)}


def judged(
    name: str, expected: str, observed: str, faults: Iterable[str], notes: Sequence[str] = ()
) -> Check:
    """A check that passes when there are no faults; the first faults are named, then ``notes``."""
    found = list(faults)
    shown = found[:_SHOWN]
    if len(found) > _SHOWN:
        shown.append(f"and {len(found) - _SHOWN} more")
    status = Status.FAIL if found else Status.PASS
    return Check(name, status, expected, observed, (*shown, *notes))
