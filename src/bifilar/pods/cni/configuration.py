"""Pure module: the network configuration that a runtime writes to a plugin's standard input."""

import json
from collections.abc import Mapping
from typing import NoReturn

from bifilar.pods.cni import names
from bifilar.pods.cni.errors import CniError, Code
from bifilar.pods.cni.versions import VERSIONS, Version
from bifilar.pods.model import Key

Configuration = Mapping[str, object]

_VALID_ATTACHMENTS = "cni.dev/valid-attachments"


def read(text: bytes) -> Configuration:
    """The configuration; more strictly JSON than Python's reader takes it.

    Raises:
        CniError: it is no JSON object.
    """
    try:
        # Decoded here: the reader would also guess UTF-16, and skip a byte order mark.
        read_value = _DECODER.decode(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise _unreadable("the network configuration is no JSON", str(error)) from error
    if read_value is None:
        return {}
    if not isinstance(read_value, dict):
        raise _unreadable("the network configuration is no JSON object")
    return read_value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not of JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def text_of(configuration: Configuration, key: str) -> str:
    """A string; empty if there is none.

    Raises:
        CniError: it is something else.
    """
    value = configuration.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _unreadable(f"{key} in the network configuration is no string")
    return value


def name_of(configuration: Configuration) -> str:
    """The network's name.

    Raises:
        CniError: it has none, or one that isn't allowed.
    """
    name = text_of(configuration, "name")
    if not name:
        raise CniError(Code.INVALID_CONFIGURATION, "the network configuration has no name")
    if not names.is_word(name):
        details = f"{name!r} is not of letters, digits, dots, dashes and underscores, beginning with one of the first two"
        raise CniError(Code.INVALID_CONFIGURATION, "the network's name is not allowed", details)
    return name


def version_of(configuration: Configuration) -> Version:
    """The version of the specification that the runtime speaks; one that has none speaks 0.1.0, which we don't.

    Raises:
        CniError: it is none of ours.
    """
    text = text_of(configuration, "cniVersion") or "0.1.0"
    if text not in VERSIONS:
        details = f"the network configuration has {text!r}; supported are {', '.join(VERSIONS)}"
        raise CniError(Code.INCOMPATIBLE_VERSION, "incompatible CNI version", details)
    return VERSIONS[text]


def valid_attachments_of(configuration: Configuration) -> frozenset[Key]:
    """What GC has to keep.

    Raises:
        CniError: nothing says so. That isn't taken for "nothing", after which all pods would be without network.
    """
    if _VALID_ATTACHMENTS not in configuration:
        raise CniError(Code.INVALID_CONFIGURATION, f"the network configuration has no {_VALID_ATTACHMENTS}")
    listed = configuration[_VALID_ATTACHMENTS]
    if listed is None:  # how Go writes an empty list
        return frozenset()
    if not isinstance(listed, list):
        raise _unreadable(f"{_VALID_ATTACHMENTS} is no list")
    return frozenset(_attachment(entry) for entry in listed)


def _attachment(entry: object) -> Key:
    if not isinstance(entry, dict):
        raise _unreadable(f"{_VALID_ATTACHMENTS} has an entry that is no object", str(entry))
    key = Key(text_of(entry, "containerID"), text_of(entry, "ifname"))
    if not all(key):
        what = f"{_VALID_ATTACHMENTS} has an entry without containerID or ifname"
        raise CniError(Code.INVALID_CONFIGURATION, what, str(entry))
    return key


def _unreadable(what: str, details: str = "") -> CniError:
    return CniError(Code.UNREADABLE, what, details)
