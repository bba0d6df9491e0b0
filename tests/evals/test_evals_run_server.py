"""Running evaluations against a real server on the loopback, in one process and in several, killed ones among them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, Asked, ChatServer, chat_server, error_answer, text_answer
from eval_material import make_config, make_evaluation, make_job, scores_of

from llmops_git.configs.policy import Budget, ProviderSettings
from llmops_git.evals.cache import Cache
from llmops_git.evals.retry import Patience
from llmops_git.evals.run import Outcome, evaluate
from llmops_git.providers.openai import OpenAIProvider

CHILD = Path(__file__).with_name("eval_child.py")


def echo(asked: Asked, _number: int) -> Answer:
    return text_answer(asked.body["messages"][-1]["content"])


def run(server: ChatServer, cases: int, concurrency: int, replies: Path | None = None, **options: Any) -> Outcome:
    settings = ProviderSettings(name="fake", api="openai", base_url=server.url, concurrency=concurrency, timeout=10)
    provider = OpenAIProvider(settings, environ={})
    job = make_job(make_config(), make_evaluation(cases))
    cache = Cache(replies) if replies else None
    try:
        return evaluate([job], providers={"fake": provider}, cache=cache, budget=Budget(), prices={}, **options)
    finally:
        provider.close()


def start(server: ChatServer, replies: Path, cases: int, concurrency: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), server.url, str(replies), str(cases), str(concurrency)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def figures(child: subprocess.Popen[str]) -> dict[str, Any]:
    output, said = child.communicate()
    assert child.returncode == 0, said
    return json.loads(output)


@pytest.mark.parametrize("concurrency", [1, 4, 32, 128])
def test_a_second_identical_run_sends_nothing(tmp_path: Path, concurrency: int) -> None:
    with chat_server(echo) as server:
        first = run(server, 150, concurrency, tmp_path)
        sent = len(server.asked)
        second = run(server, 150, concurrency, tmp_path)
        assert (sent, first.spending.sent, len(server.asked), second.spending.sent) == (150, 150, 150, 0)
    assert set(scores_of(second.runs[0].samples).values()) == {1.0}
    assert server.connections <= concurrency


def test_two_processes_with_the_same_work_share_it(tmp_path: Path) -> None:
    with chat_server(echo) as server:
        children = [start(server, tmp_path, 80, 4) for _ in range(2)]
        found = [figures(child) for child in children]
        assert len(server.asked) == 80
    assert [item["measured"] for item in found] == [80, 80]
    assert sum(item["sent"] for item in found) == 80
    assert sum(item["cached"] for item in found) == 80


def test_after_kill_nine_a_second_run_sends_only_what_is_missing(tmp_path: Path) -> None:
    killed = threading.Event()
    reached = threading.Event()

    def script(asked: Asked, number: int) -> Answer:
        if number < 20 or killed.is_set():
            return echo(asked, number)
        reached.set()
        return Answer(body=b"", hold=killed, silent=True)

    with chat_server(script) as server:
        child = start(server, tmp_path, 60, 3)
        assert reached.wait(30)
        child.kill()
        figures_of_the_dead = child.communicate()[0]
        killed.set()
        kept = len(list(tmp_path.glob("?/*.json")))
        before = len(server.asked)
        second = figures(start(server, tmp_path, 60, 3))
        assert figures_of_the_dead == ""
        assert 20 - 3 <= kept <= 20
        assert len(server.asked) - before == 60 - kept
    assert (second["sent"], second["cached"], second["measured"]) == (60 - kept, kept, 60)


def test_after_an_interrupt_calls_under_way_are_kept_and_nothing_more_is_sent(tmp_path: Path) -> None:
    """Ctrl-C with three calls under way: they end, their replies are kept, and the process ends."""
    reached = threading.Semaphore(0)
    interrupted = threading.Event()

    def script(asked: Asked, number: int) -> Answer:
        answer = echo(asked, number)
        if number < 20:
            return answer
        reached.release()
        return replace(answer, hold=interrupted)

    with chat_server(script) as server:
        child = start(server, tmp_path, 60, 3)
        assert all(reached.acquire(timeout=30) for _ in range(3))
        child.send_signal(signal.SIGINT)
        time.sleep(0.3)  # until the signal has arrived
        interrupted.set()
        output, said = child.communicate(timeout=30)
        kept = len(list(tmp_path.glob("?/*.json")))
        assert (output, child.returncode, "KeyboardInterrupt" in said) == ("", -signal.SIGINT, True)
        assert kept == len(server.asked) < 30
        second = figures(start(server, tmp_path, 60, 3))
    assert (second["sent"], second["cached"]) == (60 - kept, kept)


def test_every_kind_of_trouble_is_survived() -> None:
    """Each request fails once, in one of these ways, and is answered when it is asked again."""
    answer = text_answer("unused")
    troubles = [
        error_answer(429, headers={"retry-after-ms": "5"}),
        error_answer(500),
        error_answer(503, headers={"retry-after": "0"}),
        Answer(silent=True),
        Answer(body=answer.body, sent=30),
        Answer(body=b"<html>bad gateway</html>"),
    ]
    seen: dict[str, int] = {}
    lock = threading.Lock()

    def script(asked: Asked, number: int) -> Answer:
        word = asked.body["messages"][-1]["content"]
        with lock:
            seen[word] = seen.get(word, 0) + 1
            first = seen[word] == 1
        return troubles[int(word.removeprefix("word-")) % len(troubles)] if first else echo(asked, number)

    with chat_server(script) as server:
        outcome = run(server, 24, 8, patience=Patience(first_wait=0.01))
        assert len(server.asked) == outcome.spending.sent == 48
    assert set(scores_of(outcome.runs[0].samples).values()) == {1.0}


def _token_bucket(rate: float, burst: int) -> Callable[[Asked, int], Answer]:
    """Allows `rate` requests a second after a burst, and refuses the rest with a hint when to come back."""
    lock = threading.Lock()
    state = [float(burst), time.monotonic()]

    def script(asked: Asked, number: int) -> Answer:
        with lock:
            now = time.monotonic()
            state[0] = min(state[0] + (now - state[1]) * rate, burst)
            state[1] = now
            if state[0] < 1:
                return error_answer(429, headers={"retry-after-ms": str(int((1 - state[0]) / rate * 1000) + 50)})
            state[0] -= 1
        return echo(asked, number)

    return script


def test_a_rate_limit_is_met_without_a_storm() -> None:
    """One refusal slows everybody down; without that, sixteen workers meet hundreds of them."""
    with chat_server(_token_bucket(rate=100, burst=10)) as server:
        outcome = run(server, 150, 16)
        refused = len(server.asked) - 150
    assert set(scores_of(outcome.runs[0].samples).values()) == {1.0}
    assert refused <= 60


@pytest.mark.slow
def test_a_thousand_cases_fit_in_a_hundred_megabytes(tmp_path: Path) -> None:
    with chat_server(echo) as server:
        found = figures(start(server, tmp_path, 1000, 32))
    assert found["measured"] == 1000
    assert found["rss_mb"] < 100
