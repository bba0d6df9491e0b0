"""Looking before all cases are there: how many looks an eval set bears, which cases each has, and what each may spend. Pure.

The bounds are O'Brien and Fleming's: hardly any of alpha early, nearly all of it at the end, so that stopping early costs next
to no power. Cases come in an order that the eval digest draws, never in the file's: those at its head may all be of one kind.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence
from dataclasses import replace

from llmops_git.configs.values import Case, Evaluation
from llmops_git.evals.escalation import is_open
from llmops_git.evals.gate import gating_comparisons
from llmops_git.evals.stats import group_sequential
from llmops_git.evals.values import Comparison

MOST_LOOKS = 4
FEWEST_CASES = 20  # that a look adds


def looks_at(evaluation: Evaluation) -> int:
    """Into how many equal parts the cases are divided: as many as there are twenties, at most four."""
    return max(1, min(MOST_LOOKS, len(_units(evaluation.cases)) // FEWEST_CASES))


def level(look: int, of: int, alpha: float) -> float:
    """The one-sided level of a look, counted from 1, such that all `of` of them together keep alpha."""
    return alpha if of == 1 else group_sequential("obf", of, alpha)[1][look - 1]


def seen_at(evaluation: Evaluation, look: int, of: int, *, must_pass: bool = False) -> Evaluation:
    """The evaluation with the cases of the first looks, in the eval set's order; its digest stays that of the whole. With
    `must_pass`, all cases of that kind are among them. Cases of one cluster come together."""
    if look >= of:
        return evaluation
    units = _units(evaluation.cases)
    names = sorted(units)
    random.Random(evaluation.digest).shuffle(names)  # noqa: S311  # the same order on every machine
    kept = {case.id for name in names[: math.ceil(len(names) * look / of)] for case in units[name]}
    return with_cases(evaluation, kept | {case.id for case in evaluation.cases if must_pass and case.must_pass})


def with_cases(evaluation: Evaluation, kept: Collection[str]) -> Evaluation:
    """The evaluation with the cases of these ids."""
    return replace(evaluation, cases=tuple(case for case in evaluation.cases if case.id in kept))


def wants_more(comparisons: Sequence[Comparison]) -> bool:
    """Whether more cases could settle what a look left open, an early failure to measure enough among it; not where some
    config's comparison is lost."""
    return any(
        is_open(comparisons, config)
        or any(one.verdict == "invalid" for one in gating_comparisons([one for one in comparisons if one.config == config]))
        for config in {one.config for one in comparisons}
    )


def _units(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """What may be told apart in a random order: cases, or clusters of them."""
    units: dict[str, list[Case]] = {}
    for case in cases:
        units.setdefault(f"cluster {case.cluster}" if case.cluster else f"case {case.id}", []).append(case)
    return units
