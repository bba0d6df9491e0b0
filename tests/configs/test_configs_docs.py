"""The examples in the pages of the formats are valid, and the pages name everything there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from llmops_git.configs.cases import parse_cases
from llmops_git.configs.policy_file import BUILT_IN
from llmops_git.configs.schema import load_schema, problems_of
from llmops_git.configs.template_filters import REFUSED, filters
from llmops_git.configs.yaml import parse

FORMATS = Path(__file__).parents[2] / "docs" / "formats"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (FORMATS / page).read_text(), re.DOTALL)


def properties(schema: Any) -> set[str]:
    found = set(schema.get("properties", {})) if isinstance(schema, dict) else set()
    for value in schema.get("properties", {}).values() if isinstance(schema, dict) else ():
        found |= properties(value)
    return found


@pytest.mark.parametrize(
    ("page", "index", "kind"),
    [
        ("config.md", 1, "config"),
        ("config.md", 2, "judge"),
        ("policy.md", 0, "policy"),
        ("policy.md", 1, "prices"),
        ("policy.md", 2, "retirements"),
    ],
)
def test_the_examples_are_valid(page: str, index: int, kind: Any) -> None:
    text = blocks(page, "yaml")[index].replace('"…64 hex digits…"', f'"{"0" * 64}"')
    assert problems_of(kind, parse(text.encode(), page), page) == []


@pytest.mark.parametrize(
    ("page", "schema"),
    [("config.md", "config"), ("policy.md", "policy"), ("policy.md", "retirements"), ("eval-set.md", "case")],
)
def test_a_page_names_every_key_of_its_schema(page: str, schema: str) -> None:
    text = (FORMATS / page).read_text()
    parameters = set(load_schema("config")["properties"]["model"]["properties"]["parameters"]["properties"])
    assert [key for key in sorted(properties(load_schema(schema)) - parameters) if not re.search(rf"\b{key}\b", text)] == []


def test_the_eval_sets_in_the_page_are_one_case() -> None:
    found = [parse_cases(f"a.{ending}", blocks("eval-set.md", language)[0].encode()) for ending, language in
             (("jsonl", "json"), ("csv", "csv"), ("yaml", "yaml"))]  # fmt: skip
    assert [problems for _, problems in found] == [[], [], []]
    assert {(case.id, case.inputs["message"]) for cases, _ in found for case in cases} == {("refund-1", "Where is my refund?")}


def test_the_page_names_every_built_in_provider() -> None:
    text = (FORMATS / "policy.md").read_text()
    assert [name for name in BUILT_IN if f"`{name}`" not in text] == []


def test_a_filter_is_there_or_refused_for_a_reason() -> None:
    from jinja2.filters import FILTERS

    assert set(FILTERS) == {name for name in filters() if name.isidentifier()} - {"measured"} | set(REFUSED)
    assert all(REFUSED.values())
