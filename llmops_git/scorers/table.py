"""The table of scorers: what `use:` may say, and where each is built."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Collection, Iterable
from typing import TypedDict, cast

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Direction, Scale, Scorer
from llmops_git.scorers.negated import negated
from llmops_git.scorers.weighted import Weighted

# name -> module beside this one, with a `build(settings)`
SCORERS: dict[str, str] = {
    "exact": "exact",
    "contains": "contains",
    "starts_with": "starts_with",
    "ends_with": "ends_with",
    "regex": "regex",
    "length": "length",
    "edit_similarity": "edit_similarity",
    "rouge": "rouge",
    "bleu": "bleu",
    "chrf": "chrf",
    "json_valid": "json_valid",
    "json_field": "json_field",
    "json_schema": "json_schema",
    "numeric": "numeric",
    "xml": "xml_text",
    "sql": "sql",
    "refusal": "refusal",
    "finish_reason": "finish_reason",
    "guardrail": "guardrail",
    "tool_calls": "tool_calls",
    "trajectory": "trajectory",
    "judge": "judge",
    "panel": "panel",
    "pairwise": "pairwise",
    "faithfulness": "faithfulness",
    "context_precision": "context_precision",
    "context_recall": "context_recall",
    "answer_relevance": "answer_relevance",
    "embedding_similarity": "embedding_similarity",
    "latency": "latency",
    "ttft": "ttft",
    "tokens": "tokens",
    "cost": "cost",
    "weighted": "weighted",
}


class Declaration(TypedDict):
    """What a scorer says of itself: the fields of a declaration that is kept with the evidence."""

    name: str
    use: str
    direction: Direction
    scale: Scale
    step: float
    ratio: bool


def build_scorer(settings: ScorerSettings, allowed: Collection[str] = ()) -> Scorer:
    """The scorer that `settings` describe. `allowed` are the names of other packages' scorers that the policy allows: those
    have a point in them, and ours have none.

    Raises LlmopsError where it cannot be built: an unknown name, a wrong pattern, a schema that is none, a judge without a
    scale, a library that is not installed.
    """
    try:
        scorer = _built(settings, allowed)
        return negated(scorer) if settings.options.get("negate", False) else scorer
    except LlmopsError as error:
        raise LlmopsError(f"scorer `{settings.name}`: {error.message}", hint=error.hint) from None


def build_scorers(settings: Iterable[ScorerSettings], allowed: Collection[str] = ()) -> dict[str, Scorer]:
    """All scorers of an evaluation, in order, by name. Raises LlmopsError like `build_scorer`, and where one that combines
    others names one that it cannot combine."""
    built, faults = try_scorers(settings, allowed)
    for fault in faults.values():
        raise fault
    return built


def try_scorers(
    settings: Iterable[ScorerSettings], allowed: Collection[str] = ()
) -> tuple[dict[str, Scorer], dict[str, LlmopsError]]:
    """The scorers that can be built, and by name why the others cannot."""
    built: dict[str, Scorer] = {}
    faults: dict[str, LlmopsError] = {}
    for one in settings:
        try:
            built[one.name] = build_scorer(one, allowed)
        except LlmopsError as error:
            faults[one.name] = error
    for name, scorer in built.items():
        if isinstance(scorer, Weighted) and not faults.keys() & scorer.weights.keys():
            try:
                built[name] = scorer.bound_to(built)
            except LlmopsError as error:
                faults[name] = LlmopsError(f"scorer `{name}`: {error.message}", hint=error.hint)
    return built, faults


def _built(settings: ScorerSettings, allowed: Collection[str]) -> Scorer:
    if "." in settings.use:
        from llmops_git.scorers.plugins import build_plugin

        return build_plugin(settings, allowed)
    if settings.use not in SCORERS:
        close = difflib.get_close_matches(settings.use, SCORERS, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"there are {', '.join(SCORERS)}"
        raise LlmopsError(f"there is no scorer `{settings.use}`", hint=hint)
    return cast("Scorer", importlib.import_module(f"llmops_git.scorers.{SCORERS[settings.use]}").build(settings))


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
