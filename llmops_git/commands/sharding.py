"""Measures one shard of an evaluation: its cases on both sides, within its share of the budget, and no verdict.

Whether more repeats are needed is not decided here but on all shards together (`merging`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from llmops_git import __version__
from llmops_git.commands.assemble import how_measured
from llmops_git.commands.deciding import first_looks
from llmops_git.commands.evaluate import limits_of
from llmops_git.commands.impact import taken_over
from llmops_git.commands.opened import fingerprints, opened_providers, replies_cache
from llmops_git.commands.pairings import Key, contests_of, jobs_of, pairings_of
from llmops_git.commands.pooling import first_repeat
from llmops_git.commands.reuse import reused_runs, with_reused
from llmops_git.commands.secrets import secrets_of, without_secrets
from llmops_git.commands.tool_stubs import opened_stubs, stubbed
from llmops_git.commands.trial import Candidate, Evaluated, Settings
from llmops_git.configs.digest import digest_of
from llmops_git.configs.policy import Budget
from llmops_git.evals.pacing import Limits
from llmops_git.evals.plan import Plan, make_plan
from llmops_git.evals.run import Job, Outcome, evaluate
from llmops_git.evals.shard_file import Measured, ShardRecord
from llmops_git.evals.shards import Shard, part_of, part_of_run, share_of
from llmops_git.evals.values import Run
from llmops_git.providers.prices import price_table
from llmops_git.reports.values import ConfigReport, Report

if TYPE_CHECKING:
    from llmops_git.configs.policy import Policy
    from llmops_git.repo.changes import ChangeSet

TOOL = f"llmops-git {__version__}"


def policy_digest(policy: Policy) -> str:
    """The digest of a policy without its budget, which is no part of what is measured."""
    return digest_of(asdict(replace(policy, budget=Budget())))


def measured(
    changes: ChangeSet,
    policy: Policy,
    *,
    side: str = "base",
    configs: Iterable[str] = (),
    environment: str | None = None,
    settings: Settings,
) -> Measured:
    """What all shards of this evaluation have in common."""
    return Measured(
        tool=TOOL,
        base=changes.base_oid,
        head=changes.head_name,
        policy=policy_digest(policy),
        policy_side="base" if side == "base" else "head",
        configs=tuple(configs),
        environment=environment or "",
        repeats=settings.repeats or 0,
        first_repeat=first_repeat(settings.earlier),
    )


def whole_jobs(candidates: Sequence[Candidate], settings: Settings) -> dict[Key, Job]:
    """What the unsharded run would measure first."""
    pairings = [pairing for candidate in candidates for pairing in pairings_of(candidate)]
    return jobs_of(pairings, first_looks(pairings, settings.repeats))


def plan_shard(candidates: Sequence[Candidate], *, shard: Shard, policy: Policy, settings: Settings) -> Plan:
    """What measuring the shard would ask for, without asking."""
    parts = [part_of(job, shard) for job in whole_jobs(candidates, settings).values()]
    with replies_cache(settings) as cache:
        return make_plan(parts, cache=cache, prices=price_table(policy), stubbed=stubbed(policy, settings))


def known_bases(candidates: Sequence[Candidate], policy: Policy, settings: Settings) -> dict[Key, Run]:
    """The runs of bases that need not be made again, as far as can be told without asking a provider who it is."""
    pairings = [pairing for candidate in candidates for pairing in pairings_of(candidate)]
    whole = whole_jobs(candidates, settings)
    with replies_cache(settings) as cache:
        plan = make_plan(list(whole.values()), cache=cache, prices=price_table(policy), stubbed=stubbed(policy, settings))
    return dict(reused_runs(pairings, whole, plan, settings.released))


def evaluate_shard(
    candidates: Sequence[Candidate],
    *,
    shard: Shard,
    of: Measured,
    policy: Policy,
    settings: Settings,
    total: int,
    known: Mapping[Key, Run] | None = None,
    budget: Budget | None = None,
) -> tuple[Evaluated, ShardRecord]:
    """Measure the shard's cases. The report has no verdict; the record is what `merge` needs, without its runs, which are
    those of the report. Where somebody else decided on them: `known` are the runs of bases that are not made again, and
    `budget` takes the place of the shard's share of the policy's."""
    started = datetime.now(UTC)
    outcome, answered = _measured(candidates, shard, policy, settings, known, budget)
    report = Report(
        base=of.base,
        head=of.head,
        configs_total=total,
        configs=tuple(_config_report(candidate, outcome, shard) for candidate in candidates),
        verdict="invalid",
        gate_passes=False,
        spending=outcome.spending,
        how=how_measured(policy, outcome, started),
        shard=shard,
    )
    evaluated = Evaluated(report=report, runs=outcome.runs, spans=outcome.spans)
    evaluated = without_secrets(evaluated, secrets_of(policy, os.environ))
    record = ShardRecord(
        shard=shard,
        of=of,
        runs=evaluated.runs,
        spending=outcome.spending,
        fingerprints=answered,
        problems=tuple(evaluated.report.how["notes"]),
    )
    return evaluated, record


def paced(limits: Limits, shard: Shard) -> Limits:
    """The shard's share of a pace that the policy sets for all of them together: they run at the same time."""
    return Limits(rpm=-(-limits.rpm // shard.of), tpm=-(-limits.tpm // shard.of))


def is_measured(evaluated: Evaluated) -> bool:
    """Whether the shard can add anything: False where it asked something and was never answered."""
    samples = [sample for run in evaluated.runs for sample in run.samples]
    return not samples or any(not sample.error for sample in samples)


def _measured(
    candidates: Sequence[Candidate],
    shard: Shard,
    policy: Policy,
    settings: Settings,
    bases: Mapping[Key, Run] | None,
    budget: Budget | None,
) -> tuple[Outcome, dict[str, str]]:
    """What came out, and what the providers say of themselves."""
    pairings = [pairing for candidate in candidates for pairing in pairings_of(candidate)]
    whole = whole_jobs(candidates, settings)
    prices, first = price_table(policy), first_repeat(settings.earlier)
    with (
        replies_cache(settings) as cache,
        opened_providers(whole.values(), policy, settings) as providers,
        opened_stubs(policy, settings) as stubs,
    ):
        answering = fingerprints(providers)

        planned = partial(
            make_plan,
            cache=cache,
            prices=prices,
            fingerprints=answering,
            first_repeat=first,
            stubbed=stubbed(policy, settings),
        )
        # whether a base was measured before is decided on all of its cases, so that all shards decide alike
        everything = planned(list(whole.values()))
        reused = reused_runs(pairings, whole, everything, settings.released) if bases is None else bases
        known = {
            key: sample
            for key, sample in taken_over(pairings, everything.asked, reused, whole, answering).items()
            if shard.has(sample.case)
        }
        parts = [part_of(job, shard) for key, job in whole.items() if key not in reused]
        plan = planned(parts, known=known.keys())
        if settings.on_plan:
            settings.on_plan(plan)
        outcome = evaluate(
            parts,
            providers=providers,
            cache=cache,
            budget=budget or share_of(policy.budget, whole.values(), shard),
            prices=prices,
            on_progress=settings.on_progress,
            first_repeat=first,
            plan=plan,
            allowed_scorers=policy.allowed_scorers,
            allowed_checks=policy.allowed_checks,
            limits={name: paced(limits, shard) for name, limits in limits_of(policy, settings).items()},
            known=known,
            stubs=stubs,
            contests=contests_of(pairings, reused),
        )
        return with_reused(outcome, {key: part_of_run(run, shard) for key, run in reused.items()}), answering


def _config_report(candidate: Candidate, outcome: Outcome, shard: Shard) -> ConfigReport:
    whole = {case.id for base in candidate.bases if base.config and base.config.evaluation
             for case in base.config.evaluation.cases}  # fmt: skip
    whole |= {case.id for case in candidate.head.evaluation.cases} if candidate.head.evaluation else set()
    runs = tuple(run for run in outcome.runs if run.config_digest == candidate.head.digest)
    return ConfigReport(
        change=candidate.change,
        comparisons=(),
        runs=runs,
        verdict="invalid",
        gate_passes=False,
        evaluated=False,
        notes=(*candidate.notes, f"{shard}: {sum(map(shard.has, whole)):,} of {len(whole):,} cases"),
    )
