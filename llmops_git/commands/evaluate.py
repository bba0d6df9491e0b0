"""Evaluates heads against their bases: which runs are needed, run them, compare, gate, and make the report value.

Shared by `eval` and `release`. Every (config, evaluation) pair is run once, however many comparisons use it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.commands.assemble import Label, decided_report, unmeasured_report
from llmops_git.commands.deciding import decision_on, escalated, first_looks, looks_asked
from llmops_git.commands.impact import taken_over, with_impact
from llmops_git.commands.opened import fingerprints, opened_providers, replies_cache
from llmops_git.commands.pairings import Pairing, contests_of, jobs_of, pairings_of
from llmops_git.commands.pooling import first_repeat, pooled
from llmops_git.commands.reuse import released_runs, reused_runs, with_reused
from llmops_git.commands.secrets import secrets_of, without_secrets
from llmops_git.commands.stages import first_stage, levels_of, next_stage, seen_pairings, stopped_notes
from llmops_git.commands.tool_stubs import opened_stubs, stubbed
from llmops_git.commands.trial import Base, Candidate, Evaluated, Released, Settings
from llmops_git.configs.values import Change, Config
from llmops_git.evals.budget import Ledger
from llmops_git.evals.gate import Decision
from llmops_git.evals.history import History
from llmops_git.evals.pacing import Limits
from llmops_git.evals.plan import Plan, make_plan
from llmops_git.evals.run import Outcome, evaluate
from llmops_git.evals.values import Against, Spending
from llmops_git.providers.prices import price_table

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
    label = Label(base=base, head=head, total=total, removed=removed)
    pairings = [pairing for candidate in candidates for pairing in pairings_of(candidate)]
    started = datetime.now(UTC)
    if not pairings:
        return Evaluated(report=unmeasured_report(candidates, policy, label))
    outcome, decision = _run_until_decided(pairings, policy, settings)
    report = decided_report(candidates, pairings, decision, outcome, policy=policy, label=label, started=started)
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
    policy = replace(policy, gate=replace(policy.gate, stop_early=False))  # what others are held to later is measured whole
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
    looks = looks_asked(settings.repeats)
    repeats = first_looks(pairings, settings.repeats)
    prices = price_table(policy)
    with (
        replies_cache(settings) as cache,
        opened_providers(jobs_of(pairings, repeats).values(), policy, settings) as providers,
        opened_stubs(policy, settings) as stubs,
    ):
        ledger = Ledger(policy.budget)  # one for all looks: escalating may not spend twice
        started = time.monotonic()
        announce = settings.on_plan
        first = first_repeat(settings.earlier)
        stage = first_stage(pairings, policy, settings.earlier)
        planned = partial(
            make_plan,
            cache=cache,
            prices=prices,
            fingerprints=fingerprints(providers),
            first_repeat=first,
            stubbed=stubbed(policy, settings),
        )
        while True:
            seen = pairings if announce else seen_pairings(pairings, stage)  # announced is what all cases can cost
            needed = jobs_of(seen, repeats)
            plan = planned(list(needed.values()))
            reused, asked = reused_runs(seen, needed, plan, settings.released), plan.asked
            jobs = [job for key, job in needed.items() if key not in reused]
            known = taken_over(seen, asked, reused, needed, fingerprints(providers))
            if reused:
                plan = planned(jobs, known=known.keys(), history=History(reused.values()))
            if announce:
                announce(plan)
                announce = None
                if seen_pairings(pairings, stage) != seen:
                    continue
            outcome = evaluate(
                jobs,
                providers=providers,
                cache=cache,
                budget=ledger,
                prices=prices,
                on_progress=settings.on_progress,
                first_repeat=first,
                plan=plan,
                allowed_scorers=policy.allowed_scorers,
                allowed_checks=policy.allowed_checks,
                limits=limits_of(policy, settings),
                known=known,
                stubs=stubs,
                contests=contests_of(seen, reused),
            )
            outcome = pooled(with_reused(outcome, reused), settings.earlier)
            levels = levels_of(pairings, stage, repeats, looks, policy)
            decision = decision_on(seen, outcome.runs, policy=policy, looks=looks, levels=levels)
            following = next_stage(pairings, stage, decision)
            if following is not None:
                stage = following
                continue
            wanted = {} if settings.repeats else escalated(seen, decision.comparisons, repeats, looks=looks, policy=policy)
            if not wanted:
                spent = _spent(outcome.spending, ledger, time.monotonic() - started)
                decision = with_impact(decision, seen, asked, outcome.runs)
                problems = (*outcome.problems, *stopped_notes(pairings, stage))
                return replace(outcome, spending=spent, problems=problems), decision
            repeats = {**repeats, **wanted}


def _spent(last: Spending, ledger: Ledger, seconds: float) -> Spending:
    """The spending of all looks: the last one planned everything, and the ledger saw each call."""
    answered = max(0, last.sent + last.cached - ledger.requests)
    return replace(last, sent=ledger.requests, cached=answered, cost_usd=ledger.cost_usd, seconds=seconds)


def limits_of(policy: Policy, settings: Settings) -> dict[str, Limits]:
    """The paces that the policy sets. Recorded replies have none."""
    if settings.replay is not None:
        return {}
    return {name: Limits(rpm=provider.rpm, tpm=provider.tpm) for name, provider in policy.providers.items()}


def plan_candidates(candidates: Sequence[Candidate], *, policy: Policy, settings: Settings) -> Plan:
    """What evaluating these would ask for, without asking."""
    pairings = [pairing for candidate in candidates for pairing in pairings_of(candidate)]
    repeats = first_looks(pairings, settings.repeats)
    with replies_cache(settings) as cache:
        return make_plan(
            list(jobs_of(pairings, repeats).values()),
            cache=cache,
            prices=price_table(policy),
            stubbed=stubbed(policy, settings),
        )
