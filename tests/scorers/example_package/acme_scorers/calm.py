"""acme.calm: the share of letters that do not shout."""

from __future__ import annotations

from dataclasses import dataclass

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session


@dataclass(frozen=True, kw_only=True)
class Calm:
    tolerated: float = 0.0  # share of capital letters that costs nothing
    direction: Direction = "higher"
    scale: Scale = "continuous"
    step: float = 0.25
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        letters = [letter for letter in sample.output if letter.isalpha()]
        if not letters:
            return Score(value=0.0, label="empty", explanation="the output has no letters")
        loud = sum(letter.isupper() for letter in letters) / len(letters)
        return Score(value=1 - max(0.0, loud - self.tolerated), explanation=f"{loud:.0%} capital letters")


def build(settings: ScorerSettings) -> Calm:
    return Calm(tolerated=settings.options.get("tolerated", 0.0))
