"""Pure module: what a container, a network and an interface may be called.

The specification's section 2, "Parameters", and section 1, "Configuration format".
"""

import os
import re

_WORD = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_LONGEST_INTERFACE = 15
"""Bytes; the kernel's IFNAMSIZ less the NUL."""


def is_word(name: str) -> bool:
    """Whether a container or a network may have this name."""
    return _WORD.fullmatch(name) is not None


def fault_of_interface(name: str) -> str | None:
    """Why an interface can't have this name; ``None`` if it can.

    >>> fault_of_interface("eth0")
    >>> fault_of_interface("eth 0")
    'has a slash, a colon or a space in it'
    """
    if len(os.fsencode(name)) > _LONGEST_INTERFACE:
        return f"is longer than {_LONGEST_INTERFACE} bytes"
    if name in {".", ".."}:
        return "names a directory"
    if any(character in "/:" or character.isspace() for character in name):
        return "has a slash, a colon or a space in it"
    return None
