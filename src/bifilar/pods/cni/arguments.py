"""Pure module: ``CNI_ARGS``, by which a runtime says which pod a container belongs to."""

from collections.abc import Mapping

from bifilar.pods.cni.errors import CniError, Code

POD_NAMESPACE = "K8S_POD_NAMESPACE"
POD_NAME = "K8S_POD_NAME"
POD_CONTAINER = "K8S_POD_INFRA_CONTAINER_ID"
POD_UID = "K8S_POD_UID"
_IGNORE_UNKNOWN = "IgnoreUnknown"
_KNOWN = {POD_NAMESPACE, POD_NAME, POD_CONTAINER, POD_UID, _IGNORE_UNKNOWN}
_TRUTHS = {"1": True, "true": True, "0": False, "false": False}


def parse_arguments(text: str) -> Mapping[str, str]:
    """The arguments by name; of several with one name, the last.

    >>> dict(parse_arguments("IgnoreUnknown=1;K8S_POD_NAME=web-0"))
    {'IgnoreUnknown': '1', 'K8S_POD_NAME': 'web-0'}

    Raises:
        CniError: a pair is none, or there is an unknown one and no ``IgnoreUnknown=1``.
    """
    arguments: dict[str, str] = {}
    ignore_unknown = False
    for pair in text.split(";") if text else ():
        name, equals, value = pair.partition("=")
        if not equals or "=" in value:
            raise _invalid(f"{pair!r} is no NAME=VALUE")
        if name == _IGNORE_UNKNOWN:
            if value.lower() not in _TRUTHS:
                raise _invalid(f"{pair!r} is neither 1 nor 0")
            ignore_unknown = _TRUTHS[value.lower()]
        arguments[name] = value
    unknown = sorted(arguments.keys() - _KNOWN)
    if unknown and not ignore_unknown:
        raise _invalid(f"unknown: {', '.join(unknown)}")
    return arguments


def parse_arguments_leniently(text: str) -> Mapping[str, str]:
    """The same without an error: what can't be understood is left out."""
    pairs = (pair.partition("=") for pair in text.split(";"))
    return {name: value for name, equals, value in pairs if equals}


def _invalid(details: str) -> CniError:
    return CniError(Code.INVALID_ENVIRONMENT, "CNI_ARGS can't be understood", details)
