"""Decides on all shards of an evaluation together, as on a run that was never split. Pure, but for the clock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from llmops_git.commands.assemble import Label, decided_report, unmeasured_report
from llmops_git.commands.deciding import decision_on, escalated, first_looks
from llmops_git.commands.impact import with_impact
from llmops_git.commands.pairings import Key, jobs_of, pairings_of
from llmops_git.commands.pooling import pooled
from llmops_git.commands.secrets import secrets_of, without_secrets
from llmops_git.commands.trial import Candidate, Evaluated
from llmops_git.configs.values import Evaluation, Repeats
from llmops_git.errors import LlmopsError
from llmops_git.evals.escalation import looks
from llmops_git.evals.merge import merge_runs, merged_problems, merged_spending
from llmops_git.evals.plan import make_plan
from llmops_git.evals.run import Outcome
from llmops_git.evals.shard_file import ShardRecord
from llmops_git.evals.values import Run
from llmops_git.traces.span import Span

if TYPE_CHECKING:
    from llmops_git.configs.policy import Policy


def merge_shards(
    records: Sequence[ShardRecord],
    candidates: Sequence[Candidate],
    *,
    spans: Iterable[Span],
    policy: Policy,
    label: Label,
    started: datetime,
    earlier: Mapping[Key, Run] | None = None,
) -> Evaluated:
    """Compare and gate the candidates on `complete` records. `earlier` are runs of earlier attempts: of each, what was there
    before these shards is counted with them. Raises LlmopsError where the records are of something else."""
    pairings = [pairing for candidate in candidates for pairing in pairings_of(candidate)]
    asked = records[0].of.repeats
    repeats = first_looks(pairings, asked)
    jobs = jobs_of(pairings, repeats)
    runs = merge_runs(records, jobs)
    if not pairings:
        return Evaluated(report=unmeasured_report(candidates, policy, label))
    outcome = Outcome(runs=runs, spending=merged_spending(records), spans=spans, problems=merged_problems(records))
    first = records[0].of.first_repeat
    known = before(earlier or {}, first)
    if first and not known:  # the new samples alone would be a choice between two attempts
        raise LlmopsError("the shards add to an earlier attempt, and that cannot be read", hint="run all jobs again")
    outcome = pooled(outcome, known)
    allowed = sequence_of(asked)
    decision = decision_on(pairings, outcome.runs, policy=policy, looks=allowed)
    wanted = escalated(pairings, decision.comparisons, repeats, looks=allowed, policy=policy)
    if wanted:
        outcome = replace(outcome, problems=(*outcome.problems, more_repeats(wanted)))
    plan = make_plan(list(jobs.values()), cache=None, prices={}, first_repeat=first)
    decision = with_impact(decision, pairings, plan.asked, outcome.runs)
    report = decided_report(candidates, pairings, decision, outcome, policy=policy, label=label, started=started)
    evaluated = Evaluated(report=report, runs=outcome.runs, spans=spans)
    return without_secrets(evaluated, secrets_of(policy, os.environ))


def sequence_of(asked: int) -> Callable[[Evaluation], Repeats]:
    """The looks that are allowed at `asked` repeats (0: the config's own).

    Shards are asked for more repeats by hand, after a look at fewer: a number that is one of the config's looks counts as that
    look and is held to its share of alpha, or looking again would be free. Any other number is one look of its own.
    """

    def allowed(evaluation: Evaluation) -> Repeats:
        own = evaluation.repeats
        if not asked or asked in looks(own):
            return own
        return Repeats(start=asked, max=asked)

    return allowed


def before(earlier: Mapping[Key, Run], first_repeat: int) -> dict[Key, Run]:
    """Of earlier attempts, the samples before `first_repeat`: the later ones are those of these shards, merged once already."""
    found = {}
    for key, run in earlier.items():
        samples = tuple(sample for sample in run.samples if sample.repeat < first_repeat)
        if samples:
            found[key] = replace(run, samples=samples, repeats=min(run.repeats, first_repeat))
    return found


def more_repeats(wanted: Mapping[str, int]) -> str:
    """What to do about a question that more repeats could settle."""
    return f"more repeats could settle what is inconclusive: run every shard again with `--repeats {max(wanted.values())}`"
