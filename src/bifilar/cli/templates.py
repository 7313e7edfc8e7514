"""Edge module: templates of the operator's, which take the place of built-in ones."""

from pathlib import Path

from bifilar.errors import InputError


def read_templates(directory: Path | None) -> dict[str, str]:
    """Every ``*.j2`` file below a directory, by its path relative to it; none without a directory.

    Raises:
        InputError: there is no such directory, or it holds no template, or one that can't be read.
    """
    if directory is None:
        return {}
    if not directory.is_dir():
        raise InputError(
            str(directory), "there is no such directory", "name the directory that holds your templates"
        )
    found = {}
    for path in sorted(directory.rglob("*.j2")):
        try:
            found[path.relative_to(directory).as_posix()] = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(str(path), f"cannot be read: {error}", "a template is UTF-8 text") from error
    if not found:
        hint = "name a template as the built-in one that it replaces, such as bird/tor.conf.j2"
        raise InputError(str(directory), "there is no template (*.j2) here", hint)
    return found
