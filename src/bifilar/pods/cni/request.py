"""Pure module: what a runtime asks for, read from the plugin's environment and standard input.

Mistakes are looked for in the order in which the CNI project's ``skel`` does it, so that of several the same one is
told: variables, then the configuration, then the verb, then the version.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from bifilar.pods.cni import names
from bifilar.pods.cni.arguments import parse_arguments, parse_arguments_leniently
from bifilar.pods.cni.configuration import Configuration, name_of, read, valid_attachments_of, version_of
from bifilar.pods.cni.errors import CniError, Code
from bifilar.pods.cni.result_forms import previous_of
from bifilar.pods.cni.results import Result
from bifilar.pods.cni.versions import NEWEST, Version
from bifilar.pods.model import Key


class Verb(StrEnum):
    """What a plugin can be asked for."""

    ADD = "ADD"
    DEL = "DEL"
    CHECK = "CHECK"
    GC = "GC"
    STATUS = "STATUS"
    VERSION = "VERSION"


@dataclass(frozen=True, slots=True)
class Request:
    """What a runtime asks for.

    Attributes:
        verb: the operation.
        version: of the specification; the answer has to be of the same.
        network: the network's name.
        container: the container's id; empty for GC, STATUS and VERSION.
        interface: the name of the interface in the container; empty for the same.
        namespace: path of the container's network namespace; empty for the same, and for a DEL after it is gone.
        arguments: ``CNI_ARGS`` by name.
        configuration: all of the network configuration.
        previous: what an earlier plugin of the chain answered; for CHECK and DEL, what the ADD answered.
        valid_attachments: for GC, what has to be kept.
    """

    verb: Verb
    version: Version
    network: str = ""
    container: str = ""
    interface: str = ""
    namespace: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    configuration: Configuration = field(default_factory=dict)
    previous: Result | None = None
    valid_attachments: frozenset[Key] = frozenset()

    @property
    def key(self) -> Key:
        """What the attachment is known by."""
        return Key(self.container, self.interface)


class _Variables(NamedTuple):
    """Of a verb: whether it is of one container, and whether that has to have a namespace."""

    container: bool
    namespace: bool


_VARIABLES = {
    Verb.ADD: _Variables(container=True, namespace=True),
    Verb.DEL: _Variables(container=True, namespace=False),
    Verb.CHECK: _Variables(container=True, namespace=True),
    Verb.GC: _Variables(container=False, namespace=False),
    Verb.STATUS: _Variables(container=False, namespace=False),
    Verb.VERSION: _Variables(container=False, namespace=False),
}


def parse(environment: Mapping[str, str], stdin: bytes) -> Request:
    """What is asked for.

    Args:
        environment: the plugin's variables; those that don't begin with ``CNI_`` don't matter.
        stdin: the network configuration.

    Raises:
        CniError: something is missing, can't be read, or isn't allowed.
    """
    command = environment.get("CNI_COMMAND", "")
    verb = Verb(command) if command in Verb.__members__ else None
    _check_variables(environment, command, verb)
    if verb is Verb.VERSION:
        return Request(verb, NEWEST)
    configuration = read(stdin)
    network = name_of(configuration)
    if verb is None:
        raise CniError(Code.INVALID_ENVIRONMENT, "unknown CNI_COMMAND", repr(command))
    version = version_of(configuration)
    _check_verb(verb, version)
    if not _VARIABLES[verb].container:
        valid = valid_attachments_of(configuration) if verb is Verb.GC else frozenset[Key]()
        return Request(verb, version, network, configuration=configuration, valid_attachments=valid)
    return Request(
        verb,
        version,
        network,
        environment["CNI_CONTAINERID"],
        environment["CNI_IFNAME"],
        environment.get("CNI_NETNS", ""),
        _arguments(verb, environment.get("CNI_ARGS", "")),
        configuration,
        _previous(verb, configuration, version),
    )


def _check_variables(environment: Mapping[str, str], command: str, verb: Verb | None) -> None:
    needs = _Variables(container=False, namespace=False) if verb is None else _VARIABLES[verb]
    container, interface = environment.get("CNI_CONTAINERID", ""), environment.get("CNI_IFNAME", "")
    if needs.container and container and not names.is_word(container):
        raise CniError(Code.INVALID_ENVIRONMENT, "CNI_CONTAINERID is not allowed", repr(container))
    if needs.container and interface and (fault := names.fault_of_interface(interface)):
        raise CniError(Code.INVALID_ENVIRONMENT, "CNI_IFNAME is not allowed", f"{interface!r} {fault}")
    needed = {
        "CNI_COMMAND": True,
        "CNI_CONTAINERID": needs.container,
        "CNI_NETNS": needs.namespace,
        "CNI_IFNAME": needs.container,
    }
    missing = [name for name, is_needed in needed.items() if is_needed and not environment.get(name)]
    if missing:
        what = f"required variables are missing: {', '.join(missing)}"
        raise CniError(Code.INVALID_ENVIRONMENT, what, f"CNI_COMMAND is {command!r}")


def _check_verb(verb: Verb, version: Version) -> None:
    is_there = {
        Verb.CHECK: version.has_check,
        Verb.GC: version.has_garbage_collection,
        Verb.STATUS: version.has_garbage_collection,
    }
    if not is_there.get(verb, True):
        what = f"version {version} of the network configuration does not allow {verb}"
        raise CniError(Code.INCOMPATIBLE_VERSION, what)


def _arguments(verb: Verb, text: str) -> Mapping[str, str]:
    """A DEL goes on: what the ADD refused must not keep the container from being removed."""
    return parse_arguments_leniently(text) if verb is Verb.DEL else parse_arguments(text)


def _previous(verb: Verb, configuration: Configuration, version: Version) -> Result | None:
    try:
        previous = previous_of(configuration, version)
    except CniError:
        if verb is Verb.DEL:
            return None  # it is removed by its key; nothing of the result is needed
        raise
    if previous is None and verb is Verb.CHECK:
        raise CniError(Code.INVALID_CONFIGURATION, "CHECK needs prevResult in the network configuration")
    return previous
