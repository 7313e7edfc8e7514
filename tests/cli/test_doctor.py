"""``doctor``: what the machine has, and what it costs where it hasn't."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bifilar.cli import machine
from bifilar.cli.machine import Finding, Verdict

Bifilar = Callable[..., Any]
Golden = Callable[[str, str], None]


def test_findings_say_what_they_mean(bifilar: Bifilar) -> None:
    answer = bifilar("doctor", "--json")
    document = json.loads(answer.out)
    findings = {finding["subject"]: finding for finding in document["findings"]}
    assert {
        "root",
        "kernel",
        "BIRD",
        "neighbour table",
        "memory",
        "processors",
        "open files",
    } <= findings.keys()
    for finding in findings.values():
        assert finding["found"]
        if finding["verdict"] != "good":
            assert finding["cost"], finding
            assert finding["hint"], finding
    lacking = any(finding["verdict"] == "lacks" for finding in findings.values())
    assert document["good"] is not lacking
    assert answer.status == (3 if lacking else 0)


@pytest.mark.lab
def test_a_machine_that_runs_these_tests_can_run_labs(bifilar: Bifilar) -> None:
    answer = bifilar("doctor")
    assert answer.status == 0
    assert answer.out.endswith("this machine can run labs\n")


def test_something_necessary_is_3(bifilar: Bifilar, monkeypatch: pytest.MonkeyPatch, golden: Golden) -> None:
    findings = [
        Finding("root", Verdict.GOOD, "running as root"),
        Finding("device dummy", Verdict.LIMIT, "unknown", "an ifb device instead", "another kernel"),
        Finding("BIRD", Verdict.LACKS, "there is no [bird]", "no lab can be built", "install it"),
    ]
    monkeypatch.setattr(machine, "examine", lambda: iter(findings))
    answer = bifilar("doctor")
    assert answer.status == 3
    golden("doctor-lacks.txt", answer.out)


def test_without_bird_the_package_is_named(
    bifilar: Bifilar, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("bifilar.bird.binary._SYSTEM_PATH", str(tmp_path))
    monkeypatch.setattr("bifilar.cli.machine._SYSTEM_PATH", str(tmp_path))
    answer = bifilar("doctor", "--json")
    assert answer.status == 3
    found = {finding["subject"]: finding for finding in json.loads(answer.out)["findings"]}
    assert found["BIRD"]["verdict"] == "lacks"
    assert "bird2" in found["BIRD"]["hint"]
    assert found["network namespaces"]["verdict"] == "lacks"
