"""faithfulness: the share of the output's claims that the retrieved documents support."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.judge import SMALLEST_STEP
from llmops_git.scorers.judged import claims_of, listed, share, supported
from llmops_git.scorers.results import EXPLAINED, empty, not_applicable, not_measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Faithfulness:
    """Claims are taken from the output by one request, and judged by another. Without documents nothing is supported."""

    direction: Direction = "higher"
    scale: Scale = "continuous"
    step: float = SMALLEST_STEP
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:
        if not sample.output.strip():
            return empty()
        try:
            claims = claims_of(session, sample.output, sample.inputs)
            if not claims:
                return not_applicable("the output claims nothing")
            items = supported(session, claims, sample)
        except NotMeasured as error:
            return not_measured("judge", error.message)
        head = f"{sum(item.holds for item in items)} of {len(claims)} claims are supported"
        return Score(value=share(items), explanation=listed(head, claims, items)[:EXPLAINED])


def build(settings: ScorerSettings) -> Faithfulness:
    needs_judge(settings)
    return Faithfulness()


def needs_judge(settings: ScorerSettings) -> None:
    """Raises LlmopsError where the settings name no judge."""
    if settings.judge is None:
        raise LlmopsError("it needs a judge to ask", hint="judge: ../judges/checker.yaml (kind: judge, with a model)")
