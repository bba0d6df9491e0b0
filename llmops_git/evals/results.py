"""The results of one job while it runs: in the order of its cases, and small, since there may be a hundred thousand."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import TypeVar

from llmops_git.evals.samples import Job
from llmops_git.evals.values import PairScore, SampleResult
from llmops_git.scorers.base import Score

_SHARED = 4096  # different values that are kept to be shared, at most
_LONGEST = 64  # characters of an explanation that more than one score may well have
T = TypeVar("T", bound=Hashable)


class Results:
    """Filled in any order. Not safe for threads."""

    def __init__(self, job: Job, first_repeat: int) -> None:
        self._repeats = job.repeats
        self._first = first_repeat
        self._samples: list[SampleResult | None] = [None] * (len(job.evaluation.cases) * job.repeats)
        self._shared: dict[Hashable, Hashable] = {}
        self._mappings: dict[tuple[tuple[str, int], ...], dict[str, Score]] = {}

    def put(self, place: int, repeat: int, sample: SampleResult) -> None:
        """Keep the result of the case at `place`. Most samples have the same scores and the same numbers of tokens as others:
        these are kept once."""
        scores = {
            name: score if score.judgements or len(score.explanation) > _LONGEST else self._once(score)
            for name, score in sample.scores.items()
        }
        scores = self._alike(scores)
        usage = self._once(sample.usage)
        self._samples[place * self._repeats + repeat - self._first] = replace(sample, scores=scores, usage=usage)

    def add_pair(self, place: int, repeat: int, pair: PairScore) -> None:
        """Add what a sample is against another config's; in the order of scorers and digests, whatever came first."""
        at = place * self._repeats + repeat - self._first
        sample = self._samples[at]
        if sample is not None:
            pairs = sorted((*sample.pairs, pair), key=lambda one: (one.scorer, one.base_digest))
            self._samples[at] = replace(sample, pairs=tuple(pairs))

    def at(self, place: int) -> tuple[SampleResult, ...]:
        """What there is of the case at `place`, by repeat."""
        found = self._samples[place * self._repeats : (place + 1) * self._repeats]
        return tuple(sample for sample in found if sample is not None)

    def samples(self) -> tuple[SampleResult, ...]:
        """All there are, by case and repeat."""
        return tuple(sample for sample in self._samples if sample is not None)

    def _alike(self, scores: dict[str, Score]) -> dict[str, Score]:
        """The mapping itself, or an earlier one of the very same scores, which nobody changes."""
        if any(self._shared.get(score) is not score for score in scores.values()):
            return scores
        key = tuple((name, id(score)) for name, score in scores.items())  # they are held, so their ids stay theirs
        if len(self._mappings) >= _SHARED:
            return self._mappings.get(key, scores)
        return self._mappings.setdefault(key, scores)

    def _once(self, value: T) -> T:
        if len(self._shared) >= _SHARED:
            return self._shared.get(value, value)  # type: ignore[return-value]
        return self._shared.setdefault(value, value)  # type: ignore[return-value]
