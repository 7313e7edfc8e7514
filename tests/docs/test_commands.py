"""Every command that the documentation shows works, in the order of its page."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs import documents

_TIMEOUT_S = 280
_PAGES_WITH_COMMANDS = [page for page in documents.PAGES if documents.blocks(page)]

# A page finds the machine as a reader does: without the labs of others. Namespaces and labs are known by files
# below /run, so an empty /run in a mount namespace of the page's own will do. A mount on /run/bifilar itself would
# vanish when somebody outside removes that directory, and the last line would then remove the labs of others.
_ALONE = """
set -e
mount -t tmpfs none /run
mkdir /run/bifilar /run/netns
set +e
trap 'bifilar lab down --all >/dev/null 2>&1' EXIT
"""


def _name(page: Path) -> str:
    return str(page.relative_to(documents.CHECKOUT))


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page,
            id=_name(page),
            marks=[pytest.mark.lab, pytest.mark.slow] if documents.needs_a_lab(page) else [],
        )
        for page in _PAGES_WITH_COMMANDS
    ],
)
def test_the_commands_of_a_page_work(page: Path, tmp_path: Path) -> None:
    shutil.copytree(documents.CHECKOUT / "examples", tmp_path / "examples")
    text = documents.script(page)
    command = ["bash", "-c", text]
    if documents.needs_a_lab(page):
        command = ["unshare", "--mount", "--propagation", "private", "bash", "-c", _ALONE + text]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert run.returncode == 0, f"{_name(page)}:\n{run.stdout[-6000:]}"


def test_there_are_commands_to_run() -> None:
    """If the blocks were written another way, nothing would be tested, and nothing would fail."""
    names = {_name(page) for page in _PAGES_WITH_COMMANDS}
    assert {"README.md", "docs/tutorial.md", "docs/how-to/add-a-rack.md"} <= names


def test_no_command_hides_in_a_block_of_another_language() -> None:
    """``bash``, ``shell`` and ``console`` blocks would be shown and not run."""
    hidden = [
        f"{_name(page)}:{block.line}"
        for page in documents.PAGES
        for language in ("bash", "shell", "console")
        for block in documents.blocks(page, language)
    ]
    assert hidden == []
