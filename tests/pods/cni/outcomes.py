"""What a call of a plugin came to."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

from bifilar.pods.cni import AssignedAddress, Interface, Request, Result, Verb
from pods.cni.matrix import Case


@dataclass(frozen=True, slots=True)
class Outcome:
    """Exit status, the code of an error, and the document on standard output."""

    status: int
    code: int | None
    document: Mapping[str, Any]

    def __str__(self) -> str:
        return f"exit status {self.status}, code {self.code}, {json.dumps(self.document)}"


def outcome(status: int, stdout: bytes) -> Outcome:
    """Of several documents the last counts: ``skel`` looks at the namespace after it has printed the result."""
    documents: list[dict[str, Any]] = [{}]
    text = stdout.decode().strip()
    while text:
        document, end = json.JSONDecoder().raw_decode(text)
        documents.append(document)
        text = text[end:].strip()
    return Outcome(status, documents[-1].get("code"), documents[-1])


def run(plugin: Path, case: Case) -> Outcome:
    """Run a plugin as a runtime does."""
    done = subprocess.run([plugin], env=case.environment, input=case.stdin, capture_output=True, check=False)
    return outcome(done.returncode, done.stdout)


def perform(request: Request) -> Result | None:
    """Do nothing, and say what a plugin that does nothing says."""
    if request.verb is not Verb.ADD:
        return None
    ours = Result(
        (Interface(request.interface, sandbox=request.namespace),),
        (AssignedAddress(ip_interface("10.64.0.1/32"), interface=0),),
    )
    return ours.after(request.previous)
