"""YAML 1.2, strictly, with places."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs import yaml_events
from llmops_git.configs.yaml import MAX_ALIASED_NODES, MAX_BYTES, MAX_DEPTH, parse
from llmops_git.errors import InvalidInput, Problem


@pytest.fixture(params=["libyaml", "pure"], autouse=True)
def events(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs on both sources of events."""
    if request.param == "pure":
        monkeypatch.setattr(yaml_events, "open_events", yaml_events.pure_events)


def value(text: str) -> object:
    return parse(text.encode(), "a.yaml").value


def problem(text: str | bytes) -> Problem:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(InvalidInput) as caught:
        parse(data, "a.yaml")
    [only] = caught.value.problems
    assert only.path == "a.yaml"
    return only


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("Off", "Off"), ("true", True), ("FALSE", False), ("tRue", "tRue"),
        ("~", None), ("null", None), ("", None), ("2024-01-01", "2024-01-01"), ("12:30:45", "12:30:45"), ("1_000", "1_000"),
        ("010", 10), ("0o10", 8), ("0x1F", 31), ("-0x1F", "-0x1F"), ("0o8", "0o8"), ("+5", 5), ("1.", 1.0), (".5", 0.5),
        ("1e3", 1000.0), ("1.5E-2", 0.015), ("-", None), ("1.2.3", "1.2.3"), ("'5'", "5"), ('"true"', "true"), ("v1.0", "v1.0"),
        ("9007199254740991", 9007199254740991), (".", "."), ("=", "="), ("+", "+"), ("1e", "1e"), ("0b1", "0b1"),
    ],
)  # fmt: skip
def test_an_unquoted_scalar_means_what_the_core_schema_says(text: str, expected: object) -> None:
    if text == "-":
        assert value("- ") == [None]
        return
    read = value(f"a: {text}")
    assert {"a": expected} == read
    assert type(expected) is type(read["a"])  # type: ignore[index]


@pytest.mark.parametrize(
    "text", [".inf", "-.INF", ".nan", "1e999", "-1e999", "1e20", "9007199254740992", "0x" + "f" * 40, "9" * 9000]
)
def test_numbers_that_json_cannot_carry_are_refused_with_their_place(text: str) -> None:
    found = problem(f"a:\n  b: {text}\n")
    assert (found.line, found.column) == (2, 6)
    assert "quote it" in found.hint


def test_an_address_can_stand_in_braces() -> None:
    file = parse(b"a:\n  - {url: https://x.example/v1, b: c:d, e: why? f}\n", "a.yaml")
    assert file.value == {"a": [{"url": "https://x.example/v1", "b": "c:d", "e": "why? f"}]}
    assert file.place(("a", 0, "url")) == (2, 11)
    assert "there twice" in problem("{a: x:y, a: 1}").message


def test_an_empty_file_is_null() -> None:
    assert value("") is None
    assert value("# only a comment\n") is None
    assert parse(b"", "a.yaml").place(("a",)) == (1, 1)


def test_a_byte_order_mark_is_not_part_of_the_first_key() -> None:
    assert parse(b"\xef\xbb\xbfa: 1\n", "a.yaml").value == {"a": 1}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "`a` is there twice"),
        ("a: 1\n'a': 3\n", 2, 1, "`a` is there twice"),
        ("a: !!python/object:os.system x\n", 1, 4, "a tag is not allowed"),
        ("a: !x y\n", 1, 4, "a tag is not allowed"),
        ("!x a: y\n", 1, 1, "a tag is not allowed"),
        ("b: &b {c: 1}\na:\n  <<: *b\n", 3, 3, "merge keys"),
        ("a: 1\n---\nb: 1\n", 2, 1, "a second document"),
        ("content: {{ message }}\n", 1, 11, "a key must be text"),
        ("? [1, 2]\n: x\n", 1, 3, "a key must be text"),
        ("1: x\n", 1, 1, "a key must be text, and `1` is not"),
        ("a:\n  true: x\n", 2, 3, "a key must be text, and `true` is not"),
        ("x: &k v\n*k : y\n", 2, 1, "an alias"),
        ("a: &a [*a]\n", 1, 8, "inside its own anchor"),
        ("a: *b\n", 1, 4, "no anchor before it"),
        ("a: [1,\nb: 2\n", 3, 1, "not valid YAML"),
        ("a: b: c\n", 1, 5, "mapping values are not allowed"),
        ("a:\n\t- b\n", 2, 1, "not valid YAML"),
        ("a: \x01\n", 1, 4, "control character"),
        ("a: x\x00\n", 1, 5, "control character"),
    ],
)
def test_what_is_refused_names_line_and_column(text: str, line: int, column: int, words: str) -> None:
    found = problem(text)
    assert words in found.message
    if (found.line, found.column) != (line, column):
        # the two parsers put the end of an unfinished list, and ": ", one apart
        assert "not valid YAML" in found.message
        assert abs(found.line - line) <= 1


