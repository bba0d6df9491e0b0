"""Answers compared in pairs through `llmops-git eval`, `--shard` and `merge`, on a real repository and a scripted server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from llmops_git.cli import run
from llmops_git.configs.schema import validator
from tests.chat_server import Answer, Asked, ChatServer, chat_server, text_answer
from tests.commands.test_commands_eval_judges import git, newest, report, write

CASES = 24
CONFIG = """\
model: {provider: test, id: test-model-2026-01-01, parameters: {temperature: 0, max_tokens: 8}}
inputs: {properties: {message: {type: string}}}
messages:
  - {role: system, content: "SYSTEM"}
  - {role: user, content: "{{ message }}"}
evaluation:
  dataset: ../evals/helper.jsonl
  scorers:
    kinder: {use: pairwise, judge: ../judges/kinder.yaml}
"""
JUDGE = """\
kind: judge
model: {provider: test, id: test-judge-2026-01-01, parameters: {temperature: 0}}
rubric: "Which one is kinder? Both are, or neither is: a tie."
scale: pairwise
examples:
  - {input: {message: m}, first: "No.", second: "No, thank you.", label: second, reasoning: It thanks.}
"""
TIMES = re.compile(r'"(?:started_at|trace_id)": "[^"]*"')


def script(asked: Asked, _number: int) -> Answer:
    """A model that says its system prompt and its message; a judge that likes `please`."""
    messages = asked.body["messages"]
    if not asked.body["model"].startswith("test-judge"):
        return text_answer(" ".join(message["content"] for message in messages))
    shown = json.loads(messages[-1]["content"])
    first, second = ("please" in shown[name] for name in ("first", "second"))
    label = "tie" if first == second else "first" if first else "second"
    return text_answer(json.dumps({"reasoning": f"{label} it is", "label": label}))


@contextmanager
def project(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    with chat_server(script) as server:
        write(repository, "llmops.yaml", f"providers:\n  test: {{api: openai, base_url: {server.url}}}\n")
        write(repository, "prompts/helper.yaml", CONFIG.replace("SYSTEM", "do it"))
        write(repository, "judges/kinder.yaml", JUDGE)
        rows = [{"id": f"c{n}", "inputs": {"message": f"m {n}"}} for n in range(CASES)]
        write(repository, "evals/helper.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "first")
        git(repository, "switch", "-qc", "change")
        monkeypatch.chdir(repository)
        yield server


def judged(server: ChatServer) -> list[Asked]:
    return [asked for asked in server.asked if asked.body.get("model", "").startswith("test-judge")]


@pytest.mark.parametrize(("before", "after", "code", "verdict"), [
    ("do it", "please do it", 0, "improved"), ("please do it", "do it", 1, "regressed"), ("do it", "do it now", 0, "inconclusive"),
])  # fmt: skip
def test_a_change_is_held_to_what_the_judge_prefers(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    before: str, after: str, code: int, verdict: str,
) -> None:  # fmt: skip
    with project(repository, monkeypatch) as server:
        write(repository, "prompts/helper.yaml", CONFIG.replace("SYSTEM", before))
        git(repository, "commit", "-qam", "base", "--allow-empty")
        git(repository, "branch", "-f", "main")
        write(repository, "prompts/helper.yaml", CONFIG.replace("SYSTEM", after))
        assert 0 == run(["eval", "--plan"])
        planned = capsys.readouterr()
        got, document = report(capsys)
        sent = len(server.asked)
        again, second = report(capsys)
        assert sent == len(server.asked), "what was compared is not compared again"
    assert str(2 * CASES) in planned.out + planned.err
    assert (code, verdict, verdict, code) == (got, document["verdict"], second["verdict"], again)
    assert 2 * CASES == len(judged(server))
    first = judged(server)[0].body["messages"]
    assert "Which one is kinder?" in first[0]["content"]
    assert ["system", "user", "assistant", "user"] == [message["role"] for message in first]
    validator("report").validate(document)
    for form in ("text", "markdown", "summary", "junit", "html"):
        capsys.readouterr()
        assert 0 == run(["report", str(newest(repository)), "--format", form])
        assert "kinder" in capsys.readouterr().out


def test_shards_compare_pairs_as_an_unsharded_run_does(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        write(repository, "prompts/helper.yaml", CONFIG.replace("SYSTEM", "please do it"))
        places = [tmp_path / f"shard{number}" for number in (1, 2, 3)]
        for number, place in enumerate(places, 1):
            assert 0 == run(["eval", "--shard", f"{number}/3", "--output", str(place)])
        assert 2 * CASES == len(judged(server))
        assert 0 == run(["merge", *map(str, places), "--output", str(tmp_path / "merged")])
        for whole in ("warm", "whole"):
            assert 0 == run(["eval", "--output", str(tmp_path / whole)])
        assert 2 * CASES == len(judged(server))
    capsys.readouterr()
    merged, whole = (TIMES.sub('""', (tmp_path / name / "run.json").read_text()) for name in ("merged", "whole"))
    assert re.sub(r', "cached": true', "", whole) == re.sub(r', "cached": true', "", merged)
    documents = [json.loads((tmp_path / name / "report.json").read_text()) for name in ("merged", "whole")]
    assert documents[0]["configs"][0]["comparisons"] == documents[1]["configs"][0]["comparisons"]
    assert "improved" == documents[0]["verdict"]
