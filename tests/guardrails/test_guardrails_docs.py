"""docs/guardrails.md is true: every example in it is run, and table, schema and page name the same checks and options."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from guard_material import verdict
from ruamel.yaml import YAML

from llmops_git.configs.schema import problems_of
from llmops_git.configs.yaml import parse
from llmops_git.guardrails.injection_rules import FAMILIES
from llmops_git.guardrails.packs import MESSAGE, pack_of
from llmops_git.guardrails.pii_kinds import KINDS
from llmops_git.guardrails.table import CHECKS

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/guardrails.md").read_text()
SCHEMA = json.loads((ROOT / "schemas/guardrail.schema.json").read_text())
RULES = SCHEMA["$defs"]["rule"]["allOf"]
SECTIONS = {
    name: text
    for name, text in re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", DOCUMENT, flags=re.MULTILINE | re.DOTALL)
    if name in CHECKS
}
HEAVY = "presidio"  # its examples are run with the other large products


def _example(name: str, index: int, block: str) -> Any:
    example = YAML(typ="safe").load(block)
    marks = [pytest.mark.backends] if HEAVY in json.dumps(example["rule"]) else []
    return pytest.param(name, index, example, id=f"{name}-{index}", marks=marks)


EXAMPLES = [
    _example(name, index, block)
    for name, text in SECTIONS.items()
    for index, block in enumerate(re.findall(r"```yaml\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL))
]
COMMON = {"use", "action", "on_error", "sides", "timeout"}


class Replies:
    """A judge that gives one reply, about the text it is asked about."""

    def __init__(self, reply: str) -> None:
        self.reply = reply

    def generate(self, judge: Any, text: str) -> str:
        assert text
        assert judge["messages"]
        return self.reply


@pytest.mark.parametrize(("name", "index", "example"), EXAMPLES)
def test_the_example_comes_to_what_is_printed(name: str, index: int, example: Any) -> None:
    rule = {"name": "rule", **example["rule"]}
    assert name == rule["use"]
    file = parse(json.dumps({"rules": {"rule": example["rule"]}}).encode(), "guardrails/a.yaml")
    assert [] == problems_of("guardrail", file, "guardrails/a.yaml")
    session = None
    if name == "judge":
        rule |= {"judge": example["judge"], "scale": example["judge"]["labels"], "labels": [rule["label"]]}
        session = Replies(example["reply"])
    found = verdict(example["text"], pack_of({"name": "a", "message": MESSAGE, "rules": [rule]}, "input"), session=session)
    (result,) = found.results
    assert (example["outcome"], "") == (result.outcome, result.reason)
    assert example["becomes"] == found.text
    if "labels" in example:
        assert sorted(example["labels"]) == sorted({finding.label for finding in result.findings})


def test_table_schema_and_page_name_the_same_checks() -> None:
    enum = SCHEMA["$defs"]["rule"]["properties"]["use"]["else"]["enum"]
    assert set(enum) == set(CHECKS) == set(SECTIONS) == {param.values[0] for param in EXAMPLES}


def test_every_option_of_the_schema_is_documented() -> None:
    for rule in RULES:
        if "const" not in rule["if"]["properties"]["use"]:
            continue  # another package's
        name = rule["if"]["properties"]["use"]["const"]
        documented = set(re.findall(r"^\| `(\w+)` \|", SECTIONS[name], flags=re.MULTILINE))
        assert set(rule["then"]["properties"]) - COMMON == documented, name


def test_the_schema_names_the_kinds_and_families_that_there_are() -> None:
    text = json.dumps(SCHEMA)
    assert json.dumps(list(KINDS)) in text
    assert json.dumps(list(FAMILIES)) in text
    for name in (*KINDS, *FAMILIES):
        assert f"`{name}`" in DOCUMENT


def test_the_page_names_every_key_of_packs_and_rules() -> None:
    for key in (*SCHEMA["properties"], *COMMON - {"use"}, *SCHEMA["$defs"]["action"]["enum"]):
        assert f"`{key}`" in DOCUMENT


def test_the_pack_on_the_page_is_valid() -> None:
    block = next(block for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT, flags=re.DOTALL) if "suites:" in block)
    assert [] == problems_of("guardrail", parse(block.encode(), "guardrails/a.yaml"), "guardrails/a.yaml")
