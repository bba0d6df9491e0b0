"""`llmops-git trace` after a real evaluation of a config with tools, with a real server for the model and one for a stub."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from llmops_git.configs.schema import load_schema
from llmops_git.configs.user_schema import value_problems
from tests.chat_server import Answer, Asked, ChatServer, chat_server, completion, text_answer

CONFIG = """\
name: agent
model: {{provider: test, id: test-model-2026-01-01, parameters: {{temperature: 0, max_tokens: 64}}}}
inputs: {{type: object, required: [message], properties: {{message: {{type: string}}}}}}
messages:
  - {{role: system, content: "{system}"}}
  - {{role: user, content: "{{{{ message }}}}"}}
tools: [{{name: lookup_order, parameters: {{type: object, properties: {{id: {{type: integer}}}}}}}}]
max_steps: 3
evaluation:
  dataset: ../evals/agent.jsonl
  scorers: {{answer: {{use: exact}}}}
"""
CASES = [
    {
        "id": "order-late",
        "inputs": {"message": "Where is order 7?"},
        "expected": "shipped",
        "tools": [{"name": "lookup_order", "arguments": {"id": 7}, "result": {"status": "shipped"}}],
    },
    {"id": "order-lost", "inputs": {"message": "Where is order 8? \u202e\x1b[2J\n::error::x"}, "expected": "lost"},
]


def model(asked: Asked, _number: int) -> Answer:
    """Looks an order up, and says what came of it; told to guess, it looks up the wrong one."""
    system, user, *rest = asked.body["messages"]
    if rest:
        return text_answer(json.loads(rest[-1]["content"])["status"])
    number = 9 if "guess" in system["content"] else int(user["content"].split("?")[0].split()[-1])
    call = {
        "id": f"drawn{_number}",
        "type": "function",
        "function": {"name": "lookup_order", "arguments": f'{{"id": {number}}}'},
    }
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return Answer(body=completion(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}]))


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def write(folder: Path, system: str) -> None:
    (folder / "prompts").mkdir(exist_ok=True)
    (folder / "prompts" / "agent.yaml").write_text(CONFIG.format(system=system))


@contextmanager
def evaluated(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ChatServer, ChatServer]]:
    """A change that guesses, evaluated: the servers of the model and of the stub."""
    with chat_server(model) as server, chat_server(lambda *_: Answer(body=b'{"status": "lost"}')) as stub:
        (repository / "llmops.yaml").write_text(
            f"version: 1\nproviders:\n  test: {{api: openai, base_url: {server.url}, stream: false}}\n"
            f"tools:\n  lookup_order: {{url: {stub.url}, key_env: STUB_KEY}}\n"
        )
        write(repository, "Look it up.")
        (repository / "evals").mkdir()
        (repository / "evals" / "agent.jsonl").write_text("".join(json.dumps(case) + "\n" for case in CASES))
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "first")
        git(repository, "switch", "-qc", "change")
        write(repository, "Just guess.")
        git(repository, "commit", "-qam", "guess")
        monkeypatch.chdir(repository)
        monkeypatch.setenv("STUB_KEY", "stub-secret-1")
        run(["eval"])
        yield server, stub


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    code = run(["trace", "last", *arguments])
    captured = capsys.readouterr()
    assert 0 == code, captured.err
    return captured.out


def test_both_sides_are_shown_step_by_step(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    with evaluated(repository, monkeypatch) as (server, stub):
        text = shown(capsys, "order-late")
        assert [{"id": 9}, {"id": 9}, {"id": 8}] == sorted(
            (asked.body["arguments"] for asked in stub.asked), key=lambda arguments: -arguments["id"]
        )
        assert 8 == len(server.asked)
    base, head = text.split("\n\n")
    assert 'calls: lookup_order({"id": 7})' in base
    assert 'result: {"status": "shipped"}' in base
    assert "execute_tool lookup_order  0 ms  recorded" in base
    assert "scores: answer 1" in base
    assert 'calls: lookup_order({"id": 9})' in head
    assert "from a stub" in head
    assert "answers: lost" in head
    assert max(map(len, text.splitlines())) <= 100


def test_one_side_as_json_fits_its_schema(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with evaluated(repository, monkeypatch):
        document: Any = json.loads(shown(capsys, "order-late", "--side", "head", "--format", "json"))
    assert [] == value_problems(load_schema("trace"), document)
    (sample,) = document["samples"]
    assert ("head", ["chat", "execute_tool", "chat"]) == (sample["side"], [step["name"].split()[0] for step in sample["steps"]])
    assert '{"status": "lost"}' == sample["steps"][1]["attributes"]["gen_ai.tool.call.result"]


def test_text_of_strangers_moves_no_cursor_and_commands_no_runner(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with evaluated(repository, monkeypatch):
        text = shown(capsys, "order-lost", "--full")
    assert "\\x1b[2J" in text
    assert not {"\x1b", "\u202e"} & set(text)
    assert [] == [line for line in text.splitlines() if line.lstrip().startswith("::")]


def test_a_key_is_in_no_file_of_the_run(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with evaluated(repository, monkeypatch):
        files = [Path(folder, name) for folder, _, names in os.walk(repository / ".llmops") for name in names]
    assert 4 <= len(files)
    assert [] == [file for file in files if b"stub-secret-1" in file.read_bytes()]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["last", "no-such"], "holds no trace of case `no-such`, repeat 0"),
        (["last", "order-late", "--repeat", "3"], "holds no trace of case `order-late`, repeat 3"),
        (["nowhere", "order-late"], "nowhere/report.json: No such file or directory"),
    ],
)
def test_what_is_not_there_is_said(
    arguments: list[str], said: str, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with evaluated(repository, monkeypatch):
        capsys.readouterr()
        assert 2 == run(["trace", *arguments])
    assert said in capsys.readouterr().err


def test_a_plan_says_what_it_cannot_know(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with evaluated(repository, monkeypatch):
        write(repository, "Look again.")
        capsys.readouterr()
        run(["eval", "--plan"])
    assert "and at most 6 more where the model calls tools" in capsys.readouterr().err


def test_the_page_shows_the_steps_of_both_sides_and_where_they_part(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with evaluated(repository, monkeypatch):
        capsys.readouterr()
        assert 0 == run(["report", "--format", "html"])
        page = capsys.readouterr().out
        folder = next((repository / ".llmops" / "runs").iterdir())
        (folder / "traces.jsonl").unlink()
        assert 0 == run(["report", "--format", "html"])
        assert "Steps:" not in capsys.readouterr().out
    (keep := repository.parent / "page.html").write_text(page)
    assert keep.exists()
    assert "Steps: 3 on the base, 3 here; they first differ in step 1" in page
    assert 2 == page.count("The first step that differs"), "of both cases, once each"
    assert "execute_tool lookup_order" in page
    assert "\x1b" not in page
