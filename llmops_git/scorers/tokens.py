"""tokens: how many tokens were read or written. Compared by ratio, and held to a budget, never to a margin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.results import not_applicable

Count = Literal["input", "output", "reasoning", "total"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """As the provider counted them: those of the input include the cached ones, those of the output the reasoning ones."""

    count: Count = "total"
    direction: Direction = "lower"
    scale: Scale = "continuous"
    step: float = 0.25
    ratio: bool = True

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        number = self._number(sample)
        if number is None:
            return not_applicable(f"the provider did not count {self.count} tokens")
        return Score(value=float(number), explanation=f"{number} {self.count} tokens")

    def _number(self, sample: Sample) -> int | None:
        match self.count:
            case "input":
                return sample.input_tokens
            case "output":
                return sample.output_tokens
            case "reasoning":
                return sample.reasoning_tokens
            case "total":
                known = sample.input_tokens is not None and sample.output_tokens is not None
                return (sample.input_tokens or 0) + (sample.output_tokens or 0) if known else None


def build(settings: ScorerSettings) -> Tokens:
    return Tokens(count=settings.options.get("count", "total"))
