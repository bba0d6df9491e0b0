"""Compares one config's head with one base under one evaluation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from llmops_git.configs.policy import GateSettings
from llmops_git.configs.values import Case, Evaluation, ScorerGate
from llmops_git.evals.compare.absolute import Absolute, floors, must_pass
from llmops_git.evals.compare.alone import score_alone
from llmops_git.evals.compare.flips import Moved, flipped_cases, moved_cases
from llmops_git.evals.compare.pairs import Sides, pair_scores, side_by_side, structural_faults
from llmops_git.evals.compare.ratio import compare_ratios, head_only, over_budget
from llmops_git.evals.compare.slices import by_slice, compare_slices, slices_alone
from llmops_git.evals.compare.soft import Frame, compare_scorer, too_few
from llmops_git.evals.gate import settle
from llmops_git.evals.preferences import order_notes, with_preferences
from llmops_git.evals.values import (
    Against,
    Comparison,
    Instrument,
    Run,
    SampleResult,
    ScorerComparison,
    ScorerDeclaration,
    SliceComparison,
)


def compare(
    base: Run | None,
    head: Run,
    *,
    evaluation: Evaluation,
    settings: GateSettings,
    against: Against,
    base_name: str,
    instrument: Instrument,
) -> Comparison:
    """Compare two runs made under `evaluation`; the case is the unit, repeats are averaged within it.

    `settings.alpha` is the one-sided level of this look (`escalation.alpha_for`). The verdict is the one that this
    comparison bears by itself; `gate.decide` corrects for all of them together. The same run on both sides (only the way it
    is measured changed) is unchanged, however few the cases. Without a base it is against nothing
    and only absolute rules apply (must-pass cases, floors, coverage): unchanged, invalid, or regressed by a hard failure.
    """
    blank = Comparison(
        config=head.config,
        against=against if base else "nothing",
        base_name=base_name,
        instrument=instrument,
        base_digest=base.config_digest if base else "",
        head_digest=head.config_digest,
        eval_digest=evaluation.digest,
        scorers=(),
        ratios=(),
        flipped=(),
        planned=len(evaluation.cases) * min(run.repeats for run in (base, head) if run),
        measured=0,
        errors=_errors(run for run in (base, head) if run),
        hard_failures=(),
        leaning_worse=False,
        verdict="invalid",
        reasons=(),
        gate_passes=False,
        unmeasured=structural_faults(base, head, evaluation),
    )
    base, head = with_preferences(base, head)
    if not blank.unmeasured:
        blank = _between(blank, base, head, evaluation, settings) if base else _alone(blank, head, evaluation, settings)
    return settle(blank, settings=settings)


def _between(blank: Comparison, base: Run, head: Run, evaluation: Evaluation, settings: GateSettings) -> Comparison:
    sides = side_by_side(base, head, [case.id for case in evaluation.cases])
    frame = Frame(settings=settings, repeats=sides.planned, clusters=head.clusters)
    absolute = _absolute(base, head, evaluation, settings)
    cases = {case.id: case for case in evaluation.cases}
    scorers: list[ScorerComparison] = []
    moved: list[Moved] = []
    slices: list[list[SliceComparison]] = []
    for declaration in head.scorers:
        if not declaration.ratio:
            scorer, flips, parts = _soft(sides, declaration, evaluation, frame, absolute, cases)
            scorers.append(scorer)
            moved += flips
            slices.append(parts)
    ratios = compare_ratios(sides, evaluation.budgets, alpha=settings.alpha, declared=head.scorers)
    measured = sum(not first.error and not second.error for case in sides.cases for first, second in sides.of(case))
    if base is head:
        scorers = [_unmoved(scorer) for scorer in scorers]
    return replace(
        blank,
        scorers=_noted(_noted(scorers, absolute.scorer_notes), order_notes(head, base.config_digest)),
        ratios=ratios,
        flipped=flipped_cases(moved, sides, cases),
        slices=by_slice(slices),
        measured=measured,
        hard_failures=(*absolute.hard_failures, *over_budget(ratios)),
        unmeasured=(*absolute.unmeasured, *_coverage(blank, measured, scorers, settings)),
    )


def _soft(
    sides: Sides,
    declaration: ScorerDeclaration,
    evaluation: Evaluation,
    frame: Frame,
    absolute: Absolute,
    cases: Mapping[str, Case],
) -> tuple[ScorerComparison, list[Moved], list[SliceComparison]]:
    """Everything about one scorer. Its pairs end with this call: with many cases they are what is large."""
    pairs = pair_scores(sides, declaration)
    scorer = compare_scorer(
        pairs,
        declaration,
        frame,
        gating=_gates(evaluation, declaration),
        margin=_margin(evaluation, declaration, frame.settings),
        unmeasured=absolute.scorer_unmeasured.get(declaration.name, ()),
    )
    return scorer, moved_cases(declaration, pairs, cases), compare_slices(declaration, pairs, evaluation, frame)


def _unmoved(scorer: ScorerComparison) -> ScorerComparison:
    """One run against itself: the config is the same, so no number of cases could show a difference."""
    if scorer.verdict != "inconclusive":
        return scorer
    return replace(scorer, verdict="unchanged", notes=("the same configuration on both sides: one run stands for both",))


def _alone(blank: Comparison, head: Run, evaluation: Evaluation, settings: GateSettings) -> Comparison:
    absolute = _absolute(None, head, evaluation, settings)
    scorers = [
        score_alone(
            head,
            declaration,
            settings,
            gating=_gates(evaluation, declaration),
            margin=_margin(evaluation, declaration, settings),
            unmeasured=absolute.scorer_unmeasured.get(declaration.name, ()),
        )
        for declaration in head.scorers
        if not declaration.ratio
    ]
    measured = sum(not sample.error for sample in head.samples)
    return replace(
        blank,
        scorers=_noted(scorers, absolute.scorer_notes),
        ratios=head_only(head, evaluation.budgets),
        slices=slices_alone(head, evaluation),
        measured=measured,
        hard_failures=absolute.hard_failures,
        unmeasured=(*absolute.unmeasured, *_coverage(blank, measured, scorers, settings)),
    )


def _absolute(base: Run | None, head: Run, evaluation: Evaluation, settings: GateSettings) -> Absolute:
    gating = [declaration for declaration in head.scorers if _gates(evaluation, declaration)]
    frame = Frame(settings=settings, repeats=head.repeats, clusters=head.clusters)
    cases, bounds = must_pass(base, head, evaluation, gating), floors(head, evaluation.gates, gating, frame)
    return replace(cases, hard_failures=(*cases.hard_failures, *bounds.hard_failures), scorer_notes=bounds.scorer_notes)


def _gates(evaluation: Evaluation, declaration: ScorerDeclaration) -> bool:
    return not declaration.ratio and evaluation.gates.get(declaration.name, ScorerGate()).mode == "soft"


def _margin(evaluation: Evaluation, declaration: ScorerDeclaration, settings: GateSettings) -> float:
    own = evaluation.gates.get(declaration.name, ScorerGate()).margin
    return settings.margin if own is None else own


def _noted(scorers: Iterable[ScorerComparison], notes: Mapping[str, tuple[str, ...]]) -> tuple[ScorerComparison, ...]:
    return tuple(replace(scorer, notes=(*scorer.notes, *notes.get(scorer.scorer, ()))) for scorer in scorers)


def _coverage(blank: Comparison, measured: int, scorers: Sequence[ScorerComparison], settings: GateSettings) -> tuple[str, ...]:
    """Coverage is a matter of each gating scorer; where none gates it is one of the samples."""
    if any(scorer.gating for scorer in scorers):
        return ()
    return tuple(too_few(measured, blank.planned, settings))


def _errors(runs: Iterable[Run]) -> dict[str, int]:
    """How often each class of error left a sample, or one of its scores, unmeasured."""
    return dict(sorted(Counter(error for run in runs for sample in run.samples for error in _classes(sample)).items()))


def _classes(sample: SampleResult) -> list[str]:
    if sample.error:
        return [sample.error]
    return [score.label or "scorer" for score in sample.scores.values() if score.state == "not_measured"]
