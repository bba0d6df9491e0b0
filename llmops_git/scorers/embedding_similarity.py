"""embedding_similarity: how near the output's meaning is to the expected one's, by the angle between their vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import NotMeasured
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.outputs import Missing, expected_of
from llmops_git.scorers.results import as_text, empty, not_applicable, not_measured, quoted

STEP = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingSimilarity:
    """The cosine with the expected text, or with the nearest of several; what points away counts as 0."""

    field: str
    direction: Direction = "higher"
    scale: Scale = "continuous"
    step: float = STEP
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:
        expected = expected_of(sample.expected, self.field)
        if isinstance(expected, Missing):
            return not_applicable(expected.reason)
        wanted = [as_text(item) for item in (expected.value if isinstance(expected.value, list) else [expected.value])]
        wanted = [text for text in wanted if text.strip()]
        if not wanted:
            return not_applicable("the case expects no text")
        if not sample.output.strip():
            return empty()
        if session is None:
            return not_measured("embedding", "this scorer needs an embedder to ask")
        try:
            output, *others = session.embed((sample.output, *wanted))
        except NotMeasured as error:
            return not_measured("embedding", error.message)
        near = [min(1.0, max(0.0, cosine(output, other))) for other in others]
        best = max(range(len(near)), key=near.__getitem__)
        return Score(value=near[best], explanation=f"{near[best]:.3f} to {quoted(wanted[best])}")


def cosine(first: Sequence[float], second: Sequence[float]) -> float:
    """The cosine of the angle between two vectors, -1 to 1; 0 where one has no direction."""
    lengths = math.sqrt(math.fsum(number * number for number in first) * math.fsum(number * number for number in second))
    return math.fsum(one * other for one, other in zip(first, second, strict=True)) / lengths if lengths else 0.0


def build(settings: ScorerSettings) -> EmbeddingSimilarity:
    return EmbeddingSimilarity(field=settings.options.get("field", ""))
