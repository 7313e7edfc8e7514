"""The commands of a Markdown page, and a shell script that runs them as a reader would.

A block that begins with ```` ```sh ```` holds commands. Words behind ``sh`` say what is special about it:
``status=N``: its last command ends with that status; ``in=checkout``: it runs in the checkout; ``dry-run``: it holds
``make`` commands of which only the recipes are looked up.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = (CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md")))

_BLOCK = re.compile(r"^```(?P<language>\w+)(?P<words>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_NEEDS_A_LAB = re.compile(r"bifilar (lab|verify)\b|make demo")


@dataclass(frozen=True)
class Block:
    """Commands that stand together. ``line`` is where they begin on the page."""

    text: str
    line: int
    status: int = 0
    in_checkout: bool = False
    dry_run: bool = False


def blocks(page: Path, language: str = "sh") -> list[Block]:
    """A page's blocks of one language, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        _block(found["text"], text.count("\n", 0, found.start()) + 2, found["words"].split())
        for found in _BLOCK.finditer(text)
        if found["language"] == language
    ]


def _block(text: str, line: int, words: list[str]) -> Block:
    status, in_checkout, dry_run = 0, False, False
    for word in words:
        if word.startswith("status="):
            status = int(word.removeprefix("status="))
        elif word == "in=checkout":
            in_checkout = True
        elif word == "dry-run":
            in_checkout = dry_run = True
        else:
            raise ValueError(f"line {line}: nobody knows what {word!r} means")
    return Block(text, line, status, in_checkout, dry_run)


def needs_a_lab(page: Path) -> bool:
    """Whether a page builds a lab, which needs root and BIRD."""
    return any(_NEEDS_A_LAB.search(block.text) for block in blocks(page))


def script(page: Path) -> str:
    """Every command of a page, in order; it ends at the first block that does not end as the page says."""
    return "\n".join(["set -u", *(_runner(block) for block in blocks(page))])


def _runner(block: Block) -> str:
    text = block.text.replace("make ", "make --dry-run ") if block.dry_run else block.text
    place = f"cd {shlex.quote(str(CHECKOUT))}\n" if block.in_checkout else ""
    # A shell of its own for each block: `cd` and `trap` end with it, as they do when a reader copies one.
    return f"""\
echo '== line {block.line}' >&2
bash -euo pipefail -c {shlex.quote(place + text)}
status=$?
if [ $status -ne {block.status} ]; then
    echo "line {block.line}: ended with status $status instead of {block.status}" >&2
    exit 1
fi
"""
