"""Judges, embeddings and searches through `llmops-git eval`, on a real repository and a server that answers by script."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from tests.chat_server import Answer, Asked, ChatServer, chat_server, text_answer

CASES = 24
CONFIG = """\
model: {provider: test, id: test-model-2026-01-01, parameters: {temperature: 0, max_tokens: 8}}
inputs: {properties: {message: {type: string}}}
messages:
  - {role: system, content: "SYSTEM{{ documents | map(attribute='text') | join(' ') }}"}
  - {role: user, content: "{{ message }}"}
retrieval: RETRIEVAL
evaluation:
  dataset: ../evals/helper.jsonl
  scorers:
    kind: {use: judge, judge: ../judges/kind.yaml}
"""
JUDGE = """\
kind: judge
model: {provider: test, id: test-judge-2026-01-01, parameters: {temperature: 0}}
rubric: Is it kind?
scale: binary
"""
RECORDED = "{retriever: recorded}"
BY_MEANING = "{retriever: embedding, corpus: [../corpora/*.md], query: '{{ message }}', top_k: 1, embedder: {provider: test, model: e-1}}"
BY_SERVICE = "{retriever: http, provider: finder, query: '{{ message }}', top_k: 1}"


def script(asked: Asked, _number: int) -> Answer:
    """A model that says its system prompt and its message; a judge that likes `please`; vectors and documents by length."""
    if asked.path.endswith("/embeddings"):
        vectors = [{"index": place, "embedding": [1.0, float(len(text))]} for place, text in enumerate(asked.body["input"])]
        return Answer(body=json.dumps({"data": vectors, "usage": {"prompt_tokens": 1}}).encode())
    if asked.path.endswith("/find"):
        return Answer(
            body=json.dumps({"documents": [{"id": "d", "text": f"found {asked.body['query']}", "score": 1}]}).encode()
        )
    messages = asked.body["messages"]
    if asked.body["model"].startswith("test-judge"):
        output = json.loads(messages[-1]["content"])["output"]
        label = "pass" if "please" in output else "fail"
        return text_answer(json.dumps({"reasoning": f"{label} it is", "label": label}))
    return text_answer(" ".join(message["content"] for message in messages))


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def write(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_text(text)


def config(system: str = "", retrieval: str = RECORDED) -> str:
    return CONFIG.replace("SYSTEM", system).replace("RETRIEVAL", retrieval)


@contextmanager
def project(repository: Path, monkeypatch: pytest.MonkeyPatch, retrieval: str = RECORDED) -> Iterator[ChatServer]:
    with chat_server(script) as server:
        policy = f"providers:\n  test: {{api: openai, base_url: {server.url}}}\n  finder: {{api: search, base_url: {server.url}/find}}\n"
        write(repository, "llmops.yaml", policy)
        write(repository, "prompts/helper.yaml", config(retrieval=retrieval))
        write(repository, "judges/kind.yaml", JUDGE)
        write(repository, "corpora/a.md", "one piece\n")
        rows = [{"id": f"c{n}", "inputs": {"message": f"m {n}"}, "documents": [{"text": "none"}]} for n in range(CASES)]
        write(repository, "evals/helper.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "first")
        git(repository, "switch", "-qc", "change")
        monkeypatch.chdir(repository)
        yield server


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = run(["eval", "--format", "json", *arguments])
    captured = capsys.readouterr()
    assert captured.out, captured.err
    return code, json.loads(captured.out)


def newest(repository: Path) -> Path:
    return max((repository / ".llmops" / "runs").iterdir())


def judged(server: ChatServer) -> list[Asked]:
    return [asked for asked in server.asked if asked.body.get("model", "").startswith("test-judge")]


def test_both_sides_have_one_judge_and_what_it_said_is_kept(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        write(repository, "prompts/helper.yaml", config("please "))
        code, document = report(capsys)
        schemas = {json.dumps(asked.body["response_format"]["json_schema"]["schema"]["required"]) for asked in judged(server)}
    assert (0, "improved") == (code, document["verdict"])
    assert {'["reasoning", "label"]'} == schemas
    runs = json.loads((newest(repository) / "run.json").read_text())["runs"]
    said = {sample["scores"]["kind"]["judgements"][0]["reply"] for one in runs for sample in one["samples"]}
    assert {'{"reasoning": "pass it is", "label": "pass"}', '{"reasoning": "fail it is", "label": "fail"}'} == said
    assert '"llmops.score_reason.kind"' in (newest(repository) / "traces.jsonl").read_text()
    assert 0 == run(["trace", "last", "c3", "--side", "head"])
    assert "why kind: pass it is" in capsys.readouterr().out


def test_a_change_of_the_judge_is_said_to_be_not_comparable_and_measured_under_both(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch) as server:
        write(repository, "prompts/helper.yaml", config("please "))
        write(repository, "judges/kind.yaml", JUDGE.replace("Is it kind?", "Is it friendly?"))
        _, document = report(capsys)
        rubrics = [
            asked.body["messages"][0]["content"].partition("<rubric>\n")[2].partition("\n")[0] for asked in judged(server)
        ]
    [reported] = document["configs"]
    assert ["`kind` has another judge: scores under the old and the new one are not comparable"] == [
        note.partition(", and")[0] for note in reported["notes"] if "another judge" in note
    ]
    assert {"head", "base"} == {one["instrument"] for one in reported["comparisons"]}
    assert {"Is it kind?": 2 * CASES, "Is it friendly?": 2 * CASES} == {text: rubrics.count(text) for text in set(rubrics)}
    assert "another judge" in (newest(repository) / "comment.md").read_text()


@pytest.mark.parametrize(("retrieval", "asked"), [(BY_MEANING, "/v1/embeddings"), (BY_SERVICE, "/v1/find")])
def test_documents_are_found_recorded_and_replayed(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], retrieval: str, asked: str
) -> None:
    with project(repository, monkeypatch, retrieval) as server:
        write(repository, "prompts/helper.yaml", config("please ", retrieval))
        code, first = report(capsys, "--record", "recorded")
        paths = [one.path for one in server.asked]
        sent = len(paths)
        again, second = report(capsys, "--replay", "recorded", "--fresh")
        assert sent == len(server.asked)
    assert (0, 0, "improved", "improved") == (code, again, first["verdict"], second["verdict"])
    assert CASES + (retrieval == BY_MEANING) == paths.count(asked)
    run_document = json.loads((newest(repository) / "run.json").read_text())
    wanted = "please one piece m 0" if retrieval == BY_MEANING else "please found m 0 m 0"
    assert wanted in {sample["output"] for one in run_document["runs"] for sample in one["samples"]}


def test_render_finds_documents_too(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with project(repository, monkeypatch, BY_SERVICE):
        assert 0 == run(["render", "helper", "--case", "c3", "--format", "json"])
    assert [{"id": "d", "text": "found m 3", "score": 1.0}] == json.loads(capsys.readouterr().out)["documents"]
