"""Peak memory against the number of cases: `python bench/eval/memory.py` writes its section of `bench/results/eval.md`.

Each size in a process of its own: plan, run with a cache, two scorers, compare (where there are two sides), write the run folder.
Replies come from a provider in the same process, so that nothing but the engine is measured.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench import write_section

SIZES = ((1_000, 1), (10_000, 1), (100_000, 1), (100_000, 2))
GOAL = 200  # megabytes for 100,000 cases
REPLY = json.dumps({"queue": "billing", "reason": "money " * 20})


class Instant:
    """Answers at once."""

    concurrency = 8

    def fingerprint(self) -> str:
        return "instant"

    def generate(self, request: object, *, worker: int) -> object:  # noqa: ARG002
        from llmops_git.providers.base import Reply, Usage

        usage = Usage(input_tokens=420, output_tokens=130)
        return Reply(text=REPLY, finish_reason="stop", usage=usage, latency_seconds=0.5, model="bench-model")

    def close(self) -> None:
        """Nothing is open."""


def peak() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main(cases: int, sides: int, folder: Path) -> None:
    from ours import job

    from llmops_git.configs.digest import digest_of
    from llmops_git.configs.policy import Budget, GateSettings
    from llmops_git.configs.values import Case
    from llmops_git.evals.cache import Cache
    from llmops_git.evals.compare import compare
    from llmops_git.evals.folder import write_run_folder
    from llmops_git.evals.plan import make_plan
    from llmops_git.evals.run import evaluate

    first = job()
    rows = tuple(
        Case(id=f"c{number}", inputs={"message": f"message {number}"}, expected={"queue": "billing"}) for number in range(cases)
    )
    evaluation = replace(first.evaluation, cases=rows)
    jobs = [replace(first, evaluation=evaluation)]
    if sides > 1:
        messages = [{"role": "system", "template": "Be brief."}, *first.config.resolved["messages"][1:]]
        resolved = {**first.config.resolved, "messages": messages}
        jobs.append(replace(jobs[0], config=replace(first.config, resolved=resolved, digest=digest_of(resolved))))
    cache, budget = Cache(folder / "replies"), Budget(max_usd=None, max_requests=None)
    plan = make_plan(jobs, cache=cache, prices={})
    outcome = evaluate(jobs, providers={"bench": Instant()}, cache=cache, budget=budget, prices={}, plan=plan)
    measured = peak()
    if sides > 1:
        base, head = outcome.runs
        compare(
            base, head, evaluation=evaluation, settings=GateSettings(), against="merge base", base_name="", instrument="head"
        )
    write_run_folder(folder / "run", runs=outcome.runs, spans=outcome.spans, report={}, comment="")
    print(json.dumps({"run": measured, "peak": peak(), "file": (folder / "run" / "run.json").stat().st_size / 2**20}))


PAGE = """## Memory

Measured {date:%Y-%m-%d} by `bench/eval/memory.py`: Python {python}. Peak resident memory of a whole process that loads the cases,
plans, runs with a cache and two scorers, compares, and writes the run folder. Goal: 100,000 cases under {goal} MB. Met: {met}.

| cases | sides | after the run | peak | run.json |
|---:|---:|---:|---:|---:|
"""


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
    else:
        lines, met = "", {}
        for count, both in SIZES:
            work = Path(tempfile.mkdtemp(prefix="llmops-git-memory-"))
            try:
                command = [sys.executable, __file__, str(count), str(both), str(work)]
                found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            finally:
                shutil.rmtree(work)
            met[count, both] = found["peak"] <= GOAL
            line = f"| {count:,} | {both} | {found['run']:.0f} MB | {found['peak']:.0f} MB | {found['file']:.0f} MB |\n"
            print(line, end="", file=sys.stderr, flush=True)
            lines += line
        words = "yes" if met[100_000, 1] and met[100_000, 2] else "for one side" if met[100_000, 1] else "no"
        page = PAGE.format(date=datetime.now(UTC), python=platform.python_version(), goal=GOAL, met=words)
        write_section("## Memory", page + lines)
