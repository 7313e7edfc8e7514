"""Pure module: a request answered, as an exit status and what belongs on standard output."""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from bifilar.pods.cni import configuration, result_forms
from bifilar.pods.cni.errors import CniError
from bifilar.pods.cni.request import Request, Verb, parse
from bifilar.pods.cni.results import Result
from bifilar.pods.cni.versions import NEWEST, VERSIONS

_ENCODER = json.JSONEncoder(separators=(",", ":"))


class Answer(NamedTuple):
    """What the plugin is to do. ``failed``: its exit status is 1."""

    failed: bool
    output: bytes


def answer(
    environment: Mapping[str, str], stdin: bytes, perform: Callable[[Request], Result | None]
) -> Answer:
    """Read a request, have it performed, and write down what came of it.

    Args:
        environment: the plugin's variables.
        stdin: its standard input.
        perform: does what is asked for; a result for ADD, ``None`` for all else. VERSION never gets here. A
            :class:`CniError` becomes the answer, any other exception is the caller's.
    """
    try:
        request = parse(environment, stdin)
        if request.verb is Verb.VERSION:
            return _succeeded({"cniVersion": NEWEST.text, "supportedVersions": list(VERSIONS)})
        result = perform(request)
    except CniError as error:
        return Answer(failed=True, output=_text(error.as_result(_version_told(stdin))))
    return _succeeded(None if result is None else result_forms.as_json(result, request.version))


def _succeeded(document: Mapping[str, object] | None) -> Answer:
    return Answer(failed=False, output=b"" if document is None else _text(document))


def _text(document: Mapping[str, object]) -> bytes:
    # A name that isn't Unicode is escaped by this, as all else beyond ASCII.
    return _ENCODER.encode(document).encode("ascii")


def _version_told(stdin: bytes) -> str:
    """What the runtime wrote as version, ours or not; the newest if that can't be read."""
    try:
        return configuration.text_of(configuration.read(stdin), "cniVersion") or NEWEST.text
    except CniError:
        return NEWEST.text
