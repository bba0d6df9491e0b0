"""Puts what the gate decided into the report value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from llmops_git import __version__
from llmops_git.commands.advisory import advisory_notes
from llmops_git.commands.pairings import Pairing, changed_judges, edits_instrument
from llmops_git.commands.trial import Candidate
from llmops_git.commands.unlabelled import unlabelled_notes
from llmops_git.configs.policy import Policy
from llmops_git.configs.values import Change
from llmops_git.evals.gate import Decision, worst
from llmops_git.evals.run import Outcome
from llmops_git.reports.values import ConfigReport, Report

NO_EVALUATION = "has no `evaluation:` section: nothing shows that this change is safe"
REMOVED = "is removed: its releases stay, and what runs in an environment goes on running there"
OTHER_JUDGE = (
    "has another judge: scores under the old and the new one are not comparable, and each table has one for both sides"
)
EDITS_INSTRUMENT = "this change edits its own eval set, scorers or gate: it is scored on the base's as well"


def config_report(
    candidate: Candidate, pairings: Sequence[Pairing], decision: Decision, outcome: Outcome, policy: Policy
) -> ConfigReport:
    name = candidate.head.name
    if not any(pairing.candidate is candidate for pairing in pairings):
        return _unproven(candidate, policy)
    digests = {(config.digest, pairing.evaluation.digest)
               for pairing in pairings if pairing.candidate is candidate
               for config in (pairing.base.config, pairing.candidate.head) if config}  # fmt: skip
    notes = [*candidate.notes]
    if edits_instrument(candidate.bases[0].config, candidate.head):
        notes.append(EDITS_INSTRUMENT)
    notes += [f"`{scorer}` {OTHER_JUDGE}" for scorer in changed_judges(candidate.bases[0].config, candidate.head)]
    notes += advisory_notes(candidate.head.evaluation, policy)
    notes += unlabelled_notes(candidate.head.evaluation)
    verdict, passes = decision.verdicts[name], decision.passes[name]
    if candidate.head.evaluation is None:  # taken away: the base's can stop the change, and cannot prove it safe
        notes.append(f"`{name}` {NO_EVALUATION}")
        verdict, passes = worst([verdict, "inconclusive"]), passes and policy.gate.on_inconclusive != "block"
    return ConfigReport(
        change=candidate.change,
        comparisons=tuple(comparison for comparison in decision.comparisons if comparison.config == name),
        runs=tuple(run for run in outcome.runs if (run.config_digest, run.eval_digest) in digests),
        verdict=verdict,
        gate_passes=passes,
        notes=tuple(notes),
    )


def _unproven(candidate: Candidate, policy: Policy) -> ConfigReport:
    """A changed config without an evaluation: nothing was measured, and the report says so."""
    return ConfigReport(
        change=candidate.change,
        comparisons=(),
        runs=(),
        verdict="inconclusive",
        gate_passes=policy.gate.on_inconclusive != "block",
        evaluated=False,
        notes=(*candidate.notes, f"`{candidate.head.name}` {NO_EVALUATION}"),
    )


def removed_report(change: Change) -> ConfigReport:
    """A config that is gone: nothing can be measured, and whoever asks for it by name should know."""
    return ConfigReport(
        change=change,
        comparisons=(),
        runs=(),
        verdict="unchanged",
        gate_passes=True,
        evaluated=False,
        notes=(f"`{change.config}` {REMOVED}",),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a report says of the change: its sides, how many configs there are, and which of them are gone."""

    base: str
    head: str
    total: int
    removed: Sequence[Change] = ()


def decided_report(
    candidates: Sequence[Candidate],
    pairings: Sequence[Pairing],
    decision: Decision,
    outcome: Outcome,
    *,
    policy: Policy,
    label: Label,
    started: datetime,
) -> Report:
    """The report on everything that was measured and decided."""
    gone = tuple(removed_report(change) for change in label.removed)
    configs = (*(config_report(candidate, pairings, decision, outcome, policy) for candidate in candidates), *gone)
    return Report(
        base=label.base,
        head=label.head,
        configs_total=label.total,
        configs=configs,
        verdict=worst(config.verdict for config in configs),
        gate_passes=all(config.gate_passes for config in configs),
        spending=outcome.spending,
        how=how_measured(policy, outcome, started),
    )


def unmeasured_report(candidates: Sequence[Candidate], policy: Policy, label: Label) -> Report:
    """The report where there was nothing to run: no change, or only configs without an evaluation."""
    gone = tuple(removed_report(change) for change in label.removed)
    unproven = tuple(_unproven(candidate, policy) for candidate in candidates)
    configs = (*unproven, *gone)
    return Report(
        base=label.base,
        head=label.head,
        configs_total=label.total,
        configs=configs,
        verdict="inconclusive" if unproven else "unchanged",
        gate_passes=all(config.gate_passes for config in configs),
    )


def how_measured(policy: Policy, outcome: Outcome, started: datetime) -> dict[str, Any]:
    """How it was measured, for the foot of every report."""
    return {
        "tool": f"llmops-git {__version__}",
        "started_at": started.isoformat(timespec="seconds"),
        "alpha": policy.gate.alpha,
        "margin": policy.gate.margin,
        "repeats": max((run.repeats for run in outcome.runs), default=0),
        "models": sorted({f"{run.provider}/{run.model}" for run in outcome.runs}),
        "engines": sorted({run.engine for run in outcome.runs if run.engine}),
        "notes": list(outcome.problems),
    }
