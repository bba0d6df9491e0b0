"""length: the output is neither too short nor too long, in characters, words or tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Session
from llmops_git.scorers.results import empty, failed, not_measured, passed
from llmops_git.scorers.words import count_words

Measure = Literal["characters", "words", "tokens"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """White space at both ends is not counted. An empty output fails, unless `least` is said to be 0."""

    unit: Measure = "words"
    least: int | None = None
    most: int | None = None
    direction: Direction = "higher"
    scale: Scale = "binary"
    step: float = 1.0
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        if not sample.output.strip() and self.least != 0:
            return empty()
        length = self._length(sample)
        if length is None:
            return not_measured("tokens", "the provider did not say how many tokens the output has")
        if self.least is not None and length < self.least:
            return failed(f"{length} {self.unit}, fewer than {self.least}", label="too short")
        if self.most is not None and length > self.most:
            return failed(f"{length} {self.unit}, more than {self.most}", label="too long")
        return passed(f"{length} {self.unit}")

    def _length(self, sample: Sample) -> int | None:
        text = sample.output.strip()
        match self.unit:
            case "characters":
                return len(text)
            case "words":
                return count_words(text)
            case "tokens":
                return sample.output_tokens


def build(settings: ScorerSettings) -> Length:
    options = settings.options
    least, most = options.get("min"), options.get("max")
    if least is None and most is None:
        raise LlmopsError("a length has no `min` and no `max`", hint="max: 120")
    if least is not None and most is not None and least > most:
        raise LlmopsError(f"no length is at least {least} and at most {most}")
    return Length(
        unit=options.get("unit", "words"),
        least=None if least is None else int(least),
        most=None if most is None else int(most),
    )
