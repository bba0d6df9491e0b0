"""Scorers of other packages: allowed by name in the policy, and held to what scorers promise."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib import metadata
from typing import cast

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.plugins import build_allowed, package_of
from llmops_git.scorers.base import Direction, Sample, Scale, Score, Scorer, Session
from llmops_git.scorers.results import not_measured

GROUP = "llmops_git.scorers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A scorer of another package, whose values are held to the range that all of them have."""

    scorer: Scorer
    direction: Direction
    scale: Scale
    step: float
    ratio: bool

    def score(self, sample: Sample, session: Session | None) -> Score:
        score: object = self.scorer.score(sample, session)
        if not isinstance(score, Score):
            return not_measured("scorer", f"the scorer gave a {type(score).__name__} and no Score")
        if score.state != "measured":
            return replace(score, value=None)
        value: object = score.value
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            return not_measured("scorer", f"the scorer gave {value!r}")
        if value < 0 or (value > 1 and not self.ratio):
            return not_measured("scorer", f"the scorer gave {value:g}, which is not from 0 to 1")
        return replace(score, value=float(value))


def build_plugin(settings: ScorerSettings, allowed: Collection[str]) -> Guarded:
    """The scorer that a package registers under `settings.use`. Raises LlmopsError where it is not allowed, not installed,
    registered twice, or not what a scorer has to be."""
    given = replace(settings, options=settings.options.get("options", {}))
    scorer, entry = build_allowed(GROUP, "scorer", settings.use, given, allowed=allowed, key="scorers")
    return _guarded(scorer, entry)


def _guarded(scorer: object, entry: metadata.EntryPoint) -> Guarded:
    direction, scale = getattr(scorer, "direction", None), getattr(scorer, "scale", None)
    step, ratio = getattr(scorer, "step", None), getattr(scorer, "ratio", False)
    numeric = isinstance(step, int | float) and not isinstance(step, bool) and 0 < step <= 1
    declared = direction in {"higher", "lower"} and scale in {"binary", "ordinal", "continuous"} and isinstance(ratio, bool)
    if not (numeric and declared and callable(getattr(scorer, "score", None))):
        raise LlmopsError(
            f"{package_of(entry)}: the scorer `{entry.name}` does not declare direction, scale, step and ratio",
            hint="see `Scorer` in llmops_git/scorers/base.py",
        )
    kept = cast("Scorer", scorer)
    return Guarded(scorer=kept, direction=kept.direction, scale=kept.scale, step=float(kept.step), ratio=ratio)
