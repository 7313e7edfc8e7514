"""Edge module: reads an intent file."""

import codecs
from pathlib import Path

from bifilar.errors import InputError, IntentErrors, Problem
from bifilar.intent.model import Intent
from bifilar.intent.parsing import parse_intent
from bifilar.intent.wording import nearest

MAX_BYTES = 1 << 20
"""Largest intent file. A fabric of 10,000 servers is written in two kilobytes."""


def load_intent(path: Path) -> Intent:
    """Read and check an intent file.

    Raises:
        IntentErrors: with everything that is wrong in the file.
        InputError: if there is no file to read, or it is too large.
    """
    return parse_intent(_text_of(path), str(path))


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(str(path), "there is no such file", _other_files(path)) from None
    except IsADirectoryError:
        raise InputError(str(path), "this is a directory", "name the intent file in it") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(
            str(path), f"cannot be read: {reason}", "look at the file's owner and permissions"
        ) from None
    if len(content) > MAX_BYTES:
        hint = "is it the right file? Racks that are alike are written once, with `count`"
        raise InputError(
            str(path), f"is larger than {MAX_BYTES >> 20} MiB; an intent is never so large", hint
        )
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise IntentErrors(str(path), [_not_utf8(error)]) from None


def _other_files(path: Path) -> str:
    try:
        names = [other.name for other in path.parent.iterdir() if other.suffix in {".yaml", ".yml"}]
    except OSError:  # the directory is missing, too: nothing to suggest
        names = []
    meant = nearest(path.name, names)
    return f"did you mean {path.with_name(meant)}?" if meant else "check the path"


def _not_utf8(error: UnicodeDecodeError) -> Problem:
    before = error.object[: error.start]
    line_start = before.rfind(b"\n") + 1
    what = f"the byte 0x{error.object[error.start]:02x} is not UTF-8"
    hint = "save the file as UTF-8, without accents if in doubt"
    return Problem(before.count(b"\n") + 1, len(before[line_start:].decode()) + 1, what, hint)
