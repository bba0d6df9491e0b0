"""Applications as the system under test: the wire, the example, hostile replies, and a whole evaluation."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llmops_git.cli import run
from llmops_git.configs.policy import Endpoint
from llmops_git.providers.base import ProviderError, Reply, Request, Usage
from llmops_git.providers.reply_json import reply_document, reply_from_document
from llmops_git.providers.target import MOST_STEPS, TargetProvider, bundle_of
from tests.chat_server import Answer, Asked, Script, chat_server

EXAMPLE = Path(__file__).parents[2] / "examples" / "target.py"
BUNDLE = bundle_of("app", "sha256:1", {"messages": []})
REQUEST = Request(
    provider="target:app", model="m", messages=({"role": "user", "content": '{"word": "hello"}'},), parameters={"bundle": "sha256:1"}
)  # fmt: skip


def ask(script: Script, *, timeout: float = 10.0) -> tuple[Reply, Asked]:
    with chat_server(script) as server:
        endpoint = Endpoint(name="app", url=server.url, key_env="KEY", timeout=timeout)
        provider = TargetProvider(endpoint, {"sha256:1": BUNDLE}, environ={"KEY": "secret-1"})
        try:
            return provider.generate(REQUEST, worker=0), server.asked[0]
        finally:
            provider.close()


def answering(document: Any) -> Script:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return lambda *_: Answer(body=body)


def test_inputs_and_the_bundle_are_posted_and_the_output_comes_back() -> None:
    usage = {"input_tokens": 5, "output_tokens": 2, "reasoning_tokens": True}
    reply, asked = ask(
        answering({"output": {"queue": "billing"}, "usage": usage, "latency": 0.5, "model": "m-2", "version": "app 3"})
    )
    bundle = {"config": "app", "digest": "sha256:1", "resolved": {"messages": []}}
    assert {"inputs": {"word": "hello"}, "bundle": bundle, "sample": 0} == asked.body
    assert "Bearer secret-1" == {name.lower(): text for name, text in asked.headers.items()}["authorization"]
    assert ('{"queue": "billing"}', 0.5, "m-2", "app 3", Usage(input_tokens=5, output_tokens=2)) == (
        reply.text, reply.latency_seconds, reply.model, reply.engine, reply.usage,
    )  # fmt: skip


def test_without_its_own_latency_what_we_measured_counts() -> None:
    assert 0 < ask(answering({"output": "x"}))[0].latency_seconds < 10


def test_a_told_trace_and_calls_survive_the_cache() -> None:
    trace = [{"name": "search", "seconds": 1, "output": ["d1"], "steps": [{"name": "embed", "error": "slow"}]}]
    reply, _ = ask(
        answering({"output": "x", "trace": trace, "tool_calls": [{"name": "look", "arguments": {"b": 1}, "result": None}]})
    )
    assert (
        {"name": "search", "seconds": 1.0, "output": '["d1"]', "steps": [{"name": "embed", "error": "slow"}]},
    ) == reply.trace
    assert ({"name": "look", "arguments": '{"b": 1}', "result": "null"},) == reply.tool_calls
    assert reply == reply_from_document(json.loads(json.dumps(reply_document(reply))))


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answering({"text": "x"}), "server"),
        (answering([]), "server"),
        (answering(b"<html>"), "server"),
        (answering(b"[" * 200_000), "server"),
        (answering(b'{"output": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001), "server"),
        (answering({"output": "x", "tool_calls": "look"}), "server"),
        (answering({"output": "x", "usage": [1]}), "server"),
        (answering(b"x" * (17 << 20)), "server"),
        (lambda *_: Answer(status=500, body=b"secret-1"), "server"),
        (lambda *_: Answer(status=400), "bad_request"),
        (lambda *_: Answer(status=429, headers={"retry-after": "3"}), "rate_limit"),
        (lambda *_: Answer(status=307, headers={"location": "http://127.0.0.1:9/"}), "bad_request"),
        (lambda *_: Answer(silent=True), "network"),
    ],
)
def test_what_is_no_answer_is_an_error_with_a_class(script: Script, kind: str) -> None:
    with pytest.raises(ProviderError) as raised:
        ask(script)
    assert kind == raised.value.kind
    assert "secret-1" not in str(raised.value)


def test_an_application_that_takes_too_long_is_not_waited_for() -> None:
    gate = threading.Event()
    with chat_server(lambda *_: Answer(hold=gate)) as server:
        provider = TargetProvider(Endpoint(name="app", url=server.url, timeout=0.2), {"sha256:1": BUNDLE}, environ={})
        with pytest.raises(ProviderError) as raised:
            provider.generate(REQUEST, worker=0)
        gate.set()
        provider.close()
    assert "timeout" == raised.value.kind


def test_a_hostile_trace_is_cut_and_costs_no_sample() -> None:
    wide = [{"name": f"s{number}", "input": "x" * 30_000, "seconds": "long"} for number in range(300)]
    deep: Any = {"name": "deep"}
    for _ in range(100):
        deep = {"name": "deep\ud800", "steps": [deep], "seconds": -1}
    reply, _ = ask(answering({"output": "\ud800\x1b[2J", "trace": [deep, 7, *wide], "latency": 1e999}))
    assert "?\x1b[2J" == reply.text
    assert MOST_STEPS - 10 == len(reply.trace) - 1
    assert len(json.dumps(reply_document(reply))) < 5_000_000
    json.dumps(reply_document(reply), ensure_ascii=False).encode()


@pytest.fixture
def example() -> Iterator[str]:
    """The example of the documentation, running."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(EXAMPLE), str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.025)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.kill()
        process.wait()


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def config(system: str, target: str = "shouting") -> str:
    return (
        f"name: app\ntarget: {target}\nmodel: {{provider: openai, id: gpt-4.1-mini-2025-04-14}}\n"
        f"inputs: {{properties: {{message: {{type: string}}}}}}\n"
        f"messages:\n  - {{role: system, content: {system}}}\n  - {{role: user, content: '{{{{ message }}}}'}}\n"
        "tools: [{name: look}]\n"
        "evaluation: {dataset: ../evals/app.jsonl, scorers: {loud: {use: contains}}}\n"
    )


