"""Whom a job asks: its model's provider, its judges', and those of vectors and searches."""

from __future__ import annotations

from collections.abc import Iterator

from llmops_git.configs.embedders import embedder_of, lane_of
from llmops_git.configs.values import Config, Evaluation
from llmops_git.evals.guarding import guard_judges_of
from llmops_git.guardrails.packs import SIDES


def lanes_of(config: Config) -> Iterator[str]:
    """The providers of one config's samples; those of vectors carry the prefix of their lane."""
    yield config.answered_by
    for side in SIDES:
        yield from (str(judge["model"]["provider"]) for judge in guard_judges_of(config, side))
    if config.answered_by != config.provider:
        return  # the application finds its own documents
    retrieval = config.resolved.get("retrieval") or {}
    if retrieval.get("retriever") == "embedding":
        yield lane_of(embedder_of(retrieval.get("embedder")))
    if retrieval.get("retriever") == "http":
        yield retrieval["provider"]


def scoring_lanes_of(evaluation: Evaluation) -> Iterator[str]:
    """The providers that scoring asks."""
    for scorer in evaluation.scorers:
        yield from (judge.provider for judge in scorer.asked)
        if "embedder" in scorer.options:
            yield lane_of(embedder_of(scorer.options["embedder"]))
