"""Edge module: one request of a runtime, from the plugin's environment to what it prints, measured and logged."""

from collections.abc import Callable, Mapping
from time import monotonic

import structlog

from bifilar.errors import BifilarError
from bifilar.pods.cni import Answer, CniError, Code, Request, Result, Verb, answer
from bifilar.pods.cni.arguments import POD_NAME, POD_NAMESPACE, parse_arguments_leniently
from bifilar.pods.failpoints import Step, reach
from bifilar.pods.node.meter import Meter
from bifilar.pods.node.node import Node
from bifilar.pods.node.settings import Settings
from bifilar.pods.store import NoPoolError, PoolExhaustedError, StoreUnavailableError
from bifilar.pods.wiring import NamespaceGoneError

_log = structlog.get_logger(__name__)

_CODES: dict[type[BifilarError], Code] = {
    StoreUnavailableError: Code.TRY_AGAIN_LATER,
    PoolExhaustedError: Code.TRY_AGAIN_LATER,
    NoPoolError: Code.NO_POOL,
    NamespaceGoneError: Code.UNKNOWN_CONTAINER,
}
"""Errors that a runtime can do something about; all others are internal ones."""


class Handler:
    """Answers requests. Usable from any thread."""

    def __init__(self, node: Node, settings: Settings, meter: Meter) -> None:
        self._node = node
        self._settings = settings
        self._meter = meter

    def __call__(self, environment: Mapping[str, str], stdin: bytes, reply: Callable[[Answer], None]) -> None:
        """Answer with what the plugin is to print, and its exit status; then measure, log and look ahead."""
        began = monotonic()
        verb = environment.get("CNI_COMMAND", "")
        code: Code | None = None

        def perform(request: Request) -> Result | None:
            nonlocal code
            try:
                return self._perform(request)
            except CniError as error:
                code = error.code
                raise
            except BifilarError as error:
                code = next((own for kind, own in _CODES.items() if isinstance(error, kind)), Code.INTERNAL)
                raise CniError(code, f"{error.where}: {error.what}", error.hint) from error

        done = answer(environment, stdin, perform)
        reply(done)
        seconds = monotonic() - began
        known_verb = verb if verb in Verb.__members__ else "unknown"
        if done.failed and code is None:
            code = Code.INVALID_ENVIRONMENT  # refused before it was performed; which code is in the answer
        self._meter.answered(known_verb, code or 0, seconds)
        self._note(known_verb, environment, done, seconds)
        if verb == Verb.ADD:
            self._node.look_ahead()

    def _perform(self, request: Request) -> Result | None:
        is_ours = request.network == self._settings.network
        match request.verb:
            case Verb.ADD:
                if not is_ours:
                    what = f"this agent serves network {self._settings.network!r}, not {request.network!r}"
                    raise CniError(Code.INVALID_CONFIGURATION, what)
                reach(Step.ADD_ASKED)
                result = self._node.add(request)
                reach(Step.ADD_ANSWERED)
                return result.after(request.previous)
            case Verb.DEL if is_ours:
                reach(Step.DEL_ASKED)
                self._node.delete(request.key)
                reach(Step.DEL_ANSWERED)
            case Verb.CHECK if is_ours:
                self._node.check(request)
            case Verb.GC if is_ours:
                self._node.collect(request.valid_attachments)
            case Verb.STATUS:
                self._node.status()
            case _:
                pass  # another network's attachments are none of ours
        return None

    def _note(self, verb: str, environment: Mapping[str, str], done: Answer, seconds: float) -> None:
        log = _log.warning if done.failed else _log.info
        arguments = parse_arguments_leniently(environment.get("CNI_ARGS", ""))
        told = {
            "container": environment.get("CNI_CONTAINERID"),
            "interface": environment.get("CNI_IFNAME"),
            "namespace": arguments.get(POD_NAMESPACE),
            "pod": arguments.get(POD_NAME),
            "answer": done.output.decode("ascii") if done.failed else None,
        }
        known = {name: value for name, value in told.items() if value}
        log(verb, ms=round(seconds * 1000, 2), **known)
