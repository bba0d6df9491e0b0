"""Guardrail packs in trees: resolved with what they name, held to their schema with lines, and how they are measured."""

from __future__ import annotations

from typing import Any

import pytest
from sample_config import FILES, PATH, changed

from llmops_git.configs.digest import digest_of
from llmops_git.configs.load import load_config
from llmops_git.configs.pack_file import PackMeasure, load_pack, pack_files
from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.tree import DictTree
from llmops_git.errors import InvalidInput, Problem

PACK = """\
description: Keeps to the topic.
message: Only orders, please.
rules:
  topic: {use: judge, judge: ../judges/topic.yaml, labels: [off_topic], action: shadow}
  shape: {use: json_schema, schema: shapes/order.json, sides: [output], on_error: block}
  words: {use: banned, texts: [bluebird]}
"""
TOPIC = """\
kind: judge
model: {provider: openai, id: gpt-4.1-mini-2025-04-14}
rubric: Is the output about orders?
scale: {labels: {on_topic: 1, off_topic: 0}}
"""
PACK_FILES = {
    "guardrails/topic.yaml": PACK,
    "guardrails/shapes/order.json": '{"type": "object"}',
    "judges/topic.yaml": TOPIC,
}


def tree_of(files: dict[str, str]) -> DictTree:
    return DictTree({path: text.encode() for path, text in files.items()})


def pack_in(files: dict[str, str], path: str = "guardrails/topic.yaml") -> Any:
    tree = tree_of(files)
    return load_pack(tree, path, load_policy(tree, ""))


def problems_in(files: dict[str, str], path: str = "guardrails/topic.yaml") -> tuple[Problem, ...]:
    with pytest.raises(InvalidInput) as caught:
        pack_in(files, path)
    return caught.value.problems


def test_a_pack_is_resolved_with_its_defaults_its_judge_and_its_schema() -> None:
    pack = pack_in(PACK_FILES)
    topic, shape, words = pack.resolved["rules"]
    assert ("topic", "Only orders, please.", "Keeps to the topic.") == (pack.name, pack.resolved["message"], pack.description)
    assert ("topic", "judge", "shadow", "pass", ["input", "output"]) == tuple(
        topic[key] for key in ("name", "use", "action", "on_error", "sides")
    )
    assert (["on_topic", "off_topic"], ["off_topic"]) == (topic["scale"], topic["labels"])
    assert "gpt-4.1-mini-2025-04-14" == topic["judge"]["model"]["id"]
    assert "about orders" in topic["judge"]["messages"][0]["template"]
    assert ({"type": "object"}, ["output"], "block") == (shape["schema"], shape["sides"], shape["on_error"])
    assert (1.0, ["bluebird"]) == (words["timeout"], words["texts"])
    assert digest_of(pack.resolved) == pack.digest
    assert {"guardrails/topic.yaml", "guardrails/shapes/order.json", "judges/topic.yaml"} == {
        item.path for item in pack.closure
    }


def test_a_config_holds_the_same_pack_and_reads_the_same_files() -> None:
    files = changed(PACK_FILES, ("guardrails: {input: [pii]}", "guardrails: {input: [pii, topic], output: [topic]}"))
    tree = tree_of(files)
    config = load_config(tree, PATH, load_policy(tree, ""))
    unchecked = load_config(tree, PATH, load_policy(tree, ""), check=False)
    pack = pack_in(files)
    assert [pack.resolved] == config.resolved["guardrails"]["output"]
    assert config.digest == unchecked.digest
    roles = {item.path: (item.role, item.via) for item in config.closure if item.via.startswith("guardrails/")}
    assert {
        "guardrails/shapes/order.json": ("guardrail_schema", "guardrails/topic.yaml"),
        "judges/topic.yaml": ("judge", "guardrails/topic.yaml"),
    } == roles


def test_what_describes_or_measures_a_pack_is_not_in_its_digest_and_its_name_is() -> None:
    before = pack_in(PACK_FILES).digest
    described = {**PACK_FILES, "guardrails/topic.yaml": f"{PACK}owner: me\ngate: {{false_alarms: 0.1}}\n"}
    assert before == pack_in(described).digest
    renamed = {**PACK_FILES, "guardrails/other.yaml": PACK}
    assert before != pack_in(renamed, "guardrails/other.yaml").digest
    reordered = PACK.splitlines(keepends=True)
    swapped = "".join([*reordered[:3], reordered[5], *reordered[3:5]])
    assert before != pack_in({**PACK_FILES, "guardrails/topic.yaml": swapped}).digest


