"""json_schema: strict about outputs, and out of reach for hostile schemas."""

from __future__ import annotations

import time

import pytest
from scorer_samples import outcome, scored

from llmops_git.errors import LlmopsError

PASS, FAIL, UNKNOWN = (1.0, "pass"), (0.0, "fail"), ("not_measured", "schema")
OBJECT = {
    "type": "object",
    "properties": {"id": {"type": "string", "pattern": r"^\p{Lu}-\d+$"}},
    "patternProperties": {"^x-": {"type": "integer"}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("output", "schema", "result"),
    [
        ("{}", True, PASS),
        ("{}", False, FAIL),
        ('{"id": "Ä-17"}', OBJECT, PASS),
        ('{"id": "17"}', OBJECT, FAIL),
        ('{"x-n": 1}', OBJECT, PASS),
        ('{"x-n": "1"}', OBJECT, FAIL),
        ('{"y": 1}', OBJECT, FAIL),
        ('{"y": 1}', {"additionalProperties": {"type": "integer"}}, PASS),
        ('{"y": "1"}', {"additionalProperties": {"type": "integer"}}, FAIL),
        (
            '[{"a": [1]}]',
            {"$defs": {"n": {"items": {"$ref": "#/$defs/n"}, "type": ["array", "object"]}}, "$ref": "#/$defs/n"},
            PASS,
        ),
        ('{"a": NaN}', {}, FAIL),
        ("Here: {}", {}, FAIL),
        ("{} {}", {}, FAIL),
        (" ", {}, (0.0, "empty")),
        ("{}", {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}, PASS),
    ],
)
def test_json_schema(output, schema, result):
    assert outcome("json_schema", output, schema=schema) == result


def test_the_first_fault_is_named_with_its_place():
    assert scored("json_schema", '{"y": 1, "z": 2}', schema=OBJECT).explanation == "$: unknown properties: y, z"
    assert scored("json_schema", '{"id": "17"}', schema=OBJECT).explanation.startswith("$.id: '17' does not match")


def doubling(depth):
    """A schema of a few lines that asks for 2^depth steps."""
    layers = {f"l{index}": {"allOf": [{"$ref": f"#/$defs/l{index + 1}"}] * 2} for index in range(depth)}
    return {"$defs": {**layers, f"l{depth}": {}}, "$ref": "#/$defs/l0"}


SLOW = "^(a|aa)+$"
DIALECT = "https://json-schema.org/draft/2020-12/schema"  # names the stock validator


@pytest.mark.parametrize(
    ("output", "schema"),
    [
        ("{}", doubling(40)),
        ("{}", {"$ref": "#"}),
        ("{}", {"$ref": "https://127.0.0.1:9/schema.json"}),
        ("{}", {"$ref": "#/$defs/none"}),
        (f'"{"a" * 60}b"', {"pattern": SLOW}),
        (f'{{"{"a" * 60}b": 1}}', {"patternProperties": {SLOW: {}}}),
        (f'{{"{"a" * 60}b": 1}}', {"patternProperties": {SLOW: {}}, "additionalProperties": False}),
        (f'"{"a" * 60}b"', {"allOf": [{"$schema": DIALECT, "pattern": SLOW}]}),
        (f'"{"a" * 60}b"', {"properties": {"const": {"pattern": SLOW}}, "$ref": "#/properties/const"}),
        (f'"{"a" * 60}b"', {"default": {"pattern": SLOW}, "$ref": "#/default"}),
        (f'"{"a" * 60}b"', {"default": {"$schema": DIALECT, "pattern": SLOW}, "$ref": "#/default"}),
        ('"x"', {"foo": {"pattern": 5}, "$ref": "#/foo"}),
        ("[" * 400 + "]" * 400, {"items": {"$ref": "#"}}),
    ],
    ids=range(13),
)
def test_a_schema_that_cannot_be_answered_is_not_measured_and_soon(output, schema):
    started = time.process_time()
    assert outcome("json_schema", output, schema=schema) == UNKNOWN
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"pattern": "("},
        {"pattern": "((a{1000}){1000}){1000}"},
        {"patternProperties": {"(": {}}},
        {"unevaluatedProperties": False},
        {"allOf": [{"unevaluatedItems": False}]},
        "schema.json",
        None,
    ],
    ids=str,
)
def test_a_schema_that_is_none_is_refused_before_the_first_call(schema):
    with pytest.raises(LlmopsError, match="scorer `s`"):
        outcome("json_schema", "{}", schema=schema)


def test_a_schema_nested_too_deeply_is_refused():
    schema = {}
    for _ in range(5000):
        schema = {"not": schema}
    with pytest.raises(LlmopsError, match="nested too deeply"):
        outcome("json_schema", "{}", schema=schema)


def test_comparing_all_items_in_pairs_is_counted():
    began = time.process_time()
    items = "[" + ", ".join(f'{{"a": [{n}]}}' for n in range(20_000)) + "]"
    assert outcome("json_schema", items, schema={"uniqueItems": True}) == UNKNOWN
    assert time.process_time() - began < 2
    assert outcome("json_schema", "[1, 2, 1]", schema={"uniqueItems": True}) == FAIL
    assert outcome("json_schema", "[1, 2, 3]", schema={"uniqueItems": True}) == PASS
