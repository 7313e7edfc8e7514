"""Value module: every error that a user can cause or meet.

::

    BifilarError
    ├── InputError          wrong input or usage                       exit status 2
    │   └── IntentErrors    all the errors of one intent file at once
    ├── MachineError        the machine lacks something                exit status 3
    └── OperationError      something is not as it should be           exit status 1
        ├── LabError        building, finding or removing a lab
        └── DaemonError     a routing daemon refused, died or spoke nonsense

Each carries *where* (``file:line:column``, a device, an object), *what*, and a *hint* that a person can act
on. Printed as ``where: what`` and ``hint: ...``; as JSON ``{"kind", "where", "what", "hint"}``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class BifilarError(Exception):
    """Base of everything that is told to the user without a traceback."""

    exit_status: ClassVar[int] = 1

    def __init__(self, where: str, what: str, hint: str = "") -> None:
        super().__init__(where, what, hint)
        self.where = where
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"\nhint: {self.hint}" if self.hint else "")

    def as_json(self) -> dict[str, str]:
        """The error as the value of ``"error"`` in a JSON answer."""
        return {"kind": type(self).__name__, "where": self.where, "what": self.what, "hint": self.hint}


class InputError(BifilarError):
    """Wrong input or usage."""

    exit_status = 2


class MachineError(BifilarError):
    """The machine lacks something that the command needs."""

    exit_status = 3


class OperationError(BifilarError):
    """The command ran, and something is not as it should be."""


class LabError(OperationError):
    """A lab could not be built, found, used or removed."""


class DaemonError(OperationError):
    """A routing daemon refused a command, died, or answered what nobody can read."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in an intent file.

    ``line`` and ``column`` count from 1, as editors do.
    """

    line: int
    column: int
    what: str
    hint: str

    def located(self, file: str) -> str:
        """Two lines for a person: ``file:line:column: what`` and the hint."""
        return f"{file}:{self.line}:{self.column}: {self.what}\n  hint: {self.hint}"


class IntentErrors(InputError):  # noqa: N818 - it is many, and its name says so
    """Every error of one intent file, in the order of the file."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems))
        count = len(self.problems)
        super().__init__(file, f"{count} error{'s' if count != 1 else ''}", "correct each line named above")

    def __str__(self) -> str:
        return "\n".join(problem.located(self.file) for problem in self.problems)

    def as_json(self) -> dict[str, str]:
        """The first error in the common form; :attr:`problems` holds them all."""
        first = self.problems[0]
        return {
            "kind": type(self).__name__,
            "where": f"{self.file}:{first.line}:{first.column}",
            "what": first.what,
            "hint": first.hint,
        }
