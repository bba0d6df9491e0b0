"""What a config or a template names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.references import References, references, scan

CONFIG = """\
messages:
  - {role: system, file: bot/system.j2}
  - role: user
    content: |
      {% include "shared/greet.j2" %}
      {{ message }}
output: {schema: bot/output.schema.json}
retrieval:
  corpus: ["../corpora/help/*.md", ../corpora/faq.md]
  query: "{% include 'bot/query.j2' %}"
tools: [bot/lookup.json]
guardrails: {input: [pii, injection], output: [pii]}
evaluation:
  dataset: ../evals/bot.jsonl
  scorers:
    shape: {use: json_schema, schema: bot/shape.json}
    helpful: {use: judge, judge: ../judges/helpful.yaml}
"""


def _paths(found: References) -> list[tuple[str, str, bool]]:
    return [(item.path, item.role, item.glob) for item in found.items]


def test_every_field_that_names_a_file_is_found() -> None:
    expected = [
        ("team/prompts/bot/system.j2", "message", False),
        ("team/prompts/bot/output.schema.json", "output_schema", False),
        ("team/corpora/help/*.md", "corpus", True),
        ("team/corpora/faq.md", "corpus", False),
        ("team/prompts/bot/lookup.json", "tool", False),
        ("team/guardrails/pii.yaml", "guardrail", False),
        ("team/guardrails/injection.yaml", "guardrail", False),
        ("team/guardrails/pii.yaml", "guardrail", False),
        ("team/evals/bot.jsonl", "dataset", False),
        ("team/prompts/bot/shape.json", "scorer_schema", False),
        ("team/judges/helpful.yaml", "judge", False),
        ("team/prompts/shared/greet.j2", "include", False),
        ("team/prompts/bot/query.j2", "include", False),
    ]
    found = references("team/prompts/bot.yaml", CONFIG.encode(), "config", "team")
    assert (expected, ()) == (_paths(found), found.problems)


def test_the_rules_of_a_pack_name_judges_and_schemas() -> None:
    pack = b"""rules:
  topic: {use: judge, judge: ../judges/topic.yaml, label: off}
  shape: {use: json_schema, schema: pii/shape.json}
  inline: {use: json_schema, schema: {type: object}}
  words: {use: banned, texts: [judge.yaml]}
"""
    found = references("team/guardrails/pii.yaml", pack, "guardrail", "team")
    assert [
        ("team/judges/topic.yaml", "judge", False),
        ("team/guardrails/pii/shape.json", "guardrail_schema", False),
    ] == _paths(found)


def test_a_judge_and_a_pack_are_read_like_a_config_and_other_roles_name_nothing() -> None:
    assert references("a/b.yaml", CONFIG.encode(), "config").items == references("a/b.yaml", CONFIG.encode(), "judge").items
    assert references("a/b.yaml", CONFIG.encode(), "config").items == references("a/b.yaml", CONFIG.encode(), "guardrail").items
    for role in ("dataset", "corpus", "tool", "output_schema", "scorer_schema", "guardrail_schema"):
        assert References() == references("a/b.yaml", CONFIG.encode(), role)  # type: ignore[arg-type]


def test_includes_are_relative_to_the_template_that_includes() -> None:
    found = references("prompts/bot/system.j2", b"{% include '../shared/./tone.j2' %}{% include 'more.j2' %}", "include")
    assert [("prompts/shared/tone.j2", "include", False), ("prompts/bot/more.j2", "include", False)] == _paths(found)


@pytest.mark.parametrize(
    ("field", "pointer", "message"),
    [
        ("messages: [{file: ../../x.j2}]", "$.messages[0].file", "leaves the repository"),
        ("messages: [{file: /etc/passwd}]", "$.messages[0].file", "relative path"),
        ("messages: [{file: 'a\\b.j2'}]", "$.messages[0].file", "relative path"),
        ("messages: [{file: ''}]", "$.messages[0].file", "relative path"),
        ("messages: [{file: ..}]", "$.messages[0].file", "folder"),
        ("messages: [{file: x.jsonl}]", "$.messages[0].file", "data file"),
        ("evaluation: {scorers: {h: {judge: x.txt}}}", "$.evaluation.scorers.h.judge", "a judge is a .yaml file"),
        ("evaluation: {dataset: [a.jsonl, ../../b]}", "$.evaluation.dataset[1]", "leaves the repository"),
        ("messages: [{content: '{% include name %}'}]", "$.messages[0].content", "static includes"),
        ("messages: [{content: '{% include \"../../x\" %}'}]", "$.messages[0].content", "leaves the repository"),
    ],
)
def test_a_name_that_cannot_be_a_file_is_a_problem_at_its_place(field: str, pointer: str, message: str) -> None:
    found = references("prompts/bot.yaml", f"description: x\n{field}\n".encode(), "config")
    (problem,) = found.problems
    assert ("prompts/bot.yaml", 2, pointer) == (problem.path, problem.line, problem.pointer)
    assert message in problem.message


def test_no_name_can_stand_for_bytes_that_are_not_text() -> None:
    (problem,) = references("p/t.j2", b"{% include 'a\\udc80' %}", "message").problems
    assert "surrogate" in problem.message


def test_a_bad_include_of_a_template_has_the_templates_line() -> None:
    (problem,) = references("p/t.j2", b"one\n\n{% include '../../x' %}", "message").problems
    assert ("p/t.j2", 3) == (problem.path, problem.line)


@pytest.mark.parametrize("data", [b"a: [", b"\xff", b"a: 1\na: 2", b"a: !!python/object x", b"- &a [*a]"])
def test_a_file_that_cannot_be_read_names_nothing_and_says_why(data: bytes) -> None:
    found = references("prompts/bot.yaml", data, "config")
    assert () == found.items
    assert ["prompts/bot.yaml"] == [problem.path for problem in found.problems]
    assert found.problems[0].line


@pytest.mark.parametrize(
    "data", [b"", b"# nothing", b"[]", b"messages: {a: b}\ntools: 3\nevaluation: []\nretrieval: x\nguardrails: [a]"]
)
def test_a_config_of_the_wrong_shape_is_left_to_the_schema(data: bytes) -> None:
    assert References() == references("prompts/bot.yaml", data, "config")


def test_a_guardrail_name_is_a_name_and_never_a_path() -> None:
    assert () == references("p/b.yaml", b"guardrails: {input: ['../../x', 'a/b']}", "config").items


def test_only_corpora_and_eval_sets_may_be_patterns() -> None:
    text = b"messages: [{file: 'a*.j2'}]\nretrieval: {corpus: '*.md'}\nevaluation: {dataset: ['e/**']}"
    assert [("p/a*.j2", False), ("p/*.md", True), ("p/e/**", True)] == [
        (item.path, item.glob) for item in references("p/b.yaml", text, "config").items
    ]


@given(st.binary(max_size=200), st.sampled_from(["config", "template", ""]))
def test_no_content_makes_the_scan_crash(data: bytes, syntax: str) -> None:
    found = scan(data, syntax, "x")  # type: ignore[arg-type]
    assert not (found.mentions and not syntax)


def test_equal_contents_scan_alike_wherever_they_are() -> None:
    assert scan(CONFIG.encode(), "config", "a.yaml") == scan(CONFIG.encode(), "config", "other/b.yaml")
