"""edit_similarity: how few characters have to be changed to get from the output to the expected text."""

from __future__ import annotations

from collections.abc import Sequence

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.extras import extra_module
from llmops_git.scorers.similarity import Similarity, build_similarity


def build(settings: ScorerSettings) -> Similarity:
    levenshtein = extra_module("rapidfuzz.distance", "rapidfuzz").Levenshtein

    def measure(output: str, references: Sequence[str]) -> float:
        return max(float(levenshtein.normalized_similarity(output, reference)) for reference in references)

    return build_similarity(settings, measure)
