"""The cases whose score moved, with what each side answered: evidence for readers, not for the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmops_git.configs.values import Case
from llmops_git.evals.compare.pairs import CaseScores, ScorerPairs, Sides, score_of
from llmops_git.evals.values import FlippedCase, SampleResult, ScorerDeclaration

MOST_FLIPPED = 200


Moved = tuple[float, ScorerDeclaration, CaseScores]  # how far, plus is better


def moved_cases(declaration: ScorerDeclaration, pairs: ScorerPairs, cases: Mapping[str, Case]) -> list[Moved]:
    """The cases whose mean over repeats moved under one scorer, the worst first; of very many only those at both ends, of which
    the flipped ones are chosen."""
    found = [
        (_oriented(declaration, scores), declaration, scores)
        for scores in pairs.cases
        if scores.pairs and scores.base != scores.head
    ]
    found.sort(key=lambda item: (item[0], not cases[item[2].case].must_pass))
    if len(found) <= 2 * MOST_FLIPPED:
        return found
    return found[:MOST_FLIPPED] + found[-MOST_FLIPPED:]


def flipped_cases(moved: Sequence[Moved], sides: Sides, cases: Mapping[str, Case]) -> tuple[FlippedCase, ...]:
    """Of the cases that moved under any scorer the worst first; at most 200, half of them kept for each direction."""
    found = sorted(moved, key=lambda item: (item[0], not cases[item[2].case].must_pass))
    worse = [item for item in found if item[0] < 0]
    better = [item for item in found if item[0] > 0]
    half = MOST_FLIPPED // 2
    kept_worse = worse[: max(half, MOST_FLIPPED - len(better))]
    kept = (*kept_worse, *better[len(better) - min(len(better), MOST_FLIPPED - len(kept_worse)) :])
    return tuple(_flipped(declaration, scores, sides, cases[scores.case]) for _, declaration, scores in kept)


def _oriented(declaration: ScorerDeclaration, scores: CaseScores) -> float:
    difference = scores.head - scores.base
    return difference if declaration.direction == "higher" else -difference


def _flipped(declaration: ScorerDeclaration, scores: CaseScores, sides: Sides, case: Case) -> FlippedCase:
    base, head = _telling(declaration, scores, sides)
    return FlippedCase(
        case=case.id,
        scorer=declaration.name,
        inputs=case.inputs,
        expected=case.expected,
        base_value=scores.base,
        head_value=scores.head,
        base_output=base.output,
        head_output=head.output,
        better=_oriented(declaration, scores) > 0,
        must_pass=case.must_pass,
    )


def _telling(declaration: ScorerDeclaration, scores: CaseScores, sides: Sides) -> tuple[SampleResult, SampleResult]:
    """The pair of samples that shows the move: the repeat that moved furthest in the direction of the mean."""
    direction = 1 if scores.head > scores.base else -1

    def moved(pair: tuple[SampleResult, SampleResult]) -> float:
        before, after = (score_of(sample, declaration.name).value for sample in pair)
        return float("-inf") if before is None or after is None else direction * (after - before)

    return max(sides.of(scores.case), key=moved)
