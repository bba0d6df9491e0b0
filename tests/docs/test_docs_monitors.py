"""The rules in the pages about monitors are rules, and the pages name every metric and dimension there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.schema import load_schema
from llmops_git.configs.tree import DictTree
from llmops_git.monitoring.dimensions import DIMENSIONS
from llmops_git.monitoring.metrics import CATEGORIES, METRICS, NUMBERS, TEXTS
from llmops_git.monitoring.rule_files import read_rules

DOCS = Path(__file__).parents[2] / "docs"
POLICY = 'version: 1\nwebhooks: {ops: {url: "https://hooks.example.com/x"}}\n'
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


def blocks(page: str) -> list[str]:
    return [text for text in BLOCK.findall((DOCS / page).read_text()) if "rules:" in text]


@pytest.mark.parametrize("page", ["monitors.md", "formats/monitor.md"])
def test_the_rules_of_a_page_are_right(page: str) -> None:
    assert blocks(page)
    for text in blocks(page):
        files = {"llmops.yaml": POLICY, "monitors/live.yaml": text, "docs/rollback.md": "", "docs/runbooks/faithfulness.md": ""}
        tree = DictTree(files)
        rules, problems = read_rules(tree, load_policy(tree, ""))
        assert ([], True) == (problems, bool(rules))


def test_the_format_names_every_metric_dimension_and_key() -> None:
    page = (DOCS / "formats" / "monitor.md").read_text()
    families = {re.sub(r"p(50|95|99)$", "p50", name) for name in METRICS}
    missing = [name for name in (*families, *DIMENSIONS, *NUMBERS, *CATEGORIES, *TEXTS) if name not in page]
    assert [] == missing
    rule = load_schema("monitor")["properties"]["rules"]["items"]["properties"]
    assert [] == [key for key in (*rule, *rule["compare"]["properties"]) if f"`{key}`" not in page and f"{key}:" not in page]


def test_the_policy_of_the_page_is_one() -> None:
    (text,) = [text for text in BLOCK.findall((DOCS / "monitors.md").read_text()) if "traces: {store" in text]
    policy = load_policy(DictTree({"llmops.yaml": text}), "")
    assert ("s3://acme-traces/support", "OPS_HOOK_KEY") == (policy.trace_store, policy.webhooks["ops"].key_env)
