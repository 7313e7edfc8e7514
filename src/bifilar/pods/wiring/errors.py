"""Value module: why a container could not be wired."""

from bifilar.errors import OperationError


class WiringError(OperationError):
    """The kernel refused."""


class NamespaceGoneError(WiringError):
    """The container's network namespace isn't there, or not any more."""


class InterfaceTakenError(WiringError):
    """There is an interface of that name already, and it isn't this attachment's."""


def refusal(where: str, error: OSError) -> WiringError:
    """What the kernel said, in words."""
    return WiringError(
        where, f"the kernel refuses it: {error.strerror}", "be root, with CAP_NET_ADMIN; see 'ip link'"
    )
