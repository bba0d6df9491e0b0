"""latency: how long the request took. Compared by ratio, and held to a budget, never to a margin."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.results import not_measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds from the request's start to its last byte; of a cached reply, those it once took."""

    direction: Direction = "lower"
    scale: Scale = "continuous"
    step: float = 0.25
    ratio: bool = True

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        if sample.latency_seconds is None:
            return not_measured("latency", "the provider did not say how long the request took")
        return Score(value=sample.latency_seconds, explanation=f"{sample.latency_seconds:.3f} s")


def build(settings: ScorerSettings) -> Latency:  # noqa: ARG001
    return Latency()
