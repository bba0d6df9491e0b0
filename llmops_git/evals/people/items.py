"""What a person is shown: a case, the question, and one or two outputs that do not say which side they are from. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops_git.configs.digest import digest_of
from llmops_git.configs.values import Case, ScorerSettings
from llmops_git.evals.people.labels import Drawn, Label, text_digest
from llmops_git.evals.people.sampling import Standing, draw, sample_name, stratum_of, swapped
from llmops_git.evals.values import Run, SampleResult, ScorerDeclaration

PASS_OR_FAIL: Mapping[str, float | None] = {"pass": 1.0, "fail": 0.0}
LINE = 0.5  # of a scale from 0 to 1: better than this is a pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of every output of a sample. `labels` are what can be answered, `judge` is "" for other scorers."""

    config: str
    scorer: str
    judge: str
    labels: Mapping[str, float | None]
    text: str = ""

    @property
    def folder(self) -> str:
        """The folder below labels/ that keeps the answers."""
        return self.judge or self.config


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output as it is shown; `shown` is 1 or 2 beside another one, else 0."""

    digest: str
    text: str
    shown: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One case to be looked at."""

    question: Question
    case: Case
    outputs: tuple[Output, ...]
    drawn: Drawn

    def label(self, output: Output, said: str, *, who: str, when: str, note: str = "") -> Label:
        """What a person said, as a label."""
        return Label(
            config=self.question.config,
            case=self.case.id,
            scorer=self.question.scorer,
            judge=self.question.judge,
            output=output.digest,
            inputs=inputs_digest(self.case),
            label=said,
            who=who,
            when=when,
            note=note,
            shown=output.shown,
            drawn=self.drawn,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSample:
    """The cases drawn for one question; `name` is the sample's."""

    name: str
    question: Question
    items: tuple[Item, ...]
    cases: int  # of the run


def inputs_digest(case: Case) -> str:
    """The digest of what a case asks and expects: a label says nothing about the case once this is another."""
    return digest_of({"inputs": case.inputs, "expected": case.expected})


def question_of(settings: ScorerSettings, config: str, text: str = "") -> Question:
    """The question of a scorer: a judge's own labels, or pass and fail."""
    scale = settings.judge.scale if settings.use == "judge" and settings.judge is not None else None
    labels = dict(scale["labels"]) if scale else PASS_OR_FAIL
    judge = settings.judge.name if scale and settings.judge else ""
    return Question(config=config, scorer=settings.name, judge=judge, labels=labels, text=text)


def review_sample(question: Question, cases: Sequence[Case], base: Run | None, head: Run, *, count: int) -> ReviewSample:
    """Draw `count` cases for a question from a head's run and, where there is one, its base's."""
    runs = [run for run in (base, head) if run is not None]
    name = sample_name([*(f"{run.config_digest} {run.eval_digest}" for run in runs), question.scorer, str(count)])
    known = {case.id: case for case in cases}
    pictures = [_by_case(run) for run in runs]
    sides = pictures if base else [{}, *pictures]
    others = [one for one in head.scorers if one.name != question.scorer and not one.ratio and one.scale == "binary"]
    standings = [_standing(case, question.scorer, sides, others) for case in head.cases if case in known]
    strata = {
        standing.case: stratum_of(standing, LINE)
        for standing in standings
        if standing.base is not None or standing.head is not None
    }
    items = []
    for case, drawn in draw(strata, count, seed=name):
        outputs = _outputs(case, pictures, turned=swapped(name, case))
        if outputs:
            items.append(Item(question=question, case=known[case], outputs=outputs, drawn=drawn))
    return ReviewSample(name=name, question=question, items=tuple(items), cases=len(strata))


def _by_case(run: Run) -> dict[str, list[SampleResult]]:
    found: dict[str, list[SampleResult]] = {}
    for sample in run.samples:
        if not sample.error:
            found.setdefault(sample.case, []).append(sample)
    return found


def _outputs(case: str, sides: Sequence[Mapping[str, Sequence[SampleResult]]], *, turned: bool) -> tuple[Output, ...]:
    """The first output of each side, equal ones once."""
    texts = list(dict.fromkeys(side[case][0].output for side in sides if side.get(case)))
    if turned:
        texts.reverse()
    alone = len(texts) == 1
    return tuple(
        Output(digest=text_digest(text), text=text, shown=0 if alone else place) for place, text in enumerate(texts, 1)
    )


def _standing(
    case: str, scorer: str, sides: Sequence[Mapping[str, Sequence[SampleResult]]], others: Sequence[ScorerDeclaration]
) -> Standing:
    before, after = (_means(side.get(case, ())) for side in sides)
    return Standing(
        case=case,
        base=before.get(scorer),
        head=after.get(scorer),
        others=tuple((_better(before, other), _better(after, other)) for other in others),
    )


def _means(samples: Sequence[SampleResult]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for sample in samples:
        for name, score in sample.scores.items():
            if score.value is not None:
                values.setdefault(name, []).append(score.value)
    return {name: math.fsum(found) / len(found) for name, found in values.items()}


def _better(means: Mapping[str, Any], other: ScorerDeclaration) -> float | None:
    value = means.get(other.name)
    return value if value is None or other.direction == "higher" else 1 - value
