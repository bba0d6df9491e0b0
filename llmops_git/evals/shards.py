"""Splits a run between machines: which cases a shard asks, and what it may spend. Pure.

A case belongs to a shard by its id alone. So both sides of a case, and the same case under two evaluations, meet in one shard,
where equal requests are bought once; and a case that is added moves no other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from llmops_git.configs.policy import Budget
from llmops_git.errors import LlmopsError
from llmops_git.evals.samples import Job
from llmops_git.evals.values import Run

MOST_SHARDS = 1000
_WRITTEN = re.compile(r"([0-9]{1,4})/([0-9]{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One part of a run: `number` counts from 1 to `of`."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"shard {self.number} of {self.of}"

    def has(self, case: str) -> bool:
        """Whether the case of this id is asked in this shard."""
        return number_of(case, self.of) == self.number


def read_shard(text: str) -> Shard:
    """The shard written as `I/N`. Raises LlmopsError."""
    found = _WRITTEN.fullmatch(text.strip())
    number, of = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= number <= of <= MOST_SHARDS:
        hint = f"--shard 2/5 is the second of five; there are at most {MOST_SHARDS}"
        raise LlmopsError(f"{text[:80]!r} is not a shard", hint=hint)
    return Shard(number=number, of=of)


def number_of(case: str, of: int) -> int:
    """The number of the shard, from 1, that the case of this id is in."""
    return int.from_bytes(hashlib.sha256(case.encode(errors="replace")).digest()[:8]) % of + 1


def part_of(job: Job, shard: Shard) -> Job:
    """The job with the cases of the shard only; its digests stay those of the whole."""
    cases = tuple(case for case in job.evaluation.cases if shard.has(case.id))
    return replace(job, evaluation=replace(job.evaluation, cases=cases))


def part_of_run(run: Run, shard: Shard) -> Run:
    """What a run that is known already holds of the shard's cases."""
    return replace(
        run,
        cases=tuple(case for case in run.cases if shard.has(case)),
        must_pass=tuple(case for case in run.must_pass if shard.has(case)),
        clusters={case: cluster for case, cluster in run.clusters.items() if shard.has(case)},
        samples=tuple(sample for sample in run.samples if shard.has(sample.case)),
    )


def share_of(budget: Budget, jobs: Iterable[Job], shard: Shard) -> Budget:
    """What the shard may spend: as much of the budget as it has of the samples. The shares of all shards add up to the
    budget, so that no number of machines can spend more than one."""
    counts = [0] * shard.of
    for job in jobs:
        for case in job.evaluation.cases:
            counts[number_of(case.id, shard.of) - 1] += job.repeats
    before, own, total = sum(counts[: shard.number - 1]), counts[shard.number - 1], max(sum(counts), 1)
    requests, money = budget.max_requests, budget.max_usd
    return Budget(
        max_usd=None if money is None else money * own / total,
        max_requests=None if requests is None else requests * (before + own) // total - requests * before // total,
    )
