"""Pure module: the file format for editors (a JSON Schema) and for people (a Markdown reference).

Both come from :mod:`bifilar.intent.model`; ``REGENERATE=1 uv run pytest tests/intent`` writes the published files
anew, and the tests hold them equal.
"""

import json
from collections.abc import Iterator
from typing import Any

from bifilar.intent.model import Intent

SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_FORMATS = {"ipv4network": "IPv4 network", "ipv6network": "IPv6 network"}
_HEAD = """\
# The intent file

One YAML file describes a fabric. Every key is listed here; an unknown key is an error, and so is a value out of
its range. Networks are written `address/length`. This page and `intent.schema.json` are generated from the
program, so they say what it does.
"""


def json_schema() -> dict[str, Any]:
    """The format as a JSON Schema, draft 2020-12."""
    schema = Intent.model_json_schema(by_alias=True)
    schema.pop("title", None)
    return {"$schema": SCHEMA_DIALECT, "title": "Bifilar intent", **schema}


def reference() -> str:
    """The format as a Markdown page: a table for each section."""
    schema = json_schema()
    return "\n".join(_lines(schema)) + "\n"


def _lines(schema: dict[str, Any]) -> Iterator[str]:
    yield _HEAD
    for heading, section in _sections(schema):
        yield f"## {heading}\n"
        yield f"{section['description']}\n"
        yield "| key | value | default | meaning |"
        yield "|---|---|---|---|"
        required = section.get("required", [])
        for key, value in section["properties"].items():
            default = "required" if key in required else _default(value)
            yield f"| `{key}` | {_type(schema, value)} | {default} | {value['description']} |"
        yield ""


def _sections(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The top, then every section where it is first used, with a heading that says where it may stand."""
    yield "The top of the file", schema
    uses: dict[str, list[str]] = {}
    waiting: list[tuple[str, dict[str, Any]]] = [("", schema)]
    while waiting:
        path, section = waiting.pop(0)
        for key, value in section["properties"].items():
            if (name := _section_name(value)) is not None:
                own = f"{path}{key}{_nesting(value)}"
                uses.setdefault(name, []).append(own)
                if len(uses[name]) == 1:
                    waiting.append((f"{own}.", schema["$defs"][name]))
    for name, paths in uses.items():
        yield ", ".join(f"`{path}`" for path in paths), schema["$defs"][name]


def _nesting(value: dict[str, Any]) -> str:
    if value.get("type") == "array":
        return "[]"
    return ".NAME" if "additionalProperties" in value else ""


def _section_name(value: dict[str, Any]) -> str | None:
    """The definition of a section that a value is, holds or lists."""
    inner = [value, value.get("items"), value.get("additionalProperties"), *value.get("anyOf", [])]
    references = [
        part["$ref"].rpartition("/")[2] for part in inner if isinstance(part, dict) and "$ref" in part
    ]
    return next((name for name in references if name not in _CHOICES), None)


_CHOICES = frozenset({"AsnModel", "LinkStyle"})
"""Definitions that are words to choose from, not sections."""


def _default(value: dict[str, Any]) -> str:
    default = value.get("default")
    if default is None or default in ({}, []):
        return "none"
    return "see below" if isinstance(default, dict) else f"`{json.dumps(default)}`".replace('"', "")


def _type(schema: dict[str, Any], value: dict[str, Any]) -> str:
    """What a value is, in words."""
    if options := [option for option in value.get("anyOf", []) if option.get("type") != "null"]:
        return " or ".join(_type(schema, option) for option in options)
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return _type(schema, schema["$defs"][name]) if name in _CHOICES else "section"
    if words := value.get("enum") or ([value["const"]] if "const" in value else None):
        return " or ".join(f"`{word}`" for word in dict.fromkeys(map(str, words)))
    return _plain_type(schema, value)


def _plain_type(schema: dict[str, Any], value: dict[str, Any]) -> str:
    match value["type"]:
        case "integer":
            return f"{value['minimum']} to {value['maximum']}"
        case "boolean":
            return "`true` or `false`"
        case "array":
            parts = value.get("prefixItems", [value.get("items")])
            count = f" of {len(parts)}" if "prefixItems" in value else ""
            return f"list{count}: {_type(schema, parts[0])}"
        case "object":
            return "section for each name"
    return _FORMATS.get(value.get("format", ""), "word")
