"""More repeats while a verdict is open, or never: as the policy says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from llmops_git.cli import run
from tests.chat_server import Answer, Asked, chat_server, text_answer

CASES = 40
CONFIG = """\
name: router
model: {provider: test, id: test-model-2026-01-01, parameters: {temperature: 0, max_tokens: 8}}
inputs: {type: object, required: [message], properties: {message: {type: string}}}
messages: [{role: system, content: "SYSTEM"}, {role: user, content: "{{ message }}"}]
evaluation:
  dataset: ../evals/router.jsonl
  repeats: {start: 1, max: 3}
  scorers:
    queue: {use: exact}
"""


def answer(asked: Asked, _number: int) -> Answer:
    """The base is right for all cases but 12, the head for all but 14, some of which are others: nobody knows from this."""
    system, message = (entry["content"] for entry in asked.body["messages"])
    number = int(message.split()[-1])
    wrong = number % 10 < 3 if system == "first" else number % 10 in {0, 3, 6} or number < 5
    return text_answer("no idea" if wrong else "billing")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(("escalate", "asked"), [("true", 2 * 3 * CASES), ("false", 2 * CASES)])
def test_an_open_verdict_is_looked_at_again_unless_the_policy_forbids_it(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], escalate: str, asked: int
) -> None:
    with chat_server(answer) as server:
        policy = f"version: 1\nproviders:\n  test: {{api: openai, base_url: {server.url}}}\ngate: {{escalate: {escalate}}}\n"
        (repository / "llmops.yaml").write_text(policy)
        for folder in ("prompts", "evals"):
            (repository / folder).mkdir()
        rows = [{"id": f"c{n}", "inputs": {"message": f"message {n}"}, "expected": "billing"} for n in range(CASES)]
        (repository / "evals" / "router.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (repository / "prompts" / "router.yaml").write_text(CONFIG.replace("SYSTEM", "first"))
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "first")
        git(repository, "switch", "-qc", "change")
        (repository / "prompts" / "router.yaml").write_text(CONFIG.replace("SYSTEM", "second"))
        monkeypatch.chdir(repository)
        run(["eval", "--format", "json"])
        document = json.loads(capsys.readouterr().out)
        assert len(server.asked) == asked
    (scorer,) = document["configs"][0]["comparisons"][0]["scorers"]
    assert (scorer["verdict"], scorer["alpha"]) == ("inconclusive", 0.025 if escalate == "true" else 0.05)
