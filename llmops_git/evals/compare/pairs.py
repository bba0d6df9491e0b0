"""Pairs the samples of two runs by case and repeat, and counts what could not be paired."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from llmops_git.configs.values import Evaluation
from llmops_git.evals.values import Run, SampleResult, ScorerDeclaration
from llmops_git.scorers.base import Score

_SHARED = 4096  # different values that are kept to be shared, at most
NO_SCORE = Score(state="not_measured", label="missing", explanation="the sample carries no score of this scorer")


class Samples:
    """The samples of a run by case and repeat. A key for each of them would be larger than the list that they are in."""

    def __init__(self, samples: Sequence[SampleResult]) -> None:
        self._of: dict[str, SampleResult | tuple[SampleResult, ...]] = {}
        for sample in samples:
            before = self._of.get(sample.case)
            if before is None:
                self._of[sample.case] = sample
            else:
                self._of[sample.case] = (*(before if isinstance(before, tuple) else (before,)), sample)

    def get(self, case: str, repeat: int) -> SampleResult | None:
        """The sample; None where there is none."""
        found = self._of.get(case)
        if isinstance(found, tuple):
            return next((sample for sample in found if sample.repeat == repeat), None)
        return found if found is not None and found.repeat == repeat else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Two runs side by side. `planned` is the number of repeats per case that both planned, `indexes` the repeats that
    both have records of, at most so many."""

    cases: tuple[str, ...]
    base: Samples
    head: Samples
    planned: int
    indexes: tuple[int, ...]

    def of(self, case: str) -> list[tuple[SampleResult, SampleResult]]:
        """The (base, head) samples of a case, for every repeat that both sides have a record of."""
        pairs = ((self.base.get(case, index), self.head.get(case, index)) for index in self.indexes)
        return [(base, head) for base, head in pairs if base is not None and head is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseScores:
    """One case under one scorer: (base, head) values of the pairs measured on both sides, and how many are missing."""

    case: str
    pairs: tuple[tuple[float, float], ...]
    missing: int

    @property
    def base(self) -> float:
        return math.fsum(base for base, _ in self.pairs) / len(self.pairs)

    @property
    def head(self) -> float:
        return math.fsum(head for _, head in self.pairs) / len(self.pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerPairs:
    """All cases under one scorer. `planned` counts the pairs that apply, `measured` those with a value on both sides;
    `base_missing` and `head_missing` the samples of each side without a value, of `samples` per side."""

    cases: tuple[CaseScores, ...]
    planned: int
    measured: int
    not_applicable: int
    base_missing: int
    head_missing: int
    samples: int


def side_by_side(base: Run, head: Run, cases: Sequence[str]) -> Sides:
    planned = min(base.repeats, head.repeats)
    both = {sample.repeat for sample in base.samples} & {sample.repeat for sample in head.samples}
    return Sides(
        cases=tuple(cases),
        base=Samples(base.samples),
        head=Samples(head.samples),
        planned=planned,
        indexes=tuple(sorted(both)[:planned]),
    )


def score_of(sample: SampleResult | None, scorer: str) -> Score:
    """The sample's score; `not_measured` where the sample failed or carries none."""
    if sample is None or sample.error:
        return NO_SCORE
    return sample.scores.get(scorer, NO_SCORE)


def case_means(run: Run, declaration: ScorerDeclaration) -> dict[str, float]:
    """The mean over repeats of each case of one run that has a value, in the order of the eval set."""
    values: dict[str, list[float]] = {}
    for sample in run.samples:
        value = score_of(sample, declaration.name).value
        if value is not None:
            values.setdefault(sample.case, []).append(value)
    return {case: math.fsum(values[case]) / len(values[case]) for case in run.cases if case in values}


def pair_scores(sides: Sides, declaration: ScorerDeclaration) -> ScorerPairs:
    """The values of one scorer, paired. A pair in which either side is not applicable is not planned; one in which either
    side is not measured is missing."""
    cases = []
    shared: dict[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]] = {}
    not_applicable = 0
    missing = [(sides.planned - len(sides.indexes)) * len(sides.cases)] * 2
    for case in sides.cases:
        pairs = []
        skipped = 0
        for index in sides.indexes:
            before = score_of(sides.base.get(case, index), declaration.name)
            after = score_of(sides.head.get(case, index), declaration.name)
            if "not_applicable" in {before.state, after.state}:
                skipped += 1
                continue
            missing[0] += before.value is None
            missing[1] += after.value is None
            if before.value is not None and after.value is not None:
                pairs.append((before.value, after.value))
        not_applicable += skipped
        kept = tuple(pairs)  # most cases have the same values as others: these are kept once
        kept = shared.setdefault(kept, kept) if len(shared) < _SHARED else shared.get(kept, kept)
        cases.append(CaseScores(case=case, pairs=kept, missing=sides.planned - skipped - len(pairs)))
    samples = sides.planned * len(sides.cases)
    return ScorerPairs(
        cases=tuple(cases),
        planned=samples - not_applicable,
        measured=sum(len(case.pairs) for case in cases),
        not_applicable=not_applicable,
        base_missing=missing[0],
        head_missing=missing[1],
        samples=samples,
    )


def structural_faults(base: Run | None, head: Run, evaluation: Evaluation) -> tuple[str, ...]:
    """Why these runs cannot be compared at all, in words; empty when they can."""
    planned = [case.id for case in evaluation.cases]
    faults = [] if planned else ["the eval set has no case"]
    if len(set(planned)) != len(planned):
        faults.append("the eval set names a case twice")
    faults += [fault for run, side in ((base, "base"), (head, "head")) if run for fault in _faults(run, side, evaluation)]
    if base and sorted(map(repr, base.scorers)) != sorted(map(repr, head.scorers)):
        faults.append("the two sides declare different scorers")
    return tuple(faults)


def _faults(run: Run, side: str, evaluation: Evaluation) -> list[str]:
    faults = []
    planned = {case.id for case in evaluation.cases}
    if run.eval_digest != evaluation.digest:
        faults.append(f"not comparable: the {side} was measured under another evaluation ({run.eval_digest or 'none'})")
    if set(run.cases) != planned or len(run.cases) != len(planned):
        missing, extra = len(planned - set(run.cases)), len(set(run.cases) - planned)
        faults.append(f"the {side} ran other cases than the eval set's ({missing} missing, {extra} extra)")
    if _has_twice(run.samples):
        faults.append(f"the {side} has two samples of one case and repeat")
    if any(sample.case not in planned for sample in run.samples):
        faults.append(f"the {side} has samples of cases that are not in the eval set")
    return faults


def _has_twice(samples: Sequence[SampleResult]) -> bool:
    """Whether two samples are of the same repeat of one case."""
    seen: dict[str, int | set[int]] = {}  # most cases have one repeat, and a set for each would be large
    for sample in samples:
        before = seen.get(sample.case)
        if before is None:
            seen[sample.case] = sample.repeat
            continue
        repeats = before if isinstance(before, set) else {before}
        if sample.repeat in repeats:
            return True
        repeats.add(sample.repeat)
        seen[sample.case] = repeats
    return False
