"""Pools what was measured now with what earlier attempts measured: a re-run adds samples, nobody picks the better one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from llmops_git.commands.pairings import Key
from llmops_git.evals.evidence import pool_runs
from llmops_git.evals.run import Outcome
from llmops_git.evals.values import Run


def first_repeat(earlier: Mapping[Key, Run]) -> int:
    """The number of the first repeat to be asked for now, so that no earlier sample is counted twice."""
    return max((sample.repeat + 1 for run in earlier.values() for sample in run.samples), default=0)


def pooled(outcome: Outcome, earlier: Mapping[Key, Run]) -> Outcome:
    """The outcome with every run joined to the earlier one of the same config under the same evaluation."""
    runs = tuple(_joined(earlier.get((run.config_digest, run.eval_digest)), run) for run in outcome.runs)
    if runs == outcome.runs:
        return outcome
    names = ", ".join(sorted({after.config for before, after in zip(outcome.runs, runs, strict=True) if after is not before}))
    note = f"samples of earlier attempts are counted together with those of this one: {names}"
    return replace(outcome, runs=runs, problems=(*outcome.problems, note))


def _joined(before: Run | None, now: Run) -> Run:
    return now if before is None or before.cases != now.cases else pool_runs(before, now)
