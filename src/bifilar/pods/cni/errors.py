"""Value module: the error codes of the specification, and an error as a runtime reads it."""

from enum import IntEnum

from bifilar.errors import OperationError


class Code(IntEnum):
    """What a runtime can tell errors apart by.

    Those below 100 are the specification's; ``INVALID_NAMESPACE`` and ``INTERNAL`` are of the CNI project's library.
    """

    INCOMPATIBLE_VERSION = 1
    UNSUPPORTED_FIELD = 2
    UNKNOWN_CONTAINER = 3
    """The runtime need not clean up: it won't even call DEL."""
    INVALID_ENVIRONMENT = 4
    IO_FAILURE = 5
    UNREADABLE = 6
    INVALID_CONFIGURATION = 7
    INVALID_NAMESPACE = 8
    TRY_AGAIN_LATER = 11
    UNAVAILABLE = 50
    """STATUS: no ADD can be served."""
    LIMITED_CONNECTIVITY = 51
    """STATUS: no ADD can be served, and containers that run may have lost part of the network."""
    NOT_AS_ADDED = 100
    """CHECK: something of the attachment is missing or different."""
    POOL_EXHAUSTED = 101
    NO_POOL = 102
    INCOMPLETE_COLLECTION = 103
    """GC: something could not be removed; all else was."""
    INTERNAL = 999


class CniError(OperationError):
    """What goes wrong while a runtime waits.

    Attributes:
        code: what a runtime looks at; ours from 100 on.
        message: one line.
        details: what a person needs to know beyond it.
    """

    def __init__(self, code: Code, message: str, details: str = "") -> None:
        super().__init__(f"CNI error {code}", message, details)
        self.code = code
        self.message = message
        self.details = details

    def as_result(self, version: str) -> dict[str, object]:
        """What belongs on standard output, for a configuration of this version."""
        details = {"details": self.details} if self.details else {}
        return {"cniVersion": version, "code": int(self.code), "msg": self.message, **details}
