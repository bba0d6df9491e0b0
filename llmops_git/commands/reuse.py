"""Runs that need not be made again: a base was measured when it was released, and the evidence branch keeps that run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from llmops_git.commands.pairings import Key, Pairing
from llmops_git.commands.trial import Released
from llmops_git.evals.plan import Plan
from llmops_git.evals.run import Job, Outcome
from llmops_git.evals.values import Run

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy

MAX_AGE = timedelta(days=7)  # as old as a cached reply may be


def released_runs(project: Project, policy: Policy, wanted: Collection[tuple[str, str, str]], now: datetime) -> dict[Key, Run]:
    """The newest complete run on the evidence branch for each (config name, config digest, eval digest), if young enough.

    Whether that run passed or failed does not matter: a baseline is what was measured, not what looked best.
    """
    from llmops_git.evals.evidence import run_from_document
    from llmops_git.releases.evidence import EvidenceKey
    from llmops_git.releases.evidence_branch import read_evidence
    from llmops_git.releases.registry import read_registry
    from llmops_git.repo.refs import remote_in_use

    registry = read_registry(project.git, remote=remote_in_use(project.git, policy.remote))
    records = read_evidence(project.git, registry.evidence, [EvidenceKey(*key) for key in wanted])
    found: dict[Key, Run] = {}
    for key, kept in records.items():
        runs = [run_from_document(dict(record.run)) for record in kept if record.run]
        usable = sorted((run for run in runs if _is_usable(run, now)), key=lambda run: run.started_at)
        if usable:
            found[key.config_digest, key.eval_digest] = usable[-1]
    return found


def _is_usable(run: Run, now: datetime) -> bool:
    complete = len(run.samples) == len(run.cases) * run.repeats and not any(sample.error for sample in run.samples)
    return complete and timedelta(0) <= now - datetime.fromisoformat(run.started_at) <= MAX_AGE


def reused_runs(pairings: Sequence[Pairing], jobs: Mapping[Key, Job], plan: Plan, released: Released | None) -> dict[Key, Run]:
    """The bases' runs that are known from their releases and of which the cache does not know enough."""
    asking = bases_to_ask(pairings, jobs, plan) if released is not None else {}
    if released is None or not asking:
        return {}
    known = released([(name, *key) for key, name in asking.items()])
    fitting = {key: run for key, run in known.items() if key in asking and run.repeats >= jobs[key].repeats}
    parts = {key: _of_cases(run, jobs[key]) for key, run in fitting.items()}
    return {key: run for key, run in parts.items() if run is not None}


def _of_cases(run: Run, job: Job) -> Run | None:
    """The run's part about the job's cases; the very run where these are all, None where it lacks some."""
    ids = tuple(case.id for case in job.evaluation.cases)
    if ids == run.cases:
        return run
    kept = frozenset(ids)
    if not kept <= set(run.cases):
        return None
    return replace(
        run,
        cases=ids,
        must_pass=tuple(case for case in run.must_pass if case in kept),
        clusters={case: cluster for case, cluster in run.clusters.items() if case in kept},
        samples=tuple(sample for sample in run.samples if sample.case in kept),
    )


def with_reused(outcome: Outcome, reused: Mapping[Key, Run]) -> Outcome:
    """The outcome with the runs that were not made again, and a word about them."""
    if not reused:
        return outcome
    names = ", ".join(sorted({run.config for run in reused.values()}))
    note = f"the base's answers are those measured at its release, at most seven days ago: {names}"
    return replace(outcome, runs=(*outcome.runs, *reused.values()), problems=(*outcome.problems, note))


def bases_to_ask(pairings: Sequence[Pairing], jobs: Mapping[Key, Job], plan: Plan) -> dict[Key, str]:
    """The runs of bases for which something would have to be asked: key -> config name."""
    asking = {key for key, planned in zip(jobs, plan.per_job, strict=True) if planned.requests}
    bases = {
        (pairing.base.config.digest, pairing.evaluation.digest): pairing.base.config.name
        for pairing in pairings
        if pairing.base.config is not None
    }
    heads = {(pairing.candidate.head.digest, pairing.evaluation.digest) for pairing in pairings}
    return {key: name for key, name in bases.items() if key in asking and key not in heads}
