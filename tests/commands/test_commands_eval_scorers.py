"""`llmops-git eval` with scorers of every kind, slices and budgets, against a server that answers by script."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from llmops_git.cli import run
from tests.chat_server import Asked, chat_server, text_answer

CASES = 24
CONFIG = """\
model: {{provider: test, id: test-model-2026-01-01, parameters: {{temperature: 0, max_tokens: 8}}}}
inputs: {{type: object, required: [message], properties: {{message: {{type: string}}}}}}
messages:
  - {{role: system, content: "{system}"}}
  - {{role: user, content: "{{{{ message }}}}"}}
evaluation:
  dataset: ../evals/help.jsonl
  slices: [refund]
  budgets: {{written: {{max_ratio: 1.5}}}}
  scorers:
    near: {{use: rouge}}
    calm: {{use: contains, any: ["!"], negate: true}}
    helps: {{use: refusal}}
    whole: {{use: finish_reason}}
    all: {{use: weighted, of: {{near: 1, helps: 3}}}}
    written: {{use: tokens, count: output}}
  gate: {{near: {{mode: "off"}}, helps: {{mode: "off"}}}}
"""


def model(asked: Asked, _number: int) -> object:
    """Declines refunds where its prompt says so, and then writes twice as much."""
    system, message = (entry["content"] for entry in asked.body["messages"])
    declines = "declines" in system and "refund" in message
    usage = {"prompt_tokens": 10, "completion_tokens": 20 if "declines" in system else 10, "total_tokens": 30}
    return text_answer("I'm sorry, but I can't help with that." if declines else "Here is what to do.", usage=usage)


def write(folder: Path, system: str) -> None:
    for name in ("prompts", "evals"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "prompts" / "help.yaml").write_text(CONFIG.format(system=system))
    rows = [
        {
            "id": f"c{n}",
            "inputs": {"message": f"{'refund' if n % 4 == 0 else 'parcel'} {n}"},
            "expected": "Here is what to do.",
            "tags": ["refund"] if n % 4 == 0 else [],
        }
        for n in range(CASES)
    ]
    (folder / "evals" / "help.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_change_that_breaks_one_kind_of_case_is_seen_in_its_slice(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with chat_server(model) as server:  # type: ignore[arg-type]
        (repository / "llmops.yaml").write_text(f"providers:\n  test: {{api: openai, base_url: {server.url}}}\n")
        write(repository, "helps")
        subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
        subprocess.run(["git", "commit", "-qm", "first"], cwd=repository, check=True)
        subprocess.run(["git", "switch", "-qc", "change"], cwd=repository, check=True)
        monkeypatch.chdir(repository)
        write(repository, "declines")
        code = run(["eval", "--format", "json"])
        document = json.loads(capsys.readouterr().out)
        shown = run(["eval"])
        text = capsys.readouterr().out
    comparison = document["configs"][0]["comparisons"][0]
    means = {scorer["scorer"]: (scorer["base"], round(scorer["head"], 3)) for scorer in comparison["scorers"]}
    assert means["helps"] == (1, 0.75)
    assert means["calm"] == means["whole"] == (1, 1)
    assert means["all"][1] == pytest.approx((means["near"][1] + 3 * 0.75) / 4, abs=1e-3)
    slices = {(part["tag"], part["scorer"]): (part["cases"], part["base"], part["head"]) for part in comparison["slices"]}
    assert slices["refund", "helps"] == (6, 1, 0)
    assert ("written", 10, 20, "over") in [
        (one["name"], one["base"], one["head"], one["state"]) for one in comparison["ratios"]
    ]
    assert (code, shown) == (1, 1)
    assert "helps \u00b7 refund" in text
    assert "written: 2.00 times the base's" in text
