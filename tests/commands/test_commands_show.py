"""`llmops-git show` and `llmops-git render` in a real repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from llmops_git.cli import run
from llmops_git.configs.schema import load_schema
from tests.history import History

CONFIG = """\
name: helper
description: Answer from the handbook.
owner: docs-team
model: {provider: openai, id: gpt-4.1-mini-2025-04-14, parameters: {temperature: 0}}
inputs:
  required: [message]
  properties: {message: {type: string}, limit: {type: integer}, any: {}}
messages:
  - {role: system, content: "{% include 'tone.j2' %}{% for d in documents %}[{{ d.text }}]{% endfor %}"}
  - {role: user, content: "{{ message }}{% if limit is defined %} (at most {{ limit + 1 }}){% endif %}{{ any | default('') }}"}
retrieval: {retriever: bm25, corpus: ["../docs/*.md"], query: "{{ message }}", top_k: 1}
evaluation: {dataset: ../evals/helper.jsonl, scorers: {same: {use: exact}, right: {use: contains, any: yes}}}
"""
FILES = {
    "prompts/helper.yaml": CONFIG,
    "prompts/tone.j2": "Be brief. ",
    "docs/a.md": "Returns take thirty days.",
    "docs/b.md": "Shipping is free.",
    "evals/helper.jsonl": '{"id": "returns", "inputs": {"message": "How long do returns take?"}}\n{"id": "ship", "inputs": {"message": "shipping?"}}\n',
}


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    history = History(tmp_path / "repository.git", bare=True)
    history.commit(FILES)
    monkeypatch.chdir(history.folder)
    return history


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    code = run(list(arguments))
    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    return said.out


def failure(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 2
    return capsys.readouterr().err


def test_show_has_digests_the_files_with_their_roles_and_the_resolved_value(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    out = output(capsys, "show", "helper")
    document = json.loads(output(capsys, "show", "helper", "--format", "json"))
    Draft202012Validator(load_schema("show")).validate(document)
    for digest in ("digest", "closure_digest", "eval_digest"):
        assert document[digest] in out
    assert "  include  prompts/tone.j2      from prompts/helper.yaml\n" in out
    assert "2 cases; scorers: same (exact), right (contains)" in out
    assert json.loads(out[out.index("\nresolved\n") + 10 :]) == document["resolved"]
    assert [(item["role"], item["path"]) for item in document["closure"]] == [
        ("corpus", "docs/a.md"), ("corpus", "docs/b.md"), ("dataset", "evals/helper.jsonl"), ("config", "prompts/helper.yaml"),
        ("include", "prompts/tone.j2"),
    ]  # fmt: skip


def test_show_takes_a_path_and_a_revision(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    first = history.tip("refs/heads/main")
    history.commit({"prompts/helper.yaml": CONFIG.replace("temperature: 0", "temperature: 1")})
    by_name = json.loads(output(capsys, "show", "helper", "--format", "json"))
    by_path = json.loads(output(capsys, "show", "prompts/helper.yaml", "--format", "json"))
    before = json.loads(output(capsys, "show", "helper", "--ref", first or "", "--format", "json"))
    assert by_name == by_path
    assert (by_name["resolved"]["model"]["parameters"], before["resolved"]["model"]["parameters"]) == (
        {"temperature": 1},
        {"temperature": 0},
    )


def test_an_unknown_name_is_met_with_the_nearest(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    assert "did you mean `helper`?" in failure(capsys, "show", "helpr")
    assert "the configs are: helper" in failure(capsys, "show", "zzz")
    assert "prompts/zzz.yaml is not in commit" in failure(capsys, "show", "prompts/zzz.yaml")


def test_show_says_what_is_wrong_with_a_broken_config(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    history.commit({"prompts/helper.yaml": CONFIG.replace("owner", "ownr")})
    assert "prompts/helper.yaml:3:1: $.ownr unknown key `ownr`" in failure(capsys, "show", "helper")


def test_render_shows_the_messages_of_a_case_with_the_documents_found(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    out = output(capsys, "render", "helper", "--case", "returns")
    assert out == "--- system\nBe brief. [Returns take thirty days.]\n--- user\nHow long do returns take?\n"


def test_render_takes_inputs_by_hand_as_the_contract_types_them(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    out = output(
        capsys, "render", "helper", "--set", "message=5", "--set", "limit=3", "--set", 'any={"a": [1]}', "--format", "json"
    )
    document = json.loads(out)
    Draft202012Validator(load_schema("render")).validate(document)
    assert document["inputs"] == {"message": "5", "limit": 3, "any": {"a": [1]}}
    assert document["messages"][1]["content"] == "5 (at most 4){'a': [1]}"
    assert document["documents"] == []


def test_inputs_by_hand_go_over_those_of_the_case(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    out = output(capsys, "render", "helper", "--case", "ship", "--set", "limit=1", "--set", "any=x = y")
    assert out.endswith("--- user\nshipping? (at most 2)x = y\n")
    assert "[Shipping is free.]" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "`message` is missing"),
        (["--set", "message=x", "--set", "limit=many"], "inputs.limit must be a whole number, not `many`"),
        (["--set", "mesage=x"], "did you mean `message`?"),
        (["--set", "message"], "write NAME=VALUE"),
        (["--case", "return"], "did you mean `returns`?"),
        (["--case", "zzz"], "the first ones are: returns, ship"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    history: History, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert words in failure(capsys, "render", "helper", *arguments)


def test_control_characters_in_a_message_do_not_reach_the_terminal(
    history: History, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "\x1b[31mred\u202e"
    assert "--- user\n\\x1b[31mred\\u202e\n" in output(capsys, "render", "helper", "--set", f"message={text}")
    out = output(capsys, "render", "helper", "--set", f"message={text}", "--format", "json")
    assert json.loads(out)["messages"][1]["content"] == text
    assert "\u202e" not in out
