"""ttft: how long the first token took. Compared by ratio, and held to a budget, never to a margin."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.results import not_applicable


@dataclass(frozen=True, slots=True, kw_only=True)
class Ttft:
    """Seconds from the request's start to the first piece of its answer; of a cached reply, those it once took."""

    direction: Direction = "lower"
    scale: Scale = "continuous"
    step: float = 0.25
    ratio: bool = True

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        if sample.ttft_seconds is None:
            return not_applicable("the reply was not streamed")
        return Score(value=sample.ttft_seconds, explanation=f"{sample.ttft_seconds:.3f} s")


def build(settings: ScorerSettings) -> Ttft:  # noqa: ARG001
    return Ttft()
