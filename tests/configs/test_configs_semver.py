"""The version that a change asks for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.contracts import contract_bump, largest, same
from llmops_git.configs.semver import bump_of

BASE: dict[str, Any] = {
    "model": {"provider": "openai", "id": "m-1", "parameters": {"temperature": 0}},
    "inputs": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}, "tone": {"type": "string"}}},
    "messages": [{"role": "user", "template": "{{ message }}"}],
    "templates": {},
    "output": {
        "schema": {
            "type": "object",
            "required": ["queue"],
            "properties": {"queue": {"enum": ["a", "b"]}, "note": {"type": ["string", "null"]}},
        }
    },
    "retrieval": {"retriever": "bm25", "top_k": 4, "query": "{{ message }}", "corpus": ["sha256:1"], "chunk": {"size": 800, "overlap": 80}},
    "tools": [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {"id": {"type": "string"}}}}}],
    "max_steps": 6,
    "guardrails": {"input": [{"checks": ["email"]}]},
}  # fmt: skip


def _with(path: str, value: Any) -> dict[str, Any]:
    """BASE with the value at a dotted path replaced; `...` removes it."""
    import copy

    made = copy.deepcopy(BASE)
    target: Any = made
    *parents, last = [int(part) if part.isdecimal() else part for part in path.split("/")]
    for part in parents:
        target = target[part]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return made


TOOL = BASE["tools"][0]
PROPERTIES = BASE["inputs"]["properties"]
QUEUE = {"type": "object", "required": ["queue"]}

CASES: list[tuple[str, Any, str]] = [
    # what callers give
    ("inputs/properties", {"message": {"type": "string"}}, "major"),
    ("inputs/properties", {"text": {"type": "string"}, "tone": {"type": "string"}}, "major"),
    ("inputs/properties", PROPERTIES | {"new": {"type": "string"}}, "minor"),
    ("inputs", {"type": "object", "required": ["message", "new"], "properties": PROPERTIES | {"new": {}}}, "major"),
    ("inputs/required", ["message", "tone"], "major"),
    ("inputs/required", [], "minor"),
    ("inputs/properties/message", {"type": "string", "maxLength": 9}, "major"),
    ("inputs/properties/message", {"type": ["string", "null"]}, "minor"),
    ("inputs/properties/message", {"type": "integer"}, "major"),
    ("inputs/properties/message", {"enum": ["a"]}, "major"),
    ("inputs/properties/message", {"type": "string", "description": "x"}, "patch"),
    ("inputs/properties/message", {"type": "string", "pattern": "x"}, "major"),
    # what they get
    ("output", ..., "major"),
    ("output/schema/properties", {"queue": {"enum": ["a", "b"]}}, "major"),
    ("output/schema/properties", BASE["output"]["schema"]["properties"] | {"new": {"type": "string"}}, "minor"),
    ("output/schema/required", [], "major"),
    ("output/schema/required", ["queue", "note"], "minor"),
    ("output/schema/properties/queue", {"enum": ["a", "b", "c"]}, "major"),
    ("output/schema/properties/queue", {"enum": ["a"]}, "minor"),
    ("output/schema/properties/queue", {}, "major"),
    ("output/schema/properties/note", {"type": "string"}, "minor"),
    ("output/schema/properties/note", {"type": ["string", "null", "integer"]}, "major"),
    ("output/schema/description", "words", "patch"),
    ("output/schema/$defs", {"x": {}}, "major"),
    # what they run
    ("tools", [TOOL, {"type": "function", "function": {"name": "new", "parameters": {}}}], "major"),
    ("tools", ..., "minor"),
    ("tools/0/function/name", "other", "major"),
    ("tools/0/function/description", "words", "patch"),
    ("tools/0/function/parameters/properties/id", {"type": "integer"}, "major"),
    ("tools/0/function/parameters/properties", {"id": {"type": "string"}, "new": {}}, "major"),
    ("tools/0/function/parameters/properties/id", {"type": "string", "description": "words"}, "patch"),
    ("max_steps", 7, "patch"),
    # what answers
    ("model/id", "m-2", "minor"),
    ("model/provider", "other", "minor"),
    ("model/parameters", {"temperature": 1}, "patch"),
    ("retrieval", ..., "minor"),
    ("retrieval/corpus", ["sha256:2"], "minor"),
    ("retrieval/chunk", {"size": 700, "overlap": 80}, "minor"),
    ("retrieval/top_k", 5, "patch"),
    ("guardrails", ..., "minor"),
    ("guardrails/input/0/checks", ["phone"], "minor"),
    ("messages/0/template", "Hello {{ message }}", "patch"),
    ("messages", [], "patch"),
    ("templates", {"0" * 16: "x"}, "patch"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "bump"), CASES)
def test_each_change_asks_for_its_version(path: str, value: Any, bump: str) -> None:
    assert bump == bump_of(BASE, _with(path, value))


def test_the_largest_of_several_changes_counts_and_equal_configs_ask_for_nothing() -> None:
    assert "none" == bump_of(BASE, BASE)
    after = _with("inputs/required", ["message", "tone"])
    after["model"] = {"provider": "openai", "id": "m-2", "parameters": {"temperature": 1}}
    assert "major" == bump_of(BASE, after)
    assert ("none", "minor") == (largest([]), largest(["patch", "minor", "none"]))


@pytest.mark.parametrize(
    ("before", "after", "given", "got"),
    [
        ({"minimum": 1}, {"minimum": 2}, "major", "minor"),
        ({"minimum": 2}, {"minimum": 1}, "minor", "major"),
        ({"maxLength": 5}, {}, "minor", "major"),
        ({}, {"maxItems": 5}, "major", "minor"),
        ({"type": "number"}, {"type": "integer"}, "major", "minor"),
        ({"type": "integer"}, {"type": "number"}, "minor", "major"),
        ({"const": 1}, {"enum": [1, True]}, "minor", "major"),
        ({"const": 1}, {"enum": [1.0]}, "none", "none"),
        (True, False, "major", "minor"),
        (False, {}, "minor", "major"),
        ({"additionalProperties": False}, {}, "minor", "major"),
        ({"items": {"type": "string"}}, {"items": {"type": "string", "minLength": 1}}, "major", "minor"),
        ({"anyOf": [{}]}, {"anyOf": [{}, {}]}, "major", "major"),
        ({"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}, "major", "major"),
        ({"minimum": 1}, {"minimum": "x"}, "major", "major"),
        ({"title": "a"}, {"title": "b", "default": 1}, "patch", "patch"),
        ({"properties": {"a": {"properties": {"b": {}}}}}, {"properties": {"a": {"properties": {}}}}, "major", "major"),
        ({"required": ["a"]}, {}, "minor", "major"),
        ({"type": [3, "string"]}, {"type": "string"}, "none", "none"),
    ],
)  # fmt: skip
def test_a_contract_is_judged_from_the_side_of_who_relies_on_it(before: Any, after: Any, given: str, got: str) -> None:
    assert (given, got) == (contract_bump(before, after, given=True), contract_bump(before, after, given=False))


def test_json_values_are_the_same_as_json_says() -> None:
    assert same({"a": [1, "x", None]}, {"a": [1.0, "x", None]})
    assert not same([1], [True])
    assert not same(0, False)
    assert not same({"a": 1}, {"a": 1, "b": None})


_LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["string", "number", "a"])
_SCHEMAS = st.recursive(
    _LEAVES | st.just({}),
    lambda inner: st.dictionaries(
        st.sampled_from(["type", "enum", "properties", "required", "items", "minimum", "additionalProperties", "title", "anyOf", "a"]), inner, max_size=4
    ) | st.lists(inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(before=_SCHEMAS, after=_SCHEMAS, given_side=st.booleans())
def test_any_two_schemas_compare_and_only_equal_ones_ask_for_nothing(before: Any, after: Any, given_side: bool) -> None:
    assert "none" == contract_bump(before, before, given=given_side)
    bump = contract_bump(before, after, given=given_side)
    assert bump in ("none", "patch", "minor", "major")
    if isinstance(before, dict) and isinstance(after, dict) and bump == "minor":
        assert contract_bump(after, before, given=given_side) in ("minor", "major")
