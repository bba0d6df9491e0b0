"""`monitor score`: live requests under the scorers of the evaluation, judged by a real server, never paid for twice."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from llmops_git.configs.schema import validator
from llmops_git.monitoring.live_sample import BLOCKED, NO_ANSWER, sample_of
from llmops_git.monitoring.store import Store, open_store
from llmops_git.traces import attributes as names
from tests.chat_server import Answer, Asked, ChatServer, chat_server, text_answer
from tests.monitoring.live_material import CONFIG, NEW, OLD, live_spans, live_store

PROMPT = f"""\
name: {CONFIG}
model: {{provider: test, id: test-model-2026-01-01}}
inputs: {{properties: {{message: {{type: string}}}}}}
messages: [{{role: user, content: "{{{{ message }}}}"}}]
evaluation:
  dataset: ../evals/{CONFIG}.jsonl
  scorers:
    queue: {{use: exact, field: queue}}
    short: {{use: length, max: 60}}
    late: {{use: latency}}
    orders: {{use: judge, judge: ../judges/orders.yaml}}
"""
JUDGE = """\
kind: judge
model: {provider: test, id: test-judge-2026-01-01, parameters: {temperature: 0}}
rubric: Is it about orders?
scale: binary
"""
MINUTE = 60_000_000_000


def script(asked: Asked, _number: int) -> Answer:
    output = json.loads(asked.body["messages"][-1]["content"])["output"]
    label = "pass" if '"orders"' in output else "fail"
    return text_answer(json.dumps({"reasoning": f"it is a {label}", "label": label}))


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(script) as found:
        yield found


@pytest.fixture
def project(tmp_path: Path, server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "app"
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    files = {
        "llmops.yaml": f"providers:\n  test: {{api: openai, base_url: '{server.url}', stream: false}}\n",
        "prices.yaml": "test-judge-2026-01-01: {input: 1, output: 0}\n",
        f"prompts/{CONFIG}.yaml": PROMPT,
        "judges/orders.yaml": JUDGE,
        f"evals/{CONFIG}.jsonl": '{"id": "a", "inputs": {"message": "hi"}, "expected": {"queue": "orders"}}\n',
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    now = int(datetime.now(UTC).timestamp() * 1e9)
    spans = live_spans(requests=60, start_ns=now - 100 * MINUTE)
    spans = tuple(span for span in spans if span.attributes[names.OPERATION] != names.EVALUATE)
    live_store(folder / ".llmops" / "traces", spans, now_ns=now)
    monkeypatch.chdir(folder)
    return folder


def store_of(project: Path) -> Store:
    return open_store(project / ".llmops" / "traces")


def scores(project: Path) -> list[tuple[Any, ...]]:
    with store_of(project).connection() as connection:
        return connection.execute(
            "select trace_id, scorer, score, score_label, release, weight, feature, environment, eval_digest, ts from spans where operation = 'evaluate'"
        ).fetchall()


def score(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert 0 == run(["monitor", "score", "--format", "json", *arguments])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [] == list(validator("monitor-score").iter_errors(document))
    return document


def test_as_many_of_every_release_are_scored_as_the_evaluation_would(
    project: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    document = score(capsys, "--sample", "10")
    (one,) = document["configs"]
    assert 20 == one["drawn"]
    found = scores(project)
    assert {"short", "orders"} == {row[1] for row in found}
    for release in (OLD, NEW):
        assert 8 <= len({row[0] for row in found if row[4] == release}) <= 10
    for trace_id, scorer, value, label, *_ in found:
        spans = store_of(project).read_trace(trace_id)
        sample = sample_of(spans)
        assert not isinstance(sample, str)
        if scorer == "orders":
            assert (1.0 if '"orders"' in sample.output else 0.0, "pass" if value else "fail") == (value, label)
        else:
            assert (1.0 if len(sample.output) <= 60 else 0.0) == value
        (told,) = [span for span in spans if span.attributes.get(names.EVALUATION_NAME) == scorer]
        root = next(span for span in spans if span.attributes[names.OPERATION] == names.INVOKE_WORKFLOW)
        assert root.span_id == told.parent_id
    for release in (OLD, NEW):
        fine = 30 - sum(
            1
            for span in live_spans(requests=60)
            if span.attributes[names.PROMPT_VERSION] == release and not span.parent_id and span.error
        )
        assert {fine / 10} == {row[5] for row in found if row[4] == release}
    assert {"triage", "search", "chat"} >= {row[6] for row in found}
    assert len(server.asked) == one["requests"]


def test_nothing_is_paid_for_twice(project: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    score(capsys, "--sample", "10", "--scorer", "orders")
    asked, found = len(server.asked), scores(project)
    (again,) = score(capsys, "--sample", "10", "--scorer", "orders")["configs"]
    assert (asked, 0) == (len(server.asked), again["scored"])
    assert sorted(found) == sorted(scores(project))
    (more,) = score(capsys, "--sample", "12", "--scorer", "orders")["configs"]
    assert 1 <= more["scored"] <= 4
    assert len(server.asked) == asked + more["requests"]


def test_the_cap_on_money_holds(project: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    (one,) = score(capsys, "--sample", "30", "--scorer", "orders", "--max-usd", "0.0012")["configs"]
    assert 0 < one["cost_usd"] <= 0.0012
    assert 0 < len(server.asked) < one["drawn"]
    assert any("orders: " in why for why in one["left_out"])


def test_a_dry_run_asks_nobody(project: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["monitor", "score", "--dry-run", "--sample", "5"])
    assert f"{CONFIG}: 10 requests would be looked at" in capsys.readouterr().out
    assert ([], []) == (server.asked, scores(project))


def test_the_text_says_means_by_release_and_what_was_left_out(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == run(["monitor", "score", "--sample", "30"])
    text = capsys.readouterr().out
    assert f"  {NEW}  orders  0." in text
    assert "drawn requests scored" in text


def test_requests_of_which_no_scorer_can_say_anything_are_counted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = project / "prompts" / f"{CONFIG}.yaml"
    scorers = config.read_text().partition("  scorers:\n")
    config.write_text(f"{scorers[0]}{scorers[1]}    named: {{use: contains}}\n")
    (one,) = score(capsys, "--sample", "5")["configs"]
    assert (10, 0) == (one["drawn"], one["scored"])
    assert {"no scorer can say anything of it without an expected answer": 10} == one["left_out"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["nobody"], "there is no config `nobody`"), ([CONFIG, "--scorer", "odrers"], "has no scorer `odrers`")],
)
def test_what_is_not_there_is_named(project: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert 2 == run(["monitor", "score", *arguments])
    assert said in capsys.readouterr().err


def test_what_callers_did_not_get_is_not_scored() -> None:
    spans = live_spans(requests=2)
    first = [span for span in spans if span.trace_id == spans[0].trace_id]
    assert not isinstance(sample_of(first), str)
    import dataclasses

    def changed(operation: str, **attributes: Any) -> list[Any]:
        return [
            dataclasses.replace(span, attributes={**span.attributes, **attributes})
            if span.attributes[names.OPERATION] == operation
            else span
            for span in first
        ]

    blocked = {names.GUARD_SIDE: "output", names.GUARD_RESULT: "block"}
    assert BLOCKED == sample_of(changed(names.APPLY_GUARDRAIL, **blocked))
    assert NO_ANSWER == sample_of(changed(names.CHAT, **{names.OUTPUT_MESSAGES: "[]"}))
    assert isinstance(sample_of([]), str)
