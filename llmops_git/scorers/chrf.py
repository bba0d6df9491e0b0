"""chrf: the sequences of one to six characters that the output has in common with the expected translations."""

from __future__ import annotations

from collections.abc import Sequence

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.extras import extra_module
from llmops_git.scorers.similarity import Similarity, build_similarity

PERCENT = 100


def build(settings: ScorerSettings) -> Similarity:
    metric = extra_module("sacrebleu.metrics", "sacrebleu").CHRF(word_order=int(settings.options.get("word_order", 0)))

    def measure(output: str, references: Sequence[str]) -> float:
        return float(metric.sentence_score(output, list(references)).score) / PERCENT

    return build_similarity(settings, measure)
