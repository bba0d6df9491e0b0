"""JSON Schemas and tools that users write."""

from __future__ import annotations

import time

import pytest

from llmops_git.configs.resolve_tools import resolve_tool
from llmops_git.configs.user_schema import schema_problems, uses, value_problems, without_annotations


@pytest.mark.parametrize(
    ("schema", "pointer", "message"),
    [
        ({"type": "strng"}, ("type",), "`strng` is no JSON Schema type"),
        ({"properties": {"a": {"minimum": "x"}}}, ("properties", "a", "minimum"), "must be a number"),
        ({"items": {"$ref": "https://example.com/s.json"}}, ("items", "$ref"), "is outside"),
        ({"$ref": "other.json#/x"}, ("$ref",), "is outside"),
        ({"$ref": "#/$defs/a"}, ("$ref",), "points at nothing"),
        ({"required": "a"}, ("required",), "must be a list"),
    ],
)
def test_what_is_wrong_with_a_schema(schema: dict[str, object], pointer: tuple[str, ...], message: str) -> None:
    [(where, what)] = schema_problems(schema)
    assert where == pointer
    assert message in what


def test_references_inside_a_schema_are_fine() -> None:
    assert (
        schema_problems({"$defs": {"a/b": {"type": "string"}}, "items": {"$ref": "#/$defs/a~1b"}, "not": {"$ref": "#"}}) == []
    )


def test_a_value_that_does_not_fit_has_its_place() -> None:
    schema = {"required": ["a"], "properties": {"b": {"items": {"type": "integer"}}}}
    assert value_problems(schema, {"b": [1, "x"]}) == [((), "`a` is missing"), (("b", 1), "must be a whole number, not `x`")]
    assert value_problems(schema, {"a": None, "b": []}) == []


@pytest.mark.parametrize("pattern", ["^(a+)+$", "((a{1000}){1000}){1000}", "(" * 2000])
def test_patterns_cannot_hang(pattern: str) -> None:
    began = time.process_time()
    assert value_problems({"pattern": pattern}, "a" * 60 + "!")
    assert time.process_time() - began < 1


def test_a_schema_without_annotations_asks_for_the_same() -> None:
    schema = {
        "title": "x", "description": "y", "type": "object", "required": ["b", "a"],
        "properties": {"description": {"type": "string", "description": "z", "enum": ["title"]}, "a": {"items": {"title": "i"}}},
        "allOf": [{"$comment": "c", "minProperties": 1}], "const": {"title": "data"},
    }  # fmt: skip
    assert without_annotations(schema) == {
        "type": "object", "required": ["a", "b"],
        "properties": {"description": {"type": "string", "enum": ["title"]}, "a": {"items": {}}},
        "allOf": [{"minProperties": 1}], "const": {"title": "data"},
    }  # fmt: skip
    assert without_annotations({"required": []}) == {}


def test_keywords_are_told_from_names() -> None:
    assert uses({"items": {"patternProperties": {}}}, "patternProperties")
    assert not uses({"properties": {"patternProperties": {}}}, "patternProperties")


def test_both_ways_to_write_a_tool_are_one() -> None:
    function = {"name": "find", "description": "Find it.", "parameters": {"type": "object", "properties": {"id": {}}}}
    wanted = {"type": "function", "function": function}
    assert resolve_tool(function) == resolve_tool(wanted) == resolve_tool({**function, "strict": False}) == (wanted, [])


@pytest.mark.parametrize(
    ("tool", "where", "message"),
    [
        ([], (), "must be a mapping"),
        ({}, ("name",), "`name` must be"),
        ({"name": "a b"}, ("name",), "`name` must be"),
        ({"name": "a", "parmeters": {}}, ("parmeters",), "did you mean `parameters`?"),
        ({"name": "a", "parameters": []}, ("parameters",), "must be a JSON Schema"),
        ({"type": "function", "function": {"name": ""}}, ("function", "name"), "`name` must be"),
        ({"type": "function", "function": {"name": "a"}, "x": 1}, ("x",), "unknown key `x`"),
    ],
)
def test_what_is_wrong_with_a_tool(tool: object, where: tuple[str, ...], message: str) -> None:
    found, problems = resolve_tool(tool)
    assert found is None
    assert [(place, message in text) for place, text in problems] == [(where, True)]


def _branches() -> dict[str, object]:
    parts = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    return {"$ref": "#/$defs/d0", "$defs": {**parts, "d40": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        (_branches(), "x", "takes too long to hold to its schema"),
        ({"uniqueItems": True}, [{"a": [n]} for n in range(20_000)], "takes too long to hold to its schema"),
        ({"not": {"pattern": "^(a|aa)+$"}}, "a" * 60 + "!", "the pattern `^(a|aa)+$` takes too long"),
        ({"$ref": "#/$defs/d", "$defs": {"d": {"$ref": "#/$defs/d"}}}, 1, "cannot be held to its schema, which goes round"),
        ({"pattern": "((a{5000,}){5000,}){5000,}"}, "a", "the pattern `((a{5000,}){5000,}){5000,}` is too large"),
    ],
)
def test_a_schema_that_does_not_end_is_a_problem_of_its_value(schema: dict[str, object], value: object, said: str) -> None:
    began = time.process_time()
    problems = value_problems(schema, value)
    assert said in problems[-1][1]
    assert time.process_time() - began < 2


def test_a_usual_schema_has_steps_enough() -> None:
    schema = {"items": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "pattern": "^x"}}}}
    assert value_problems(schema, [{"a": "xy"}] * 150) == []
