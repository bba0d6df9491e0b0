"""context_recall: the share of the facts that the case expects which the retrieved documents hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import NotMeasured
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.faithfulness import needs_judge
from llmops_git.scorers.judge import SMALLEST_STEP
from llmops_git.scorers.judged import claims_of, listed, share, supported
from llmops_git.scorers.outputs import Missing, expected_of
from llmops_git.scorers.results import EXPLAINED, as_text, not_applicable, not_measured


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRecall:
    """The facts are the case's own list of them, or are taken from its reference text by one request."""

    field: str
    direction: Direction = "higher"
    scale: Scale = "continuous"
    step: float = SMALLEST_STEP
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:
        expected = expected_of(sample.expected, self.field)
        if isinstance(expected, Missing):
            return not_applicable(expected.reason)
        try:
            facts = _facts(expected.value) or claims_of(session, as_text(expected.value), sample.inputs)
            if not facts:
                return not_applicable("the case expects no facts")
            items = supported(session, facts, sample)
        except NotMeasured as error:
            return not_measured("judge", error.message)
        head = f"{sum(item.holds for item in items)} of {len(facts)} facts are in the documents"
        return Score(value=share(items), explanation=listed(head, facts, items)[:EXPLAINED])


def _facts(expected: Any) -> list[str]:
    """The facts where they are listed: a list of texts, or `facts` of an object."""
    if isinstance(expected, Mapping):
        expected = expected.get("facts")
    if isinstance(expected, list) and all(isinstance(fact, str) for fact in expected):
        return [fact for fact in expected if fact.strip()]
    return []


def build(settings: ScorerSettings) -> ContextRecall:
    needs_judge(settings)
    return ContextRecall(field=settings.options.get("field", ""))
