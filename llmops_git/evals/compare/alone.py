"""One soft scorer of a head that is compared with nothing: measured or not, and its mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

from llmops_git.configs.policy import GateSettings
from llmops_git.evals.compare.pairs import case_means, score_of
from llmops_git.evals.compare.soft import too_few
from llmops_git.evals.values import Run, ScorerComparison, ScorerDeclaration


def score_alone(
    head: Run, declaration: ScorerDeclaration, settings: GateSettings, *, gating: bool, margin: float, unmeasured: Sequence[str]
) -> ScorerComparison:
    """The head's mean under one scorer. Invalid where coverage is too small or `unmeasured` says why, else unchanged."""
    states = [score_of(sample, declaration.name).state for sample in head.samples]
    planned = len(head.cases) * head.repeats - states.count("not_applicable")
    reasons = [*too_few(states.count("measured"), planned, settings), *unmeasured]
    means = case_means(head, declaration)
    return ScorerComparison(
        scorer=declaration.name,
        direction=declaration.direction,
        gating=gating,
        base=None,
        head=math.fsum(means.values()) / len(means) if means else None,
        delta=None,
        low=None,
        high=None,
        p_worse=None,
        p_adjusted=None,
        cases=len(means),
        margin=margin,
        mde=None,
        verdict="invalid" if reasons else "unchanged",
        notes=tuple(reasons),
        alpha=settings.alpha,
    )
