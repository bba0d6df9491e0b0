"""Our side: plan, run, score with two scorers, keep every reply, write the run folder.

`python ours.py URL CONCURRENCY FOLDER` prints its own figures as JSON. A second start with the same folder finds every reply.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from material import CASES, MODEL, PARAMETERS, SHAPE, SYSTEM, message

from llmops_git.configs.digest import digest_of
from llmops_git.configs.policy import Budget, Price, ProviderSettings
from llmops_git.configs.values import Case, Config, Evaluation, Repeats, ScorerSettings
from llmops_git.evals.cache import Cache
from llmops_git.evals.folder import write_run_folder
from llmops_git.evals.plan import make_plan
from llmops_git.evals.run import Job, evaluate
from llmops_git.providers.table import open_provider


def job() -> Job:
    """A config and an evaluation of 1,000 cases and two scorers."""
    resolved = {
        "model": {"provider": "bench", "id": MODEL, "parameters": PARAMETERS},
        "messages": [{"role": "system", "template": SYSTEM + SHAPE}, {"role": "user", "template": "{{ message }}"}],
    }
    config = Config(
        name="bench",
        path="prompts/bench.yaml",
        kind="config",
        description="",
        owner="",
        resolved=resolved,
        digest=digest_of(resolved),
        closure=(),
        closure_digest="",
    )
    cases = [
        Case(id=f"c{number}", inputs={"message": message(number)}, expected={"queue": "billing"}) for number in range(CASES)
    ]
    scorers = (
        ScorerSettings(name="queue", use="exact", options={"field": "queue"}),
        ScorerSettings(name="reason", use="contains", options={"all": ["money"]}),
    )
    evaluation = Evaluation(
        cases=tuple(cases),
        scorers=scorers,
        repeats=Repeats(),
        gates={},
        budgets={},
        cluster_by="",
        resolved={},
        digest="sha256:bench",
    )
    return Job(config=config, evaluation=evaluation, repeats=1)


def main(url: str, concurrency: int, folder: Path) -> None:
    settings = ProviderSettings(name="bench", api="openai", base_url=url, concurrency=concurrency)
    prices = {MODEL: Price(input=0.4, output=1.6)}
    cache = Cache(folder / "replies")
    jobs = [job()]
    provider = open_provider(settings, environ={})
    started = time.perf_counter()
    plan = make_plan(jobs, cache=cache, prices=prices, fingerprints={"bench": provider.fingerprint()})
    planned = time.perf_counter() - started
    outcome = evaluate(jobs, providers={"bench": provider}, cache=cache, budget=Budget(), prices=prices, plan=plan)
    wall = time.perf_counter() - started
    (run,) = outcome.runs
    write_run_folder(folder / "run", runs=outcome.runs, spans=outcome.spans, report={}, comment="")
    written = time.perf_counter() - started - wall
    provider.close()
    assert all(sample.scores[name].value == 1.0 for sample in run.samples for name in ("queue", "reason")), run.samples[0]
    latencies = sorted(sample.latency_seconds for sample in run.samples if sample.latency_seconds is not None)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": wall,
        "rss": usage.ru_maxrss / 1024,
        "p99": latencies[int(len(latencies) * 0.99)],
        "requests": outcome.spending.sent,
        "planned": plan.requests,
        "plan_seconds": planned,
        "write_seconds": written,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
