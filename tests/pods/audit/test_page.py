"""The page on audits, held against the code."""

import re
from pathlib import Path

from bifilar.pods.audit import Kind

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "audit.md"


def test_the_page_lists_every_kind_of_finding() -> None:
    listed = re.findall(r"^\| `([a-z-]+)`", PAGE.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(Kind)
