"""docs/judges.md: its judges load, its table names every key, and what it says of requests is what is asked."""

from __future__ import annotations

import re
from pathlib import Path

from ruamel.yaml import YAML

from llmops_git.configs.judge_prompts import ASKED
from llmops_git.configs.load import load_config
from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.schema import load_schema
from llmops_git.configs.tree import DictTree

PAGE = (Path(__file__).parents[2] / "docs" / "judges.md").read_text()
JUDGES = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if block.startswith("kind: judge")]


def test_the_judges_of_the_page_load() -> None:
    assert 3 == len(JUDGES)
    for text in JUDGES:
        tree = DictTree({"judges/solved.yaml": text})
        config = load_config(tree, "judges/solved.yaml", load_policy(tree, ""))
        assert bool(config.scale) == ("rubric" in text)


def test_the_table_names_every_key_that_only_judges_have() -> None:
    schema = load_schema("config")
    only = {name for name, rule in schema["else"]["properties"].items() if "not" in rule} | {"messages"}
    table = PAGE.partition("| key |")[2].partition("\n\n")[0]
    assert only == set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_the_page_says_how_many_requests_each_scorer_makes() -> None:
    said = dict(re.findall(r"^\| `(\w+)` \|.*\| (?:1 or )?(\d) \|$", PAGE, re.MULTILINE))
    assert {use: str(len(words)) for use, words in ASKED.items()} == said


def test_the_yaml_of_the_page_is_yaml() -> None:
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        assert YAML(typ="safe").load(block)
