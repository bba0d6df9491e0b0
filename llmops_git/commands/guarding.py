"""Guardrails under the gate of a change: both sides of every trial measured on the same texts, and what the report says of
them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llmops_git.commands.guard_packs import Bench
from llmops_git.commands.guard_trials import Guarded, Trial
from llmops_git.configs.values import Change
from llmops_git.evals.gate import decide, worst
from llmops_git.evals.guard_gate import compare_packs
from llmops_git.reports.values import ConfigReport, Report

if TYPE_CHECKING:
    from llmops_git.commands.trial import Evaluated, Settings
    from llmops_git.configs.policy import Policy
    from llmops_git.evals.values import Comparison


def with_guardrails(evaluated: Evaluated, guarded: Guarded, *, policy: Policy, settings: Settings) -> Evaluated:
    """What was evaluated, with the guardrail packs that the change concerns: measured on both sides, gated, in the report."""
    from llmops_git.commands.guard_session import opened_session, with_spending
    from llmops_git.commands.secrets import secrets_of
    from llmops_git.reports.redact import redacted

    if not guarded.trials:
        return evaluated
    packs = [pack for trial in guarded.trials for pack in (*(trial.base or ()), *trial.head)]
    report = evaluated.report
    with opened_session(packs, policy, settings, spent=report.spending) as session:
        bench = Bench(session, policy.allowed_checks)
        entries = measured_entries(guarded.trials, bench, policy, base_name=guarded.base_name)
        if session is not None:
            report = replace(report, spending=with_spending(report.spending, session.spending()))
    entries = redacted(entries, secrets_of(policy, os.environ))
    return replace(evaluated, report=with_entries(report, entries, policy, guarded.notes))


def with_entries(report: Report, entries: Sequence[ConfigReport], policy: Policy, notes: Sequence[str] = ()) -> Report:
    """The report with its packs; it is as good as the worst of all entries."""
    both = [*report.configs, *entries]
    how = dict(report.how) or {"alpha": policy.gate.alpha, "margin": policy.gate.margin}
    return replace(
        report,
        guardrails=tuple(entries),
        verdict=worst(entry.verdict for entry in both),
        gate_passes=all(entry.gate_passes for entry in both),
        how={**how, "notes": [*how.get("notes", ()), *notes]} if notes else how,
    )


def measured_entries(trials: Iterable[Trial], bench: Bench, policy: Policy, *, base_name: str) -> list[ConfigReport]:
    """The entries of the report: every trial measured and compared, all of them one family under the gate."""
    found = [(trial, list(_comparisons(trial, bench, policy, base_name))) for trial in trials]
    decision = decide([comparison for _, comparisons in found for comparison in comparisons], settings=policy.gate)
    return [
        _entry(trial, [one for one in decision.comparisons if one.config == trial.name], policy)
        if comparisons
        else _unproven(trial, policy)
        for trial, comparisons in found
    ]


def _comparisons(trial: Trial, bench: Bench, policy: Policy, base_name: str) -> Iterator[Comparison]:
    for instrument, suite, measure in trial.suites:
        before = bench.measured(trial.name, trial.base, suite) if trial.base is not None else None
        comparison = compare_packs(
            before,
            bench.measured(trial.name, trial.head, suite),
            suite=suite,
            gate=measure,
            settings=policy.gate,
            against="merge base",
            base_name=base_name,
            instrument=instrument,
        )
        yield replace(comparison, config=trial.name)


def _entry(trial: Trial, comparisons: Sequence[Comparison], policy: Policy) -> ConfigReport:
    verdict, passes = worst(one.verdict for one in comparisons), all(one.gate_passes for one in comparisons)
    if not any(one.instrument == "head" for one in comparisons) and not trial.config:  # its own suites were taken away
        verdict, passes = worst([verdict, "inconclusive"]), passes and policy.gate.on_inconclusive != "block"
    return ConfigReport(
        change=_change(trial),
        comparisons=tuple(comparisons),
        runs=(),
        verdict=verdict,
        gate_passes=passes,
        notes=trial.notes,
        kind="pack",
    )


def _unproven(trial: Trial, policy: Policy) -> ConfigReport:
    """A pack without a suite: nothing was measured, and the report says so."""
    return ConfigReport(
        change=_change(trial),
        comparisons=(),
        runs=(),
        verdict="inconclusive",
        gate_passes=policy.gate.on_inconclusive != "block",
        evaluated=False,
        notes=trial.notes,
        kind="pack",
    )


def _change(trial: Trial) -> Change:
    return Change(config=trial.name, status=trial.status, aspects=(trial.aspect,))
