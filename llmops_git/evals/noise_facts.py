"""What one config's samples say of the noise of its eval set: how far the samples of a case differ, and which ones. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmops_git.configs.values import Evaluation
from llmops_git.evals.compare.pairs import score_of
from llmops_git.evals.compare.soft import Frame
from llmops_git.evals.stats import mde
from llmops_git.evals.values import Run, SampleResult, ScorerDeclaration

_SAME = 1e-9
Values = Mapping[str, Sequence[float | None]]  # case -> its samples' values, by repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerNoise:
    """One scorer. `flaky` cases have samples that differ, `discordance` is the chance that two samples of a case do;
    `detectable` is the drop that a comparison of this config with another would show in four of five runs at the first look."""

    scorer: str
    gating: bool
    cases: int
    mean: float | None
    flaky: tuple[str, ...]
    discordance: float
    within: float  # standard deviation between the samples of a case
    detectable: float | None
    margin: float
    unmeasured: float  # share of the samples


def scorer_noise(declaration: ScorerDeclaration, values: Values, frame: Frame, margin: float, *, gating: bool) -> ScorerNoise:
    told = {case: [value for value in samples if value is not None] for case, samples in values.items()}
    told = {case: samples for case, samples in told.items() if samples}
    samples = sum(map(len, values.values()))
    several = [one for one in told.values() if len(one) > 1]
    halves = [one[1] - one[0] for one in several]
    return ScorerNoise(
        scorer=declaration.name,
        gating=gating,
        cases=len(told),
        mean=math.fsum(math.fsum(one) / len(one) for one in told.values()) / len(told) if told else None,
        flaky=tuple(case for case, one in told.items() if max(one) - min(one) > _SAME),
        discordance=math.fsum(map(_discordance, several)) / len(several) if several else 0.0,
        within=math.sqrt(math.fsum(map(_variance, several)) / len(several)) if several else 0.0,
        detectable=mde(
            halves,
            g=declaration.step / math.sqrt(frame.repeats),
            step=declaration.step,
            k=frame.repeats,
            alpha=frame.settings.alpha,
        )
        if halves
        else None,
        margin=margin,
        unmeasured=1 - sum(map(len, told.values())) / samples if samples else 0.0,
    )


def _discordance(samples: Sequence[float]) -> float:
    """The share of the pairs of samples that differ."""
    pairs = [(one, other) for at, one in enumerate(samples) for other in samples[at + 1 :]]
    return sum(abs(one - other) > _SAME for one, other in pairs) / len(pairs)


def _variance(samples: Sequence[float]) -> float:
    mean = math.fsum(samples) / len(samples)
    return math.fsum((value - mean) ** 2 for value in samples) / (len(samples) - 1)


def values_of(run: Run, declaration: ScorerDeclaration) -> dict[str, list[float | None]]:
    """Each case's values by repeat, None where there is none; cases that the scorer never applies to are left out."""
    found: dict[str, list[float | None]] = {case: [None] * run.repeats for case in run.cases}
    applies = set()
    first = min((sample.repeat for sample in run.samples), default=0)
    for sample in run.samples:
        score = score_of(sample, declaration.name)
        found[sample.case][sample.repeat - first] = score.value
        if score.state != "not_applicable":
            applies.add(sample.case)
    return {case: values for case, values in found.items() if case in applies}


def must_pass_by_accident(
    run: Run, gating: Sequence[str], declared: Mapping[str, ScorerDeclaration], measured: Mapping[str, Values], look: int
) -> tuple[float, tuple[str, ...]]:
    """(the chance that `look` samples of all must-pass cases hold a failure, the cases that had one)."""
    binary = [name for name in gating if declared[name].scale == "binary"]
    passes, failing = 1.0, []
    for case in run.must_pass:
        rows = [
            [value == _best(declared[name]) for value in measured[name][case] if value is not None]
            for name in binary
            if case in measured[name]
        ]
        held = [all(at) for at in zip(*rows, strict=False)]
        if not all(held):
            failing.append(case)
            passes *= (sum(held) / len(held)) ** look
    return 1 - passes, tuple(failing)


def _best(declaration: ScorerDeclaration) -> float:
    return 1.0 if declaration.direction == "higher" else 0.0


def repeated_inputs(evaluation: Evaluation) -> int:
    """How many cases ask what an earlier one of no declared cluster asks."""
    free = [repr(sorted(case.inputs.items(), key=lambda item: item[0])) for case in evaluation.cases if not case.cluster]
    return len(free) - len(set(free))


def identical_answers(run: Run) -> bool:
    answers: dict[str, set[str]] = {}
    for sample in run.samples:
        answers.setdefault(sample.case, set()).add(_answer(sample))
    return bool(answers) and all(len(told) == 1 for told in answers.values())


def _answer(sample: SampleResult) -> str:
    return f"error {sample.error}" if sample.error else sample.output
