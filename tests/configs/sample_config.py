"""A whole project in a dict: a config that uses everything, its files and a judge."""

from __future__ import annotations

import json

from llmops_git.configs.load import load_config
from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.tree import DictTree
from llmops_git.configs.values import Config
from llmops_git.errors import InvalidInput, Problem

PATH = "prompts/support-router.yaml"
CONFIG = """\
name: support-router
description: Route a customer message to a queue.
owner: support-ml
model:
  provider: openai
  id: gpt-4.1-mini-2025-04-14
  parameters: {temperature: 0, max_tokens: 64}
inputs:
  type: object
  required: [message]
  properties: {message: {type: string}}
messages:
  - {role: system, file: support-router/system.j2}
  - {role: user, content: "{{ message }}"}
output: {schema: support-router/output.schema.json}
retrieval:
  retriever: bm25
  corpus: ["../corpora/help/*.md"]
  query: "{{ message }}"
tools: [support-router/lookup_order.json]
guardrails: {input: [pii]}
evaluation:
  dataset: ../evals/support-router.jsonl
  repeats: {start: 1, max: 5}
  scorers:
    queue: {use: exact, field: queue}
    helpful: {use: judge, judge: ../judges/helpfulness.yaml}
    shape: {use: json_schema, schema: support-router/output.schema.json}
  gate: {queue: {margin: 0.02}}
  budgets: {cost: {max_ratio: 1.10}}
"""
FILES: dict[str, str] = {
    PATH: CONFIG,
    "prompts/support-router/system.j2": (
        "Route the message.\n{% include 'tone.j2' %}\n{% for document in documents %}{{ document.text }}{% endfor %}\n"
    ),
    "prompts/support-router/tone.j2": "Be kind.",
    "prompts/support-router/output.schema.json": '{"type": "object", "properties": {"queue": {"type": "string"}}}',
    "prompts/support-router/lookup_order.json": '{"name": "lookup_order", "description": "Find an order."}',
    "corpora/help/a.md": "how to return",
    "corpora/help/b.md": "how to pay",
    "guardrails/pii.yaml": "description: Personal data.\nrules: {email: {use: pii, kinds: [EMAIL]}}\n",
    "evals/support-router.jsonl": "".join(
        json.dumps({"id": f"c{number}", "inputs": {"message": f"message {number}"}, "expected": "billing"}) + "\n"
        for number in range(3)
    ),
    "judges/helpfulness.yaml": """\
kind: judge
model: {provider: openai, id: gpt-4o-2024-08-06}
messages: [{role: user, content: "Does {{ output }} help with {{ input.message }}?"}]
scale: {labels: {pass: 1, fail: 0}}
""",
}


def changed(files: dict[str, str | None] | None = None, *edits: tuple[str, str], path: str = PATH) -> dict[str, str]:
    """The project with files replaced (None removes one) and texts of one file edited."""
    result = {name: text for name, text in {**FILES, **(files or {})}.items() if text is not None}
    for old, new in edits:
        assert old in result[path], old
        result[path] = result[path].replace(old, new)
    return result


def load(
    files: dict[str, str] | None = None, path: str = PATH, *, root: str = "", check: bool = True, **options: object
) -> Config:
    """The config at `path` of a project in a dict."""
    tree = DictTree(FILES if files is None else files, **options)  # type: ignore[arg-type]
    return load_config(tree, path, load_policy(tree, root), check=check)


def problems(files: dict[str, str], path: str = PATH, **options: object) -> list[Problem]:
    """What is wrong with it."""
    try:
        config = load(files, path, **options)  # type: ignore[arg-type]
    except InvalidInput as error:
        return list(error.problems)
    return list(config.warnings)


def only(files: dict[str, str], path: str = PATH, **options: object) -> Problem:
    """The one thing that is wrong with it."""
    [problem] = problems(files, path, **options)
    return problem
