import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifilar.intent.yaml_source import MAX_DEPTH, MAX_VALUES, read_yaml

TEXT = """\
name: fabric
addresses:
  servers: 10.69.0.0/20
racks:
  - {number: 0, servers: 3}
  - number: 1
    servers: "4"
"""


def test_values_are_plain() -> None:
    assert read_yaml(TEXT).value == {
        "name": "fabric",
        "addresses": {"servers": "10.69.0.0/20"},
        "racks": [{"number": 0, "servers": 3}, {"number": 1, "servers": "4"}],
    }


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("name",), (1, 1), (1, 7)),
        (("addresses",), (2, 1), (3, 3)),
        (("addresses", "servers"), (3, 3), (3, 12)),
        (("racks", 0), (5, 5), (5, 5)),
        (("racks", 0, "servers"), (5, 17), (5, 26)),
        (("racks", 1, "servers"), (7, 5), (7, 14)),
    ],
)
def test_every_key_and_value_has_its_place(
    path: tuple[str | int, ...], key: tuple[int, int], value: tuple[int, int]
) -> None:
    source = read_yaml(TEXT)
    assert path in source
    assert source.key_at(path) == key
    assert source.value_at(path) == value


def test_the_place_of_what_is_absent_is_its_section() -> None:
    source = read_yaml(TEXT)
    assert source.value_at(("racks", 1, "boot")) == source.value_at(("racks", 1))
    assert source.value_at(("bfd", "multiplier")) == (1, 1)


def test_columns_count_characters() -> None:
    source = read_yaml("{é漢: 1, b: 2}\n")
    assert source.key_at(("b",)) == (1, 9)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ('"7"', "7"),
        ("'true'", "true"),
        ("no", "no"),
        ("On", "On"),
        ("010", "010"),
        ("0x10", "0x10"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("1.5", "1.5"),
        (".inf", ".inf"),
        ("2026-01-01", "2026-01-01"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_hold_no_surprises(written: str, value: object) -> None:
    assert read_yaml(f"key: {written}\n").value == {"key": value}


def test_the_first_of_two_equal_keys_counts_and_the_second_is_looked_through() -> None:
    source = read_yaml("a: {b: 1}\na: {c: 2, c: 3}\n")
    assert source.value == {"a": {"b": 1}}
    assert [(problem.line, problem.column) for problem in source.problems] == [(2, 1), (2, 11)]
    assert source.value_at(("a", "b")) == (1, 8)


def test_an_alias_is_not_expanded() -> None:
    source = read_yaml("a: &x [1, 2]\nb: *x\n")
    assert source.value == {"a": [1, 2], "b": None}
    assert source.broken == {("b",)}


def test_an_anchor_alone_changes_nothing() -> None:
    assert read_yaml("a: &x 1\n").problems == ()


def test_a_bomb_of_aliases_is_one_problem() -> None:
    layers = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 40))
    source = read_yaml(f"l0: &l0 [x]\n{layers}")
    assert [problem.what for problem in source.problems] == [
        "the alias `*l0` repeats another value (350 more in this file); an intent has no aliases"
    ]


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- ", "? "])
def test_nesting_is_bounded_before_anything_recurses(bracket: str) -> None:
    source = read_yaml(bracket * 200_000)
    assert source.value is None
    assert source.problems[-1].what == f"nested more than {MAX_DEPTH} levels deep"


def test_the_number_of_values_is_bounded() -> None:
    source = read_yaml(f"[{'1,' * (MAX_VALUES + 1)}]")
    assert source.value is None
    assert [problem.what for problem in source.problems] == ["the file has more than 100,000 keys and values"]


def test_a_byte_order_mark_inside_is_refused_with_its_place() -> None:
    (problem,) = read_yaml("a: 1\nb: x\ufeffy\n").problems
    assert (problem.line, problem.column) == (2, 5)


@given(st.text(alphabet=st.sampled_from("ab:-[]{}\"'#&*!|>%@`?, \n\t\r0\u2028\ufeffé"), max_size=60))
def test_no_text_is_too_strange_to_read(text: str) -> None:
    source = read_yaml(text)
    assert source.problems or () in source
