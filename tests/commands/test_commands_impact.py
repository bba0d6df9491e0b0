"""A change that concerns some cases asks only these again, and says so."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from tests.chat_server import Answer, Asked, ChatServer, chat_server, text_answer

CASES = 30  # every third is a German one
CONFIG = """\
name: router
model: {provider: test, id: test-model-2026-01-01, parameters: {temperature: 0, max_tokens: 8}}
inputs: {type: object, required: [message, language], properties: {message: {type: string}, language: {type: string}}}
messages:
  - {role: system, content: "{% if language == 'de' %}GERMAN{% else %}Answer.{% endif %}"}
  - {role: user, content: "{{ message }}"}
evaluation:
  dataset: ../evals/router.jsonl
  scorers:
    queue: {use: exact}
"""


def answer(asked: Asked, number: int) -> Answer:
    """Never the same twice, so that a second reply to the same question would show as a difference."""
    return text_answer("billing" if number % 2 else f"reply {number}", usage={"prompt_tokens": 100, "completion_tokens": 10})


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@contextmanager
def project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A project whose branch `change` edits the German branch of the template."""
    with chat_server(answer) as server:
        (repository / "llmops.yaml").write_text(f"version: 1\nproviders:\n  test: {{api: openai, base_url: {server.url}}}\n")
        (repository / "prices.yaml").write_text("test-model-2026-01-01: {input: 10, output: 100}\n")
        for folder in ("prompts", "evals"):
            (repository / folder).mkdir()
        (repository / "prompts" / "router.yaml").write_text(CONFIG.replace("GERMAN", "Antworte."))
        rows = [
            {"id": f"c{n}", "inputs": {"message": f"message {n}", "language": "en" if n % 3 else "de"}, "expected": "billing"}
            for n in range(CASES)
        ]
        (repository / "evals" / "router.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "first")
        git(repository, "switch", "-qc", "change")
        (repository / "prompts" / "router.yaml").write_text(CONFIG.replace("GERMAN", "Antworte kurz."))
        git(repository, "commit", "-qam", "shorter answers in German")
        monkeypatch.chdir(repository)
        yield server


def evaluated(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    run(["eval", "--format", "json", *arguments])
    return json.loads(capsys.readouterr().out)["configs"][0]["comparisons"][0]


def test_only_the_cases_that_take_the_edited_branch_are_asked_twice(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        comparison = evaluated(capsys)
        assert len(server.asked) == CASES + CASES // 3
    assert (comparison["cases"], comparison["concerned"], comparison["saved_requests"]) == (30, 10, 20)
    assert comparison["saved_usd"] == pytest.approx(20 * (100 * 10 + 10 * 100) / 1e6)
    assert comparison["measured"] == comparison["planned"] == CASES


def test_the_other_cases_differ_by_exactly_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch):
        comparison = evaluated(capsys)
    moved = {case["case"] for case in comparison["flipped"]}
    assert moved
    assert moved <= {f"c{number}" for number in range(0, CASES, 3)}
    assert comparison["scorers"][0]["same"] >= 20


def test_the_terminal_and_the_comment_say_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "10 of 30 cases ask something else than on the base; the rest got one reply for both sides"
    with project(repository, monkeypatch):
        run(["eval", "--output", "run"])
        shown = " ".join(capsys.readouterr().out.split())
    comment = (repository / "run" / "comment.md").read_text().replace("\u00a0", " ")
    assert f"{said}, which saved 20 requests and $0.04" in shown
    assert f"{said}, which saved 20 requests" in comment


def test_where_the_base_is_known_from_its_release_only_the_concerned_cases_are_asked(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        git(repository, "switch", "-q", "main")
        assert run(["release"]) == 0
        shutil.rmtree(repository / ".git" / "llmops-git" / "replies")
        git(repository, "switch", "-q", "change")
        capsys.readouterr()
        before = len(server.asked)
        comparison = evaluated(capsys)
        asked = server.asked[before:]
    assert len(asked) == CASES // 3
    assert {entry.body["messages"][0]["content"] for entry in asked} == {"Antworte kurz."}
    assert (comparison["concerned"], comparison["saved_requests"], comparison["measured"]) == (10, 20, CASES)
    assert comparison["scorers"][0]["same"] >= 20