def test_the_jinja_trap_says_to_quote() -> None:
    assert problem("content: {{ message }}\n").hint == "quote the `{{ … }}`"


@pytest.mark.parametrize("text", ["%YAML 1.1\n---\na: no\n", "%YAML 1.2\n---\na: no\n", "%TAG ! !x\n---\na: no\n"])
def test_directives_are_refused(text: str) -> None:
    assert "remove the `%` line" in problem(text).hint


@pytest.mark.parametrize("data", [b"a: \xff\n", "a: 1".encode("utf-16"), b"a: \xed\xa0\x80\n"])
def test_what_is_not_utf8_is_refused(data: bytes) -> None:
    assert "not UTF-8" in problem(data).message


def test_the_place_of_a_bad_byte_counts_lines_and_characters() -> None:
    found = problem("a: é\nb: é".encode() + b"\xff")
    assert (found.line, found.column) == (2, 5)


def test_an_escaped_lone_surrogate_is_refused() -> None:
    found = problem('a: "\\ud800"\n')
    assert found.line == 1


def test_a_file_over_the_limit_is_refused() -> None:
    assert "larger than" in problem(b"a" * (MAX_BYTES + 1)).message


def test_nesting_is_allowed_up_to_the_limit_and_no_further() -> None:
    parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, "a.yaml")
    assert "levels deep" in problem(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)).message
    assert "levels deep" in problem(b"[" * 20_000).message


def test_nesting_through_aliases_counts() -> None:
    text = "a: &a " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*a" + "]" * 40
    assert "levels deep" in problem(text).message


def test_an_alias_stands_for_its_anchor_and_is_shown_where_it_stands() -> None:
    file = parse(b"a: &x {b: [1, 2]}\nc: *x\n", "a.yaml")
    assert file.value == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}
    assert file.place(("c", "b", 1)) == (2, 4)


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert str(MAX_ALIASED_NODES) in problem("\n".join(lines)).message


def test_a_flat_alias_bomb_is_refused_too() -> None:
    text = "a: &a [" + "x, " * 5000 + "x]\nb: [*a, *a, *a]"
    assert str(MAX_ALIASED_NODES) in problem(text).message


def test_places_of_keys_values_and_missing_fields() -> None:
    file = parse(b"model:\n  id: gpt\nmessages:\n  - role: user\n    content: hi\n", "a.yaml")
    assert file.place(("model",), key=True) == (1, 1)
    assert file.place(("model", "id"), key=True) == (2, 3)
    assert file.place(("model", "id")) == (2, 7)
    assert file.place(("messages", 0)) == (4, 5)
    assert file.place(("messages", 0, "content")) == (5, 14)
    assert file.place(("messages", 0, "nothing", 3), key=True) == (4, 5)
    assert file.place(("nowhere",)) == (1, 1)


TEXT = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=20)  # JSON writes the rest as pairs
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-(2.0**53) + 1, 2.0**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_is_read_as_itself(expected: object) -> None:
    assert expected == value(json.dumps(expected))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_value_or_a_clear_problem(data: bytes) -> None:
    try:
        file = parse(data, "a.yaml")
    except InvalidInput as error:
        messages = [problem.message for problem in error.problems]
        file = None
    else:
        messages = [json.dumps(file.value, allow_nan=False, ensure_ascii=False).encode().decode()]
    assert all(messages)
    assert len(messages) == 1
    assert file is None or file.place(()) >= (1, 1)
