"""rouge: the words, or sequences of words, that the output has in common with the expected text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.extras import extra_module
from llmops_git.scorers.results import quoted
from llmops_git.scorers.similarity import Similarity, TooLong, Unusable, build_similarity
from llmops_git.scorers.words import folded_words

MOST_PAIRS = 4_000_000  # pairs of words whose longest common sequence is looked for; about a second
_SIDES = {"f1": "fmeasure", "precision": "precision", "recall": "recall"}
_STEMMED_FROM = 4  # characters; shorter words are left as they are, as the original does it


class Words:
    """Divides text for the ROUGE library, whose own way drops every letter that is not English."""

    def __init__(self, stemmer: Any) -> None:
        self._stemmer = stemmer

    def tokenize(self, text: str) -> list[str]:
        found = folded_words(text)
        if self._stemmer is None:
            return found
        return [self._stemmer.stem(word) if len(word) >= _STEMMED_FROM and word.isascii() else word for word in found]


def build(settings: ScorerSettings) -> Similarity:
    options = settings.options
    variant, side = options.get("variant", "rougeL"), _SIDES[options.get("measure", "f1")]
    scoring = extra_module("rouge_score.rouge_scorer", "rouge-score")
    stemmer = extra_module("nltk.stem.porter", "rouge-score").PorterStemmer() if options.get("stem", False) else None
    words = Words(stemmer)
    scorer = scoring.RougeScorer([variant], tokenizer=words)
    shortest = int(variant[5:]) if variant[5:].isdecimal() else 1

    def measure(output: str, references: Sequence[str]) -> float:
        longest = 0
        for reference in references:
            count = len(words.tokenize(reference))
            if count < shortest:
                raise Unusable(f"{quoted(reference)} has fewer than {shortest} words")
            longest = max(longest, count)
        if variant.startswith("rougeL") and longest**2 > MOST_PAIRS:
            raise Unusable(f"what the case expects has {longest:,} words, too many to compare with")
        if variant.startswith("rougeL") and longest * (found := len(words.tokenize(output))) > MOST_PAIRS:
            raise TooLong(f"{found:,} words, too many to compare with {longest:,}")
        return max(float(getattr(scorer.score(reference, output)[variant], side)) for reference in references)

    return build_similarity(settings, measure)
