"""The verb ``schema``."""
# ruff: noqa: PLC0415 - what a verb needs is imported when it runs, so that help and completion are instant


def schema() -> None:
    """Print the JSON Schema of the intent file, for editors and other programs.

    Example: `bifilar schema > intent.schema.json`, and as the first line of an intent file
    `# yaml-language-server: $schema=intent.schema.json`
    """
    from bifilar.cli.terminal import print_json
    from bifilar.intent.schema import json_schema

    print_json(json_schema())