def test_suites_are_found_beside_the_pack_or_where_it_says() -> None:
    suites = {f"guardrails/suites/{name}.jsonl": "" for name in ("topic", "topic.more", "topic-else", "other")}
    files = {**PACK_FILES, **suites}
    assert PackMeasure(suites=("guardrails/suites/topic.jsonl", "guardrails/suites/topic.more.jsonl")) == pack_in(files).measure
    files["guardrails/topic.yaml"] = (
        f'{PACK}suites: [suites/other.jsonl]\ngate: {{recall: {{dan: 0.9, "*": 0.5}}, margin: 0.1}}\n'
    )
    assert (
        PackMeasure(suites=("guardrails/suites/other.jsonl",), recall={"dan": 0.9, "*": 0.5}, margin=0.1)
        == pack_in(files).measure
    )
    files["guardrails/topic.yaml"] = f"{PACK}suites: [suites/gone*.jsonl]\n"
    assert [("$.suites[0]", 7)] == [(problem.pointer, problem.line) for problem in problems_in(files)]
    assert () == pack_in(PACK_FILES).measure.suites


def test_the_packs_of_a_repository_are_the_files_of_one_folder() -> None:
    tree = tree_of(
        {"guardrails/a.yaml": "", "guardrails/shapes/b.yaml": "", "guardrails/c.json": "", "team/guardrails/d.yaml": ""}
    )
    assert (["guardrails/a.yaml"], ["team/guardrails/d.yaml"]) == (pack_files(tree), pack_files(tree, "team"))


@pytest.mark.parametrize(
    ("old", "new", "line", "words", "hint"),
    [
        ("use: banned", "use: bannd", 6, "must be one of regex, banned", "did you mean `banned`?"),
        ("texts: [bluebird]", "text: [bluebird]", 6, "unknown key `text`", "did you mean `texts`?"),
        ("action: shadow", "action: redact", 4, "must be one of block, flag, shadow", ""),
        ("[off_topic]", "[of_topic]", 4, "`of_topic` is no label of judges/topic.yaml", "did you mean `off_topic`?"),
        ("../judges/topic.yaml", "../judges/topics.yaml", 4, "no such file", "did you mean `topic.yaml`?"),
        ("shapes/order.json", "shapes/orders.json", 5, "no such file", "did you mean `order.json`?"),
        ("message: Only orders, please.", "name: other", 2, "the name `other` is not that of the file", "name: topic"),
        ("message: Only orders, please.", "mesage: No.", 2, "unknown key `mesage`", "did you mean `message`?"),
    ],
)
def test_what_is_wrong_with_a_pack_is_told_with_its_line(old: str, new: str, line: int, words: str, hint: str) -> None:
    assert old in PACK
    found = problems_in({**PACK_FILES, "guardrails/topic.yaml": PACK.replace(old, new)})
    about = [problem for problem in found if problem.line == line and words in problem.message]
    assert about, [str(problem) for problem in found]
    assert about[0].hint.startswith(hint)


def test_what_is_wrong_with_a_judge_or_a_schema_is_told_where_it_is() -> None:
    aliased = problems_in({**PACK_FILES, "judges/topic.yaml": TOPIC.replace("-2025-04-14", "")})
    assert ["judges/topic.yaml"] == [problem.path for problem in aliased]
    wrong = problems_in({**PACK_FILES, "guardrails/shapes/order.json": '{"type": "objec"}'})
    assert ["guardrails/shapes/order.json"] == [problem.path for problem in wrong]
    guarded = f"{TOPIC}guardrails: {{input: [topic]}}\n"  # a judge that is guarded by the pack that asks it
    assert ["$.guardrails"] == [problem.pointer for problem in problems_in({**PACK_FILES, "judges/topic.yaml": guarded})]
    expecting = f"{TOPIC}reference: expected\n"
    (problem,) = problems_in({**PACK_FILES, "judges/topic.yaml": expecting})
    assert "nothing is expected of a guarded text" in problem.message


def test_scorers_of_guardrails_look_at_packs_and_rules_that_there_are() -> None:
    def told(scorer: str) -> list[str]:
        tree = tree_of(changed(None, ("helpful: {", f"guard: {scorer}\n    helpful: {{")))
        try:
            load_config(tree, PATH, load_policy(tree, ""))
        except InvalidInput as error:
            return [problem.message for problem in error.problems if problem.severity == "error"]
        return []

    assert [] == told("{use: guardrail, pack: pii, rule: email, side: input}")
    assert ["the guardrails have no pack `pi`"] == told("{use: guardrail, pack: pi}")
    assert ["the guardrails have no rule `mail`"] == told("{use: guardrail, pack: pii, rule: mail}")
    assert "guardrails: {input: [pii]}" in FILES[PATH]


def test_a_resolved_config_with_guardrails_is_what_the_bundle_schema_says() -> None:
    from jsonschema import Draft202012Validator

    from llmops_git.configs.schema import load_schema

    files = changed(PACK_FILES, ("guardrails: {input: [pii]}", "guardrails: {input: [pii, topic], output: [topic]}"))
    tree = tree_of(files)
    schema = load_schema("bundle")
    validator = Draft202012Validator({**schema["$defs"]["config"], "$defs": schema["$defs"]})
    resolved = load_config(tree, PATH, load_policy(tree, "")).resolved
    assert [] == [error.message for error in validator.iter_errors(resolved)]
    resolved["guardrails"]["input"][0]["rules"][0].pop("action")  # type: ignore[index]
    assert ["'action' is a required property"] == [error.message for error in validator.iter_errors(resolved)]
