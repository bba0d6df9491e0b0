"""Scorers over the cases with one tag: for readers, not for the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence

from llmops_git.configs.values import Evaluation
from llmops_git.evals.compare.pairs import ScorerPairs, case_means
from llmops_git.evals.compare.soft import Frame, interval_of
from llmops_git.evals.values import Run, ScorerDeclaration, SliceComparison


def compare_slices(
    declaration: ScorerDeclaration, pairs: ScorerPairs, evaluation: Evaluation, frame: Frame
) -> list[SliceComparison]:
    """One scorer over the cases of each slice that were measured on both sides, in the order of the slices."""
    return [_between(tag, _cases_with(tag, evaluation), declaration, pairs, frame) for tag in evaluation.slices]


def by_slice(found: Sequence[Sequence[SliceComparison]]) -> tuple[SliceComparison, ...]:
    """Those of all scorers, slice by slice."""
    return tuple(one for row in zip(*found, strict=True) for one in row)


def slices_alone(head: Run, evaluation: Evaluation) -> tuple[SliceComparison, ...]:
    """The same for a head that is compared with nothing."""
    found = []
    for tag in evaluation.slices:
        members = _cases_with(tag, evaluation)
        for declaration in head.scorers:
            if not declaration.ratio:
                means = [mean for case, mean in case_means(head, declaration).items() if case in members]
                found.append(
                    SliceComparison(
                        tag=tag,
                        scorer=declaration.name,
                        direction=declaration.direction,
                        cases=len(means),
                        head=_mean(means),
                    )
                )
    return tuple(found)


def _between(
    tag: str, members: frozenset[str], declaration: ScorerDeclaration, pairs: ScorerPairs, frame: Frame
) -> SliceComparison:
    sign = 1.0 if declaration.direction == "higher" else -1.0
    cases = [case for case in pairs.cases if case.pairs and case.case in members]
    differences = [sign * (case.head - case.base) for case in cases]
    test = interval_of(differences, [case.case for case in cases], declaration, frame)
    mean = _mean(differences)
    return SliceComparison(
        tag=tag,
        scorer=declaration.name,
        direction=declaration.direction,
        cases=len(cases),
        base=_mean([case.base for case in cases]),
        head=_mean([case.head for case in cases]),
        delta=None if mean is None else sign * mean,
        low=test.lo if test else None,
        high=test.hi if test else None,
    )


def _cases_with(tag: str, evaluation: Evaluation) -> frozenset[str]:
    return frozenset(case.id for case in evaluation.cases if tag in case.tags)


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
