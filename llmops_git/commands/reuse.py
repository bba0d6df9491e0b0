"""Runs that need not be made again: a base was measured when it was released, and the evidence branch keeps that run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from llmops_git.commands.pairings import Key, Pairing
from llmops_git.evals.plan import Plan
from llmops_git.evals.run import Job
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
