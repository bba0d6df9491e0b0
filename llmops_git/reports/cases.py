"""Each case of a comparison under each scorer, with both sides: what JUnit and HTML list and a comment only counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from llmops_git.evals.gate import gating_comparisons
from llmops_git.evals.preferences import with_preferences
from llmops_git.evals.values import Comparison, Run, SampleResult, ScorerComparison
from llmops_git.reports.values import ConfigReport

Outcome = Literal["passed", "failed", "missing", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One side of a case under one scorer: the mean over its samples (None: no value), and why values are missing."""

    value: float | None = None
    samples: int = 0
    missing: tuple[str, ...] = ()  # error classes and explanations
    applies: bool = True
    explanations: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case under one scorer. `outcome` is `failed` only where this case is a reason why the gate holds the change, and
    `missing` where it was not measured and the change is held."""

    case: str
    scorer: str
    must_pass: bool
    base: Measured
    head: Measured
    outcome: Outcome
    moved: Literal["worse", "better", "same", "unknown"]


def case_rows(config: ConfigReport, comparison: Comparison, runs: Sequence[Run]) -> Iterator[CaseRow]:
    """The rows of a comparison, in the order of the eval set; none where `runs` does not hold the head's run."""
    head = run_of(runs, comparison.head_digest, comparison.eval_digest)
    if head is None:
        return
    decides = comparison in gating_comparisons(config.comparisons) and not comparison.gate_passes
    base, head = with_preferences(run_of(runs, comparison.base_digest, comparison.eval_digest), head)
    before, after = samples_of(base), samples_of(head)
    must_pass = frozenset(head.must_pass)
    binary = {scorer.name for scorer in head.scorers if scorer.scale == "binary"}
    for case in head.cases:
        for scorer in comparison.scorers:
            sides = (_measured(before.get(case, ()), scorer.scorer), _measured(after.get(case, ()), scorer.scorer))
            must = case in must_pass and scorer.scorer in binary and scorer.gating
            yield _row(case, scorer, *sides, must_pass=must, decides=decides)


def run_of(runs: Sequence[Run], config_digest: str, eval_digest: str) -> Run | None:
    """The run of one config under one evaluation."""
    return next((run for run in runs if (run.config_digest, run.eval_digest) == (config_digest, eval_digest)), None)


def samples_of(run: Run | None) -> Mapping[str, Sequence[SampleResult]]:
    """The samples by case."""
    found: dict[str, list[SampleResult]] = defaultdict(list)
    for sample in run.samples if run else ():
        found[sample.case].append(sample)
    return found


def _row(case: str, scorer: ScorerComparison, base: Measured, head: Measured, *, must_pass: bool, decides: bool) -> CaseRow:
    moved = _moved(scorer, base, head)
    broken = must_pass and head.value is not None and head.value != (1.0 if scorer.direction == "higher" else 0.0)
    outcome: Outcome = "passed"
    if decides and (broken or (scorer.gating and scorer.verdict == "regressed" and moved == "worse")):
        outcome = "failed"
    elif not head.applies:
        outcome = "skipped"
    elif head.value is None:
        outcome = "missing" if decides and scorer.gating else "skipped"
    return CaseRow(case=case, scorer=scorer.scorer, must_pass=must_pass, base=base, head=head, outcome=outcome, moved=moved)


def _moved(scorer: ScorerComparison, base: Measured, head: Measured) -> Literal["worse", "better", "same", "unknown"]:
    if base.value is None or head.value is None:
        return "unknown"
    if base.value == head.value:
        return "same"
    return "better" if (head.value > base.value) == (scorer.direction == "higher") else "worse"


def _measured(samples: Sequence[SampleResult], scorer: str) -> Measured:
    values: list[float] = []
    missing: dict[str, None] = {}
    explanations: dict[str, None] = {}
    absent = 0
    for sample in samples:
        score = sample.scores.get(scorer)
        if score is not None and score.state == "measured" and score.value is not None:
            values.append(score.value)
            explanations[score.explanation or score.label] = None
        elif score is not None and score.state == "not_applicable":
            absent += 1
        else:
            missing[sample.error or (score.explanation if score else "") or "no score"] = None
    return Measured(
        value=sum(values) / len(values) if values else None,
        samples=len(samples),
        missing=tuple(missing) or (() if samples else ("no sample",)),
        applies=not samples or absent < len(samples),
        explanations=tuple(text for text in explanations if text),
        outputs=tuple(dict.fromkeys(sample.output for sample in samples if not sample.error)),
        seconds=sum(sample.latency_seconds or 0.0 for sample in samples),
    )
