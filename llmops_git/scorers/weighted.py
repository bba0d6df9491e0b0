"""weighted: several scorers of the config as one, each with its weight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Scorer, Session
from llmops_git.scorers.pairwise import Pairwise
from llmops_git.scorers.results import not_applicable, not_measured
from llmops_git.scorers.similarity import GRADED_STEP


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """The weighted mean of the parts' values. Parts that do not apply to a case are left out, and the others' weights count
    for all; one that was not measured leaves the mean unmeasured, because it could have been anything."""

    weights: Mapping[str, float]
    direction: Direction = "higher"
    scale: Scale = "continuous"
    step: float = GRADED_STEP
    ratio: bool = False

    def score(self, sample: Sample, session: Session | None) -> Score:  # noqa: ARG002
        return not_measured("scorer", "the scores of the parts are not known yet")  # `combined` replaces it

    def combine(self, scores: Mapping[str, Score]) -> Score:
        """The score from those of the parts."""
        missing = [name for name in self.weights if name not in scores or scores[name].state == "not_measured"]
        if missing:
            return not_measured("scorer", f"not measured: {', '.join(missing)}")
        values = {name: value for name in self.weights if (value := scores[name].value) is not None}
        whole = math.fsum(self.weights[name] for name in values)
        if not whole:
            return not_applicable("no part applies to this case")
        value = math.fsum(self.weights[name] * value for name, value in values.items()) / whole
        parts = ", ".join(f"{name} {value:.3g} x {self.weights[name]:g}" for name, value in values.items())
        return Score(value=min(1.0, max(0.0, value)), explanation=parts)

    def bound_to(self, scorers: Mapping[str, Scorer]) -> Weighted:
        """With the step that its parts have: no value of a heavy part may look finer than it is. Raises LlmopsError where a
        part is none, is compared by ratio, is better when lower, or is a combination itself."""
        for name in self.weights:
            part = scorers.get(name)
            if part is None:
                raise LlmopsError(f"there is no scorer `{name}`", hint=f"the scorers are: {', '.join(scorers)}")
            if part.ratio or part.direction == "lower" or isinstance(part, Weighted | Pairwise):
                why = _WHY.get(type(part), "is better when lower, and has no range")
                raise LlmopsError(f"`{name}` cannot be a part: it {why}")
        whole = math.fsum(self.weights.values())
        steps = [scorers[name].step * weight / whole for name, weight in self.weights.items()]
        return replace(self, step=max([GRADED_STEP, *steps]))


_WHY: Mapping[type, str] = {Weighted: "combines others itself", Pairwise: "is of two answers, and not of one"}


def combined(scorers: Mapping[str, Scorer], scores: Mapping[str, Score]) -> dict[str, Score]:
    """The scores of one sample, those of combinations computed from the others."""
    return {
        name: scorer.combine(scores) if isinstance(scorer := scorers[name], Weighted) else score
        for name, score in scores.items()
    }


def build(settings: ScorerSettings) -> Weighted:
    weights = {str(name): float(weight) for name, weight in settings.options.get("of", {}).items()}
    if not weights or any(not weight > 0 for weight in weights.values()):
        raise LlmopsError("there are no weights", hint="of: {queue: 3, polite: 1}")
    return Weighted(weights=weights)
