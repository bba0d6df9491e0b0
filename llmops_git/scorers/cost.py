"""cost: what the request cost. Compared by ratio, and held to a budget, never to a margin."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.results import not_applicable


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """US dollars, from the tokens used and the price table. A model without a price has no cost, not a cost of nothing."""

    direction: Direction = "lower"
    scale: Scale = "continuous"
    step: float = 0.25
    ratio: bool = True

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        if sample.cost_usd is None:
            return not_applicable("no price is known for this model")
        return Score(value=sample.cost_usd, explanation=f"${sample.cost_usd:.6f}")


def build(settings: ScorerSettings) -> Cost:  # noqa: ARG001
    return Cost()
