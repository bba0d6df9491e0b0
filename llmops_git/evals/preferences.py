"""Scores of scorers that compare two answers: measured in pairs, kept with the head's samples, read as scores of both sides.

A pair has one score: 1 for the head, 0 for the base, 0.5 for a tie. The base's is what is left of 1, so the difference of a
pair is 1, 0 or -1, and everything that compares two runs does so here as well. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from llmops_git.evals.values import Run, SampleResult
from llmops_git.scorers.base import Score
from llmops_git.scorers.pairwise import NAME, SPLIT, TIE, mirrored

_UNPAIRED = Score(state="not_measured", label="missing", explanation="the pair was not compared")


def paired_scorers(run: Run) -> tuple[str, ...]:
    """The names of the scorers that compare two answers."""
    return tuple(declaration.name for declaration in run.scorers if declaration.use == NAME)


def with_preferences(base: Run | None, head: Run) -> tuple[Run | None, Run]:
    """Both runs with scores where pairs were compared; the runs themselves where nothing is, or there is no base.

    One run on both sides stays one value. Where only one side of a pair failed, the other counts as measured, so that each side
    answers for its own errors.
    """
    names = paired_scorers(head)
    if base is None or not names:
        return base, head
    if base is head:
        scores = dict.fromkeys(names, TIE)
        same = replace(head, samples=tuple(_with(sample, scores) for sample in head.samples))
        return same, same
    partners = {(sample.case, sample.repeat): sample for sample in head.samples}
    others = {(sample.case, sample.repeat): sample for sample in base.samples}

    def preference(place: tuple[str, int], name: str) -> Score:
        before, after = others.get(place), partners.get(place)
        if before is None or after is None or before.error or after.error:
            return TIE  # dropped, since the side that failed has no score
        found = (pair.score for pair in after.pairs if (pair.base_digest, pair.scorer) == (base.config_digest, name))
        return next(found, _UNPAIRED)

    def turned(samples: Sequence[SampleResult], *, mirror: bool) -> tuple[SampleResult, ...]:
        told = ({name: preference((sample.case, sample.repeat), name) for name in names} for sample in samples)
        return tuple(
            _with(sample, {name: mirrored(score) if mirror else score for name, score in scores.items()})
            for sample, scores in zip(samples, told, strict=True)
        )

    return (
        replace(base, samples=turned(base.samples, mirror=True)),
        replace(head, samples=turned(head.samples, mirror=False)),
    )


def _with(sample: SampleResult, scores: dict[str, Score]) -> SampleResult:
    return replace(sample, scores={**sample.scores, **scores})


def order_notes(head: Run, base_digest: str) -> dict[str, tuple[str, ...]]:
    """Scorer -> what to say where the judge's answer depended on the order in which it was shown two answers."""
    notes: dict[str, tuple[str, ...]] = {}
    for name in paired_scorers(head):
        labels = [
            pair.score.label
            for sample in head.samples
            for pair in sample.pairs
            if (pair.base_digest, pair.scorer) == (base_digest, name) and pair.score.value is not None
        ]
        if split := labels.count(SPLIT):
            turned = f"in {split} of {len(labels)} pairs the judge changed its mind when the order was turned"
            notes[name] = (f"{turned}: counted as ties",)
    return notes
