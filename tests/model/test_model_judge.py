"""The real model as judge. It is far too small to judge well: this is about the plumbing, and never about quality."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from llmops_git.cli import run

CONFIG = """\
model: {provider: local, id: smollm2-135m-instruct-q4_1, parameters: {temperature: 0, max_tokens: 12}}
inputs: {properties: {message: {type: string}}}
messages: [{role: user, content: "PROMPT {{ message }}"}]
evaluation:
  dataset: ../evals/greeter.jsonl
  scorers:
    kind: {use: judge, judge: ../judges/kind.yaml}
    relevant: {use: answer_relevance, judge: ../judges/kind.yaml}
"""
JUDGE = """\
kind: judge
model: {provider: local, id: smollm2-135m-instruct-q4_1, parameters: {temperature: 0, max_tokens: 200}}
rubric: Is the answer kind?
scale: binary
"""


@pytest.mark.model
@pytest.mark.slow
def test_a_real_model_is_asked_by_schema_and_its_label_is_the_score(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": name, "inputs": {"message": name}} for name in ("Ann", "Bob")]
    files = {
        "prompts/greeter.yaml": CONFIG.replace("PROMPT", "Greet"),
        "judges/kind.yaml": JUDGE,
        "evals/greeter.jsonl": "".join(json.dumps(row) + "\n" for row in rows),
    }
    for path, text in files.items():
        (repository / path).parent.mkdir(exist_ok=True)
        (repository / path).write_text(text)
    subprocess.run(["git", "add", "-A"], cwd=repository, check=True)
    subprocess.run(["git", "commit", "-qm", "first"], cwd=repository, check=True)
    (repository / "prompts" / "greeter.yaml").write_text(CONFIG.replace("PROMPT", "Greet warmly"))
    monkeypatch.chdir(repository)
    run(["eval", "--format", "json", "--base", "HEAD"])
    document = json.loads(capsys.readouterr().out)
    assert "greeter" in json.dumps(document["configs"])
    [folder] = (repository / ".llmops" / "runs").iterdir()
    runs = json.loads((folder / "run.json").read_text())["runs"]
    scores = [(name, score) for one in runs for sample in one["samples"] for name, score in sample["scores"].items()]
    assert 2 * 2 * 2 == len(scores)
    for name, score in scores:
        [judgement] = score["judgements"]
        if score["state"] == "not_measured":  # cut off by max_tokens: said so, and kept
            assert "judge" == score["label"]
            continue
        said = json.loads(judgement["reply"])
        assert (said["label"], said["reasoning"][:2000]) == (score["label"], score.get("explanation", ""))
        assert (
            score["value"]
            == {"kind": {"pass": 1, "fail": 0}, "relevant": {"full": 1, "partial": 0.5, "none": 0}}[name][said["label"]]
        )
    assert any(score["state"] == "measured" for _, score in scores)
