"""bleu: the sequences of one to four words that the output has in common with the expected translations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.extras import extra_module
from llmops_git.scorers.results import quoted
from llmops_git.scorers.similarity import Similarity, Unusable, build_similarity

PERCENT = 100
MOST_REMEMBERED = 256  # texts in each of the library's caches: it would keep 65,536 of every length


def forget(tokenizer: Any) -> None:
    """Empty the caches of a tokenizer, and of those that it uses, where they hold too much."""
    for part in (tokenizer, *vars(tokenizer).values()):
        call: Any = type(part).__call__ if callable(part) else None
        if hasattr(call, "cache_info") and call.cache_info().currsize > MOST_REMEMBERED:
            call.cache_clear()


def build(settings: ScorerSettings) -> Similarity:
    # sentences are short: orders of which a sentence has none do not count
    metric = extra_module("sacrebleu.metrics", "sacrebleu").BLEU(
        effective_order=True, tokenize=settings.options.get("tokenize", "13a")
    )

    def measure(output: str, references: Sequence[str]) -> float:
        forget(metric.tokenizer)
        for reference in references:
            if not metric.tokenizer(reference).strip():
                raise Unusable(f"{quoted(reference)} has no words")
        return float(metric.sentence_score(output, list(references)).score) / PERCENT

    return build_similarity(settings, measure)
