"""The published schemas, and what is said about files that do not keep to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sample_config import CONFIG

from llmops_git.configs.schema import SCHEMA_BASE, load_schema, problems_of
from llmops_git.configs.user_schema import _schemas
from llmops_git.configs.yaml import parse
from llmops_git.errors import Problem

SCHEMAS = Path(__file__).parents[2] / "schemas"
OWN = [
    "config",
    "policy",
    "case",
    "prices",
    "retirements",
    "guardrail",
    "check",
    "show",
    "render",
    "upgrade",
    "label",
    "calibrate",
    "aa",
    "suite",
    "guardrails-test",
    "guardrails-rates",
    "guardrails-import",
]


def found(kind: str, text: str) -> list[Problem]:
    return problems_of(kind, parse(text.encode(), "a.yaml"), "a.yaml")  # type: ignore[arg-type]


def subschemas(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from subschemas(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from subschemas(value)


@pytest.mark.parametrize("name", OWN)
def test_a_published_schema_is_a_schema_with_an_id_and_no_choice_without_a_discriminator(name: str) -> None:
    schema = load_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{SCHEMA_BASE}/{name}.schema.json"
    assert (SCHEMAS / f"{name}.schema.json").is_file()
    assert not [part for part in subschemas(schema) if "oneOf" in part or "anyOf" in part]


@pytest.mark.parametrize("name", OWN)
def test_every_property_has_a_description_for_editors(name: str) -> None:
    missing = [
        (*pointer, key)
        for pointer, part in _schemas(load_schema(name), ())
        for key, value in part.get("properties", {}).items()
        if isinstance(value, dict) and value.keys() - {"not", "x-message", "const"} and "description" not in value
    ]
    assert missing == []


def test_the_whole_example_is_valid() -> None:
    assert found("config", CONFIG) == []


@pytest.mark.parametrize(
    ("text", "place", "pointer", "message", "hint"),
    [
        ("modle: {}", (1, 1), "$.modle", "unknown key `modle`", "did you mean `model`?"),
        ("name: Big Name", (1, 7), "$.name", "must be lower-case letters, digits and dashes", ""),
        ("messages:\n- {role: sytem, content: x}", (2, 10), "$.messages[0].role", "must be one of system, developer", "did you mean `system`?"),
        ("messages:\n- {role: user}", (2, 3), "$.messages[0]", "needs `file` or `content`", ""),
        ("messages:\n- {role: user, file: a, content: b}", (2, 25), "$.messages[0].content", "cannot stand beside `file`", ""),
        ("messages: []", (1, 11), "$.messages", "needs at least 1 item(s)", ""),
        ("messages:\n- {role: user, content: 5}", (2, 25), "$.messages[0].content", "must be text, not `5`", 'quote it: "5"'),
        ("model: {provider: a, id: true}", (1, 26), "$.model.id", "must be text, not true", 'quote it: "true"'),
        ("model: {provider: a, id: ''}", (1, 26), "$.model.id", "must not be empty", ""),
        ("model: {provider: a, id: b, parameters: {temperature: 3}}", (1, 55), "$.model.parameters.temperature", "must be at most 2, not `3`", ""),
        ("model: {provider: a, id: b, parameters: {extra: {stream: true}}}", (1, 50), "$.model.parameters.extra.stream", "is set by llmops-git", ""),
        ("inputs: {properties: {a-b: {}}}", (1, 23), "$.inputs.properties.a-b", "must be a name that templates can use", ""),
        ("retrieval: {retriever: bm25, query: q}", (1, 12), "$.retrieval", "`corpus` is missing", ""),
        ("retrieval: {retriever: recorded, query: q}", (1, 34), "$.retrieval.query", "is not used by the recorded retriever", ""),
        ("guardrails: {input: [a, a]}", (1, 21), "$.guardrails.input", "holds the same item twice", ""),
        ("evaluation: {dataset: d, scorers: {}}", (1, 35), "$.evaluation.scorers", "needs at least 1 entries", ""),
        ("evaluation: {dataset: d, scorers: {a: {use: exact, pattern: x}}}", (1, 52), "$.evaluation.scorers.a.pattern",
         "unknown key `pattern`", "known keys: use, negate, field, ignore_case, strip"),
        ("evaluation: {dataset: d, scorers: {a: {use: judge}}}", (1, 39), "$.evaluation.scorers.a", "`judge` is missing", ""),
        ("evaluation: {dataset: d, scorers: {a b: {use: cost}}}", (1, 36), '$.evaluation.scorers["a b"]', "the key `a b` must be letters", ""),
        ("kind: judge\nrubric: Is it true?", (1, 1), "$", "`scale` is missing", ""),
        ("scale: {labels: {a: 0, b: 1}}", (1, 1), "$.scale", "is for judges only", ""),
    ],
)  # fmt: skip
def test_each_mistake_has_a_place_a_message_and_a_hint(
    text: str, place: tuple[int, int], pointer: str, message: str, hint: str
) -> None:
    [problem] = [problem for problem in found("config", text) if problem.pointer == pointer and message in problem.message]
    assert (problem.line, problem.column) == place
    assert problem.hint == hint


def test_all_mistakes_come_at_once_in_the_order_of_the_file() -> None:
    lines = [problem.line for problem in found("config", "a: 1\nmodel: {}\nmessages: {}\nowner: 5\n")]
    assert lines == [1, 2, 2, 3, 4]


def test_a_judge_must_say_that_it_is_one() -> None:
    assert [problem.hint for problem in found("judge", CONFIG)] == ["write `kind: judge` into it"]


@pytest.mark.parametrize("use", ["exact", "contains", "regex", "json_schema", "numeric", "latency", "cost", "judge"])
def test_every_scorer_takes_its_options_and_no_others(use: str) -> None:
    needed = {"regex": "pattern: x", "json_schema": "schema: {}", "judge": "judge: j.yaml"}.get(use, "")
    scorer = "{" + ", ".join(part for part in (f"use: {use}", needed) if part) + "}"
    config = (
        "model: {{provider: a, id: b}}\nmessages: [{{role: user, content: x}}]\nevaluation: {{dataset: d, scorers: {{s: {}}}}}"
    )
    assert found("config", config.format(scorer)) == []
    [problem] = found(
        "config",
        config.format(
            scorer.replace("}", ", nothing: 1}") if "{}" not in scorer else "{use: json_schema, schema: {}, nothing: 1}"
        ),
    )
    assert "unknown key `nothing`" in problem.message


def test_messages_name_no_word_of_the_validator() -> None:
    text = "name: 5\nmodel: []\nmessages: 3\ninputs: {type: array}\nretrieval: {retriever: x, top_k: 0}\nmax_steps: 1.5\ncritical: 1"
    messages = [problem.message for problem in found("config", text)]
    assert len(messages) >= 7
    assert not [message for message in messages if re.search(r"is not of type|is not valid|schema|property|None|True", message)]
