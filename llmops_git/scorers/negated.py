"""negate: a scorer the other way round. What it fails passes, and what it passes fails."""

from __future__ import annotations

from dataclasses import dataclass, replace

from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Scorer, Session

EMPTY = "empty"  # label
_LABELS = {"pass": "fail", "fail": "pass"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Negated:
    """1 minus the scorer's value. An empty output stays a 0: saying nothing is no way to leave out what is forbidden."""

    scorer: Scorer

    @property
    def direction(self) -> Direction:
        return self.scorer.direction

    @property
    def scale(self) -> Scale:
        return self.scorer.scale

    @property
    def step(self) -> float:
        return self.scorer.step

    @property
    def ratio(self) -> bool:
        return False

    def score(self, sample: Sample, session: Session | None) -> Score:
        score = self.scorer.score(sample, session)
        if score.value is None or score.label == EMPTY:
            return score
        told = f"negated: {score.explanation}" if score.explanation else "negated"
        return replace(score, value=1.0 - score.value, label=_LABELS.get(score.label, score.label), explanation=told)


def negated(scorer: Scorer) -> Negated:
    """The scorer the other way round. Raises LlmopsError for one that counts seconds, tokens or dollars."""
    if scorer.ratio:
        raise LlmopsError("`negate` has no meaning for a scorer that is compared by ratio")
    return Negated(scorer=scorer)
