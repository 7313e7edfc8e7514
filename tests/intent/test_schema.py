"""The published schema and reference are what the program says, and the examples agree with them."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from bifilar.intent.schema import json_schema, reference
from bifilar.intent.yaml_source import read_yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def test_the_schema_is_published(golden: Callable[[Path, str], None]) -> None:
    golden(ROOT / "docs" / "intent.schema.json", json.dumps(json_schema(), indent=2) + "\n")


def test_the_reference_is_published(golden: Callable[[Path, str], None]) -> None:
    golden(ROOT / "docs" / "reference" / "intent.md", reference())


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_agree_with_the_schema(path: Path) -> None:
    jsonschema.Draft202012Validator(json_schema()).validate(read_yaml(path.read_text(encoding="utf-8")).value)


@pytest.mark.parametrize(
    "name",
    [
        "key-unknown-near",
        "key-missing-rack-number",
        "value-text-for-number",
        "value-unknown-choice",
        "value-one-nic",
    ],
)
def test_an_editor_sees_the_same_mistakes(name: str) -> None:
    wrong = (Path(__file__).parent / "wrong" / f"{name}.yaml").read_text(encoding="utf-8")
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(read_yaml(wrong).value)


def test_every_key_is_explained() -> None:
    schema = json_schema()
    sections = [schema, *(section for section in schema["$defs"].values() if "properties" in section)]
    for section in sections:
        for key, value in section["properties"].items():
            assert value.get("description"), key
            assert f"| `{key}` |" in reference()