def test_the_example_is_evaluated_like_a_model(
    example: str, repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "llmops.yaml").write_text(f"version: 1\ntargets: {{shouting: {{url: '{example}'}}}}\n")
    for folder in ("prompts", "evals"):
        (repository / folder).mkdir()
    (repository / "prompts" / "app.yaml").write_text(config("hello"))
    rows = [
        {"id": f"c{number}", "inputs": {"message": f"you {number}"}, "expected": f"HELLO YOU {number}"} for number in range(30)
    ]
    (repository / "evals" / "app.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "first")
    git(repository, "switch", "-qc", "change")
    (repository / "prompts" / "app.yaml").write_text(config("goodbye"))
    git(repository, "commit", "-qam", "goodbye")
    monkeypatch.chdir(repository)
    assert 1 == run(["eval", "--format", "json"]), capsys.readouterr().err
    document = json.loads(capsys.readouterr().out)
    assert "regressed" == document["verdict"]
    (comparison,) = document["configs"][0]["comparisons"]
    assert (1.0, 0.0) == (comparison["scorers"][0]["base"], comparison["scorers"][0]["head"])
    assert 60 == document["spending"]["sent"]
    run(["eval", "--format", "json"])
    assert 0 == json.loads(capsys.readouterr().out)["spending"]["sent"]
    assert 0 == run(["trace", "last", "c2", "--side", "head"])
    shown = capsys.readouterr().out
    assert "invoke_agent shouting" in shown
    assert "output: GOODBYE YOU 2" in shown
    assert 0 == run(["check"]), capsys.readouterr()


def test_a_change_cannot_name_a_target_that_the_base_does_not_have(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with chat_server(answering({"output": "x"})) as server:
        (repository / "llmops.yaml").write_text("version: 1\n")
        for folder in ("prompts", "evals"):
            (repository / folder).mkdir()
        (repository / "evals" / "app.jsonl").write_text('{"inputs": {"message": "m"}, "expected": "x"}\n')
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "first")
        git(repository, "switch", "-qc", "change")
        (repository / "llmops.yaml").write_text(f"version: 1\ntargets: {{mine: {{url: '{server.url}'}}}}\n")
        (repository / "prompts" / "app.yaml").write_text(config("hello", "mine"))
        git(repository, "add", "-A")
        git(repository, "commit", "-qm", "mine")
        monkeypatch.chdir(repository)
        assert 2 == run(["eval"])
        assert "target `mine` is not in the llmops.yaml that holds here" in capsys.readouterr().err
        assert [] == server.asked


def test_check_names_a_target_that_no_policy_declares(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "llmops.yaml").write_text("version: 1\ntargets: {shouting: {url: 'https://example.com'}}\n")
    for folder in ("prompts", "evals"):
        (repository / folder).mkdir()
    (repository / "evals" / "app.jsonl").write_text('{"inputs": {"message": "m"}, "expected": "x"}\n')
    (repository / "prompts" / "app.yaml").write_text(config("hello", "shoutin"))
    monkeypatch.chdir(repository)
    assert 2 == run(["check"])
    said = capsys.readouterr()
    assert "prompts/app.yaml:2:9" in said.out + said.err
    assert "there is no target `shoutin`" in said.out + said.err
