"""How commands end, and what help and completion offer."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.cli import get_docs_for_click

from bifilar import __version__
from bifilar.cli import app, main
from bifilar.errors import BifilarError, DaemonError, InputError, LabError, MachineError
from bifilar.intent.schema import json_schema

Bifilar = Callable[..., Any]
Golden = Callable[[str, str], None]

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("bifilar")


@pytest.mark.parametrize(
    "words", [["chek"], ["check"], ["check", "--jsn", "x"], ["lab", "upp"], ["render", "x.yaml", "--out"]]
)
def test_wrong_usage_is_2_and_said_on_standard_error(words: list[str], bifilar: Bifilar) -> None:
    answer = bifilar(*words)
    assert (answer.status, answer.out) == (2, "")
    assert "Error" in answer.err


def test_wrong_usage_is_a_document_where_one_was_asked_for(bifilar: Bifilar) -> None:
    answer = bifilar("check", "--json")
    assert answer.status == 2
    assert json.loads(answer.out)["error"]["what"] == "Missing argument 'INTENT'."


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("x", "wrong", "do it right"), 2),
        (MachineError("x", "lacks", "add it"), 3),
        (LabError("x", "broken", "mend it"), 1),
        (DaemonError("x", "died", "start it"), 1),
    ],
)
def test_each_error_has_its_status(
    error: BifilarError, status: int, bifilar: Bifilar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("bifilar.intent.schema.json_schema", fail)
    answer = bifilar("schema")
    assert (answer.status, answer.err) == (status, f"x: {error.what}\nhint: {error.hint}\n")


def test_interruption_is_130(bifilar: Bifilar, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bifilar.intent.schema.json_schema", interrupt)
    assert bifilar("schema").status == 130


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    with subprocess.Popen(
        [PROGRAM, "show", "examples/scale-300.yaml", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""


def test_version(bifilar: Bifilar) -> None:
    assert bifilar("--version").out == f"bifilar {__version__}\n"


def test_schema(bifilar: Bifilar) -> None:
    assert json.loads(bifilar("schema").out) == json_schema()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_offers_verbs(shell: str) -> None:
    environment = {
        "_BIFILAR_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": "bifilar l",
        "COMP_WORDS": "bifilar l",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    run = subprocess.run([PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert "lab" in run.stdout


def test_help_imports_no_heavy_library() -> None:
    code = "import sys; from bifilar.cli import main; main(['--help']); print(sorted({'pydantic', 'jinja2'} & {*sys.modules}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_the_reference_is_what_help_says(golden: Golden) -> None:
    """The page is generated: REGENERATE=1 writes it anew."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="bifilar")
    page = get_docs_for_click(obj=command, ctx=context, name="bifilar", title="The command line")
    # Usage lines are no commands to try.
    page = page.replace("```console\n$ ", "```text\n")
    golden("../../../docs/reference/cli.md", page)


def test_main_takes_the_words_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bifilar", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("bifilar ")
