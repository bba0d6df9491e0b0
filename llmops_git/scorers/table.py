"""The table of scorers: what `use:` may say, and where each is built."""

from __future__ import annotations

import difflib
import importlib
from typing import TypedDict, cast

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Direction, Scale, Scorer

# name -> module beside this one, with a `build(settings)`
SCORERS: dict[str, str] = {
    "exact": "exact",
    "contains": "contains",
    "regex": "regex",
    "json_schema": "json_schema",
    "numeric": "numeric",
    "judge": "judge",
    "panel": "panel",
    "faithfulness": "faithfulness",
    "context_precision": "context_precision",
    "context_recall": "context_recall",
    "answer_relevance": "answer_relevance",
    "latency": "latency",
    "cost": "cost",
}


class Declaration(TypedDict):
    """What a scorer says of itself: the fields of a declaration that is kept with the evidence."""

    name: str
    use: str
    direction: Direction
    scale: Scale
    step: float
    ratio: bool


def build_scorer(settings: ScorerSettings) -> Scorer:
    """The scorer that `settings` describe. Raises LlmopsError where they cannot be: an unknown name, a wrong pattern, a
    schema that is none, a judge without a scale."""
    if settings.use not in SCORERS:
        close = difflib.get_close_matches(settings.use, SCORERS, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(SCORERS)}"
        raise LlmopsError(f"scorer `{settings.name}`: there is no scorer `{settings.use}`", hint=hint)
    module = importlib.import_module(f"llmops_git.scorers.{SCORERS[settings.use]}")
    try:
        return cast("Scorer", module.build(settings))
    except LlmopsError as error:
        raise LlmopsError(f"scorer `{settings.name}`: {error.message}", hint=error.hint) from None


def declaration(settings: ScorerSettings) -> Declaration:
    """What the scorer declares. Raises LlmopsError like `build_scorer`."""
    scorer = build_scorer(settings)
    return Declaration(
        name=settings.name,
        use=settings.use,
        direction=scorer.direction,
        scale=scorer.scale,
        step=scorer.step,
        ratio=scorer.ratio,
    )
