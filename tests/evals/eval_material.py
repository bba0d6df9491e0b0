"""What the tests of running evaluations are made of: small configs and evaluations, providers that follow a script, a clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmops_git.configs.digest import digest_of
from llmops_git.configs.values import Case, Config, Document, Evaluation, Repeats, ScorerSettings
from llmops_git.evals.run import Job
from llmops_git.providers.base import Reply, Request, Usage

EXACT = ScorerSettings(name="answer", use="exact")


def make_config(name: str = "echo", *, system: str = "Repeat the word.", provider: str = "fake", **changes: Any) -> Config:
    """A config whose user message is the input `word`; `changes` replace parts of its resolved value."""
    resolved = {
        "model": {"provider": provider, "id": "fake-1", "parameters": {"temperature": 0, "max_tokens": 8}},
        "messages": [{"role": "system", "template": system}, {"role": "user", "template": "{{ word }}"}],
        **changes,
    }
    documents = resolved.pop("documents", ())
    return Config(
        name=name,
        path=f"prompts/{name}.yaml",
        kind="config",
        description="",
        owner="",
        resolved=resolved,
        digest=digest_of(resolved),
        closure=(),
        closure_digest="sha256:0",
        documents=tuple(Document(path=f"{number}.md", text=text) for number, text in enumerate(documents)),
    )


def make_cases(count: int) -> tuple[Case, ...]:
    return tuple(Case(id=f"c{number}", inputs={"word": f"word-{number}"}, expected=f"word-{number}") for number in range(count))


def make_evaluation(
    cases: Sequence[Case] | int = 3, scorers: Sequence[ScorerSettings] = (EXACT,), *, digest: str = "sha256:e"
) -> Evaluation:
    return Evaluation(
        cases=make_cases(cases) if isinstance(cases, int) else tuple(cases),
        scorers=tuple(scorers),
        repeats=Repeats(),
        gates={},
        budgets={},
        cluster_by="",
        resolved={},
        digest=digest,
    )


def make_job(config: Config | None = None, evaluation: Evaluation | None = None, repeats: int = 1) -> Job:
    return Job(config=config or make_config(), evaluation=evaluation or make_evaluation(), repeats=repeats)


def reply(text: str, **changes: Any) -> Reply:
    usage = Usage(input_tokens=10, output_tokens=2)
    return Reply(
        **{"text": text, "finish_reason": "stop", "usage": usage, "latency_seconds": 0.25, "model": "fake-1a", **changes}
    )


def echo(request: Request, _number: int) -> Reply:
    """What the user said."""
    return reply(str(request.messages[-1]["content"]))


class FakeProvider:
    """Answers by a function of the request and the number of calls before it, and remembers what it was asked."""

    def __init__(self, answer: Callable[[Request, int], Reply] = echo, *, concurrency: int = 4) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self.concurrency = concurrency
        self.asked: list[Request] = []
        self.under_way = self.most_under_way = 0
        self.workers_busy: set[int] = set()
        self.worker_shared = False

    def fingerprint(self) -> str:
        return "fake engine 1"

    def generate(self, request: Request, *, worker: int) -> Reply:
        with self._lock:
            number = len(self.asked)
            self.asked.append(request)
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            self.worker_shared |= worker in self.workers_busy
            self.workers_busy.add(worker)
        try:
            return self._answer(request, number)
        finally:
            with self._lock:
                self.under_way -= 1
                self.workers_busy.discard(worker)

    def close(self) -> None:
        """Nothing is open."""


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = 1000.0
        self.slept: list[float] = []

    def wall_ns(self) -> int:
        return 1_767_225_600_000_000_000 + int((self.now - 1000.0) * 1e9)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self.slept.append(seconds)


def scores_of(samples: Sequence[Any], name: str = "answer") -> Mapping[str, float | None]:
    """Case -> value of one scorer."""
    return {sample.case: sample.scores[name].value for sample in samples}
