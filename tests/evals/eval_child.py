"""One evaluation against a server, as a process of its own: `python eval_child.py URL REPLIES CASES CONCURRENCY`.

Prints {"sent", "cached", "measured", "p99", "rss_mb"} as JSON.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from pathlib import Path

from eval_material import make_config, make_evaluation, make_job

from llmops_git.configs.policy import Budget, ProviderSettings
from llmops_git.evals.cache import Cache
from llmops_git.evals.run import evaluate
from llmops_git.providers.openai import OpenAIProvider


def peak_megabytes() -> float:
    """The peak memory of this program. `ru_maxrss` would count what its parent held when it was started."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def main(url: str, replies: str, cases: int, concurrency: int) -> None:
    settings = ProviderSettings(name="fake", api="openai", base_url=url, concurrency=concurrency, timeout=30)
    provider = OpenAIProvider(settings, environ={})
    job = make_job(make_config(), make_evaluation(cases))
    outcome = evaluate([job], providers={"fake": provider}, cache=Cache(Path(replies)), budget=Budget(), prices={})
    provider.close()
    samples = outcome.runs[0].samples
    latencies = sorted(sample.latency_seconds or 0.0 for sample in samples)
    figures = {
        "sent": outcome.spending.sent,
        "cached": outcome.spending.cached,
        "measured": sum(sample.scores["answer"].value == 1.0 for sample in samples),
        "p99": latencies[int(len(latencies) * 0.99)],
        "rss_mb": peak_megabytes(),
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is started with Ctrl-C ignored
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
