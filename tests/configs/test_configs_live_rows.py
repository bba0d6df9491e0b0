"""Rows are added to an eval set, and nothing else of any file changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmops_git.configs.cases import read_cases
from llmops_git.configs.live_rows import edits_for, target_of, with_label, with_rows
from llmops_git.configs.load import load_config
from llmops_git.configs.policy_file import load_policy
from llmops_git.configs.tree import DictTree
from llmops_git.configs.values import Config
from llmops_git.errors import InvalidInput

ROW: dict[str, Any] = {"id": "live-1", "inputs": {"message": "hi"}, "needs_label": True}
CONFIG = """\
# a comment
model: {{provider: local, id: smollm2-135m-instruct-q4_1}}
inputs: {{properties: {{message: {{type: string}}}}}}
messages: [{{role: user, content: "{{{{ message }}}}"}}]
evaluation:
  dataset: {dataset}   # where the cases are
  scorers: {{same: {{use: exact}}}}
"""
CSV = "id,message,expected\na,x,y\n"
LINE = '{"inputs": {"message": "x"}}\n'


def loaded(dataset: str, files: dict[str, str]) -> tuple[Config, dict[str, bytes]]:
    contents = {"prompts/one.yaml": CONFIG.format(dataset=dataset), **files}
    data = {path: text.encode() for path, text in contents.items()}
    tree = DictTree(data)
    return load_config(tree, "prompts/one.yaml", load_policy(tree, "")), data


def edited(dataset: str, files: dict[str, str]) -> dict[str, bytes]:
    config, data = loaded(dataset, files)
    return edits_for(config, data["prompts/one.yaml"], data, [ROW])


def test_a_row_is_a_line_at_the_end() -> None:
    edits = edited("../evals/a.jsonl", {"evals/a.jsonl": LINE})
    assert {"evals/a.jsonl": (LINE + json.dumps(ROW) + "\n").encode()} == edits


def test_a_last_line_without_its_end_stays_a_line_of_its_own() -> None:
    assert (LINE + json.dumps(ROW) + "\n").encode() == with_rows(LINE.strip().encode(), [ROW])


@pytest.mark.parametrize(
    ("dataset", "paths", "target"),
    [
        ("../evals/*.jsonl", ["evals/a.jsonl", "evals/b.jsonl"], "evals/a.jsonl"),
        ("../evals/*.jsonl", ["evals/a.jsonl", "evals/b-live.jsonl"], "evals/b-live.jsonl"),
        ("[../evals/a.csv, ../evals/z.jsonl]", ["evals/a.csv", "evals/z.jsonl"], "evals/z.jsonl"),
        ("../evals/a.csv", ["evals/a.csv"], "evals/a-live.jsonl"),
    ],
)
def test_rows_go_to_a_file_of_lines(dataset: str, paths: list[str], target: str) -> None:
    ids = {
        path: CSV.replace("\na,", f"\n{number},")
        if path.endswith(".csv")
        else f'{{"id": "{number}", "inputs": {{"message": "x"}}}}\n'
        for number, path in enumerate(paths)
    }
    assert target == target_of(loaded(dataset, ids)[0])


@pytest.mark.parametrize(
    ("dataset", "wanted"),
    [
        ("../evals/a.csv", '["../evals/a.csv", "../evals/a-live.jsonl"]'),
        ("'../evals/a.csv'", '["../evals/a.csv", "../evals/a-live.jsonl"]'),
        ("../evals/*.csv", '["../evals/*.csv", "../evals/a-live.jsonl"]'),
    ],
)
def test_without_one_a_file_beside_it_is_named_in_the_config(dataset: str, wanted: str) -> None:
    edits = edited(dataset, {"evals/a.csv": CSV})
    assert {"evals/a-live.jsonl", "prompts/one.yaml"} == set(edits)
    assert CONFIG.format(dataset=wanted).encode() == edits["prompts/one.yaml"]
    tree = DictTree({"evals/a.csv": CSV.encode(), **edits})
    evaluation = load_config(tree, "prompts/one.yaml", load_policy(tree, "")).evaluation
    assert evaluation is not None
    assert (["a"], ["live-1"]) == ([case.id for case in evaluation.cases], [case.id for case in evaluation.unlabelled])


def test_a_glob_that_covers_the_new_file_stays() -> None:
    assert ["evals/a-live.jsonl"] == list(edited("../evals/*", {"evals/a.csv": CSV}))


@pytest.mark.parametrize("dataset", ["[../evals/a.csv]", "&files ../evals/a.csv"])
def test_what_cannot_be_edited_in_place_is_refused_with_what_to_write(dataset: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        edited(dataset, {"evals/a.csv": CSV})
    [problem] = caught.value.problems
    assert (6, 'dataset: ["../evals/a.csv", "../evals/a-live.jsonl"]') == (problem.line, problem.hint)


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\u202egnp.exe", "a\x7f\x85b", "\ufeff", "\U000e0041", "日本語　です", "👩\u200d🚀"]
)
def test_every_character_of_a_row_can_be_seen_and_is_read_again(text: str) -> None:
    data = with_rows(b"", [{"inputs": {"message": text}}])
    assert data.decode().strip().isprintable()
    file = read_cases("a.jsonl", data)
    assert ((), [text]) == (file.problems, [case.inputs["message"] for case in file.cases])


def test_a_label_changes_its_row_and_no_other_byte() -> None:
    other = '{"id":  "a",   "inputs": {}}\n\n{"id": "live-1", "inputs": {}, "expected": "mine"}\n'
    row = '{"id": "live-1", "inputs": {"m": 1}, "tags": ["live"], "needs_label": true, "observed": "x"}'
    data = f"{other}{row}\n{other}".encode()
    labelled = '{"id": "live-1", "inputs": {"m": 1}, "expected": {"queue": "b"}, "tags": ["live"], "observed": "x"}'
    assert f"{other}{labelled}\n{other}".encode() == with_label(data, "live-1", {"expected": {"queue": "b"}})
    assert f"{other}{other}".encode() == with_label(data, "live-1", None)
    assert data == with_label(data, "live-2", None) == with_label(data, "a", None)
    assert b"not json\n" == with_label(b"not json\n", "live-1", None)
