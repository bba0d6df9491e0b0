"""Evaluates heads against their bases: which runs are needed, run them, compare, gate, and make the report value.

Shared by `eval` and `release`. Every (config, evaluation) pair is run once, however many comparisons use it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.commands.assemble import config_report, how_measured, removed_report, unmeasured_report
from llmops_git.commands.opened import fingerprints, opened_providers, replies_cache
from llmops_git.commands.pairings import Key, Pairing, jobs_of, pairings_of
from llmops_git.commands.pooling import first_repeat, pooled
from llmops_git.commands.reuse import bases_to_ask, released_runs
from llmops_git.commands.secrets import secrets_of, without_secrets
from llmops_git.commands.trial import Base, Candidate, Evaluated, Released, Settings
from llmops_git.configs.values import Change, Config, Evaluation, Repeats
from llmops_git.evals.budget import Ledger
from llmops_git.evals.compare import compare
from llmops_git.evals.escalation import alpha_for, next_repeats
from llmops_git.evals.gate import Decision, decide, worst
from llmops_git.evals.pacing import Limits
from llmops_git.evals.plan import Plan, make_plan
from llmops_git.evals.run import Job, Outcome, evaluate
from llmops_git.evals.values import Against, Comparison, Run, Spending
from llmops_git.providers.prices import price_table
from llmops_git.reports.values import Report

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.configs.policy import Policy


def evaluate_candidates(
    candidates: Sequence[Candidate],
    *,
    policy: Policy,
    settings: Settings,
    base: str,
    head: str,
    total: int,
    removed: Sequence[Change] = (),
) -> Evaluated:
    """Run, compare and gate all candidates. `base`, `head` and `total` only label the report; configs that were `removed`
    are reported, since a change that takes one away should not look like one that changes nothing."""
    gone = tuple(removed_report(change) for change in removed)
    pairings = [pairing for candidate in candidates for pairing in pairings_of(candidate)]
    started = datetime.now(UTC)
    if not pairings:
        return Evaluated(report=unmeasured_report(candidates, gone, policy, base=base, head=head, total=total))
    outcome, decision = _run_until_decided(pairings, policy, settings)
    reports = (*(config_report(candidate, pairings, decision, outcome, policy) for candidate in candidates), *gone)
    report = Report(
        base=base,
        head=head,
        configs_total=total,
        configs=reports,
        verdict=worst(config.verdict for config in reports),
        gate_passes=all(config.gate_passes for config in reports),
        spending=outcome.spending,
        how=how_measured(policy, outcome, started),
    )
    evaluated = Evaluated(report=report, runs=outcome.runs, spans=outcome.spans)
    return without_secrets(evaluated, secrets_of(policy, os.environ))


def evaluate_configs(
    project: Project, pairs: Sequence[tuple[Config | None, Config, str]], *, against: Against, policy: Policy, head: str = ""
) -> Evaluated:
    """Evaluate heads against one base each: (base or None, head, base's name). Used where no diff is at hand. `head` only
    labels the report."""
    candidates = [
        Candidate(
            change=change_between(base, head),
            head=head,
            bases=(Base(config=base, against=against if base else "nothing", name=name),),
        )
        for base, head, name in pairs
    ]
    settings = Settings(replies=replies_folder(project), released=known_from_releases(project, policy))
    return evaluate_candidates(candidates, policy=policy, settings=settings, base="", head=head, total=len(pairs))


def known_from_releases(project: Project, policy: Policy) -> Released:
    """How a run finds what releases measured."""
    return lambda wanted: released_runs(project, policy, wanted, datetime.now(UTC))


def change_between(base: Config | None, head: Config) -> Change:
    """The change from one loaded config to another."""
    from llmops_git.configs.diff import compare_configs

    return compare_configs(base, head)


def replies_folder(project: Project) -> Path:
    """Where bought replies are kept: beside the clone's objects, shared by its worktrees, never committed."""
    return project.git.location.common_dir / "llmops-git" / "replies"


def _run_until_decided(pairings: Sequence[Pairing], policy: Policy, settings: Settings) -> tuple[Outcome, Decision]:
    """Run, and while something stays inconclusive and the policy allows it, add repeats for all cases of both sides."""
    repeats = {pairing.evaluation.digest: _looks(pairing.evaluation, settings).start for pairing in pairings}
    prices = price_table(policy)
    with replies_cache(settings) as cache, opened_providers(jobs_of(pairings, repeats).values(), policy, settings) as providers:
        ledger = Ledger(policy.budget)  # one for all looks: escalating may not spend twice
        started = time.monotonic()
        announce = settings.on_plan
        first = first_repeat(settings.earlier)
        while True:
            needed = jobs_of(pairings, repeats)
            planned = partial(make_plan, cache=cache, prices=prices, fingerprints=fingerprints(providers), first_repeat=first)
            plan = planned(list(needed.values()))
            reused = _reused(pairings, needed, plan, settings)
            jobs = [job for key, job in needed.items() if key not in reused]
            if reused:
                plan = planned(jobs)
            if announce:
                announce(plan)
                announce = None
            outcome = evaluate(
                jobs,
                providers=providers,
                cache=cache,
                budget=ledger,
                prices=prices,
                on_progress=settings.on_progress,
                first_repeat=first,
                plan=plan,
                limits=_limits(policy, settings),
            )
            outcome = pooled(_with_reused(outcome, reused), settings.earlier)
            decision = decide(_compare(pairings, outcome, policy, settings), settings=policy.gate, critical=_critical(pairings))
            wanted = {} if settings.repeats else _escalated(pairings, decision.comparisons, repeats)
            if not wanted:
                spent = _spent(outcome.spending, ledger, time.monotonic() - started)
                return replace(outcome, spending=spent), decision
            repeats = {**repeats, **wanted}


def _reused(pairings: Sequence[Pairing], jobs: Mapping[Key, Job], plan: Plan, settings: Settings) -> dict[Key, Run]:
    """The bases' runs that are known from their releases and of which the cache does not know enough."""
    asking = bases_to_ask(pairings, jobs, plan) if settings.released is not None else {}
    if settings.released is None or not asking:
        return {}
    known = settings.released([(name, *key) for key, name in asking.items()])
    return {key: run for key, run in known.items() if key in asking and run.repeats >= jobs[key].repeats}


def _with_reused(outcome: Outcome, reused: Mapping[Key, Run]) -> Outcome:
    if not reused:
        return outcome
    names = ", ".join(sorted({run.config for run in reused.values()}))
    note = f"the base's answers are those measured at its release, at most seven days ago: {names}"
    return replace(outcome, runs=(*outcome.runs, *reused.values()), problems=(*outcome.problems, note))


def _limits(policy: Policy, settings: Settings) -> dict[str, Limits]:
    """The paces that the policy sets. Recorded replies have none."""
    if settings.replay is not None:
        return {}
    return {name: Limits(rpm=provider.rpm, tpm=provider.tpm) for name, provider in policy.providers.items()}


def _spent(last: Spending, ledger: Ledger, seconds: float) -> Spending:
    """The spending of all looks: the last one planned everything, and the ledger saw each call."""
    answered = max(0, last.sent + last.cached - ledger.requests)
    return replace(last, sent=ledger.requests, cached=answered, cost_usd=ledger.cost_usd, seconds=seconds)


def _escalated(pairings: Sequence[Pairing], comparisons: Sequence[Comparison], repeats: Mapping[str, int]) -> dict[str, int]:
    wanted: dict[str, int] = {}
    for evaluation in {pairing.evaluation.digest: pairing.evaluation for pairing in pairings}.values():
        own = [comparison for comparison in comparisons if comparison.eval_digest == evaluation.digest]
        after = next_repeats(own, repeats[evaluation.digest], evaluation.repeats)
        if after > repeats[evaluation.digest]:
            wanted[evaluation.digest] = after
    return wanted


def _looks(evaluation: Evaluation, settings: Settings) -> Repeats:
    """A number of repeats asked for by hand is one look; the config's own may be several."""
    return Repeats(start=settings.repeats, max=settings.repeats) if settings.repeats else evaluation.repeats


def _compare(pairings: Sequence[Pairing], outcome: Outcome, policy: Policy, settings: Settings) -> list[Comparison]:
    runs = _by_key(outcome)
    return [
        compare(
            runs[(pairing.base.config.digest, pairing.evaluation.digest)] if pairing.base.config else None,
            # configs of equal content share a run, which has the name of one of them
            replace(runs[(pairing.candidate.head.digest, pairing.evaluation.digest)], config=pairing.candidate.head.name),
            evaluation=pairing.evaluation,
            settings=replace(policy.gate, alpha=alpha_for(_looks(pairing.evaluation, settings), policy.gate)),
            against=pairing.base.against,
            base_name=pairing.base.name,
            instrument=pairing.instrument,
        )
        for pairing in pairings
    ]


def _by_key(outcome: Outcome) -> dict[Key, Run]:
    return {(run.config_digest, run.eval_digest): run for run in outcome.runs}


def _critical(pairings: Sequence[Pairing]) -> frozenset[str]:
    return frozenset(pairing.candidate.head.name for pairing in pairings if pairing.candidate.head.critical)


def plan_candidates(candidates: Sequence[Candidate], *, policy: Policy, settings: Settings) -> Plan:
    """What evaluating these would ask for, without asking."""
    pairings = [pairing for candidate in candidates for pairing in pairings_of(candidate)]
    repeats = {pairing.evaluation.digest: _looks(pairing.evaluation, settings).start for pairing in pairings}
    with replies_cache(settings) as cache:
        return make_plan(list(jobs_of(pairings, repeats).values()), cache=cache, prices=price_table(policy))
