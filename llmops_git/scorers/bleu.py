"""bleu: the sequences of one to four words that the output has in common with the expected translations."""

from __future__ import annotations

from collections.abc import Sequence

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.extras import extra_module
from llmops_git.scorers.results import quoted
from llmops_git.scorers.similarity import Similarity, Unusable, build_similarity

PERCENT = 100


def build(settings: ScorerSettings) -> Similarity:
    # sentences are short: orders of which a sentence has none do not count
    metric = extra_module("sacrebleu.metrics", "sacrebleu").BLEU(
        effective_order=True, tokenize=settings.options.get("tokenize", "13a")
    )

    def measure(output: str, references: Sequence[str]) -> float:
        for reference in references:
            if not metric.tokenizer(reference).strip():
                raise Unusable(f"{quoted(reference)} has no words")
        return float(metric.sentence_score(output, list(references)).score) / PERCENT

    return build_similarity(settings, measure)
