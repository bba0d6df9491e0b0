"""Rules on the head alone: must-pass cases and floors. Broken, they fail hard; not statistics but promises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llmops_git.configs.values import Evaluation, ScorerGate
from llmops_git.evals.compare.pairs import case_means, score_of
from llmops_git.evals.compare.soft import Frame, interval_of, labels
from llmops_git.evals.stats import clopper_pearson
from llmops_git.evals.values import Run, SampleResult, ScorerDeclaration


@dataclass(frozen=True, slots=True, kw_only=True)
class Absolute:
    """What the head alone shows: hard failures, and per scorer why it is unmeasured and what was noted."""

    hard_failures: tuple[str, ...]
    unmeasured: tuple[str, ...]
    scorer_unmeasured: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scorer_notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def must_pass(base: Run | None, head: Run, evaluation: Evaluation, gating: Sequence[ScorerDeclaration]) -> Absolute:
    """Every must-pass case is at its best in every repeat of the head, under every gating pass/fail scorer.

    A value that is missing leaves the case, and so its scorer, unmeasured. Failing on the base as well is said, and is
    no excuse.
    """
    cases = [case.id for case in evaluation.cases if case.must_pass]
    binary = [declaration for declaration in gating if declaration.scale == "binary"]
    if cases and not binary:
        return Absolute(hard_failures=(), unmeasured=("must-pass cases need a pass/fail scorer that gates, and there is none",))
    wanted = frozenset(cases)
    before, after = _by_case(base, wanted), _by_case(head, wanted)
    failures: list[str] = []
    missing: dict[str, tuple[str, ...]] = {}
    for declaration in binary:
        for case in cases:
            failed, absent, _ = _count(after.get(case, ()), head.repeats, declaration)
            if failed:
                also = base is not None and _count(before.get(case, ()), base.repeats, declaration)[0]
                failures.append(
                    f"{case}: must pass, failed {declaration.name} in {failed} of {head.repeats} runs"
                    + ("; failing on the base as well" if also else "")
                )
            if absent:
                reason = f"{case}: must pass, not measured in {absent} of {head.repeats} runs"
                missing[declaration.name] = (*missing.get(declaration.name, ()), reason)
    untested = [
        f"{case}: must pass, and no pass/fail scorer applies to it"
        for case in cases
        if all(_count(after.get(case, ()), head.repeats, declaration)[2] for declaration in binary)
    ]
    return Absolute(hard_failures=tuple(failures), unmeasured=tuple(untested), scorer_unmeasured=missing)


def _by_case(run: Run | None, wanted: frozenset[str]) -> dict[str, list[SampleResult]]:
    grouped: dict[str, list[SampleResult]] = {}
    for sample in run.samples if run else ():
        if sample.case in wanted:
            grouped.setdefault(sample.case, []).append(sample)
    return grouped


def _count(samples: Sequence[SampleResult], repeats: int, declaration: ScorerDeclaration) -> tuple[int, int, bool]:
    """(failed, missing, never applicable) over one case's repeats."""
    best = 1.0 if declaration.direction == "higher" else 0.0
    scores = [score_of(sample, declaration.name) for sample in samples]
    failed = sum(score.value is not None and score.value != best for score in scores)
    missing = sum(score.value is None and score.state != "not_applicable" for score in scores)
    never = bool(scores) and all(score.state == "not_applicable" for score in scores)
    return failed, missing + max(0, repeats - len(scores)), never


def floors(head: Run, gates: Mapping[str, ScorerGate], gating: Sequence[ScorerDeclaration], frame: Frame) -> Absolute:
    """A scorer whose mean is proven to lie on the wrong side of its floor fails hard; one not proven either way is noted.

    For a scorer that is better when lower the floor is a ceiling.
    """
    failures, notes = [], {}
    for declaration in gating:
        floor = gates.get(declaration.name, ScorerGate()).floor
        if floor is None:
            continue
        means = case_means(head, declaration)
        if not means:
            notes[declaration.name] = (f"floor {floor:g}: nothing measured",)
            continue
        low, high = _bounds(means, floor, declaration, frame)
        mean = math.fsum(means.values()) / len(means)
        if high < 0:
            side = "below its floor" if declaration.direction == "higher" else "above its ceiling"
            failures.append(f"{declaration.name}: {mean:.3f} over {len(means)} cases, proven {side} of {floor:g}")
        elif low < 0:
            notes[declaration.name] = (f"floor {floor:g}: {mean:.3f} over {len(means)} cases proves neither side of it",)
    return Absolute(hard_failures=tuple(failures), unmeasured=(), scorer_notes=notes)


def _bounds(means: Mapping[str, float], floor: float, declaration: ScorerDeclaration, frame: Frame) -> tuple[float, float]:
    """Bounds of how far the mean is on the good side of the floor, each side at 1 - alpha: exact for pass/fail scores of
    independent cases, else the augmented t; open (-1, 1) for too few cases."""
    sign = 1.0 if declaration.direction == "higher" else -1.0
    if declaration.scale == "binary" and labels(list(means), frame.clusters) is None:
        passes = math.fsum(value if sign > 0 else 1 - value for value in means.values())
        low, high = clopper_pearson(passes, len(means), conf=1 - 2 * frame.settings.alpha)
        needed = floor if sign > 0 else 1 - floor
        return low - needed, high - needed
    test = interval_of([sign * (value - floor) for value in means.values()], list(means), declaration, frame)
    return (test.lo, test.hi) if test else (-1.0, 1.0)
