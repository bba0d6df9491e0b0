"""Cost, latency and tokens: the typical request's ratio head / base, and the budget it is held to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Literal

from llmops_git.evals.compare.pairs import Sides, score_of
from llmops_git.evals.gate import FEWEST_CASES
from llmops_git.evals.stats import log_ratio
from llmops_git.evals.values import RatioComparison, Run, SampleResult, ScorerDeclaration

State = Literal["within", "over", "unproven", "not measured"]
Measure = Callable[[SampleResult], "float | None"]
Summary = Callable[[Sequence[float]], float]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


# name, unit, the budget it is held to, the quantity, how a side is summed up over cases
Quantity = tuple[str, str, str, Measure, Summary]
QUANTITIES: tuple[Quantity, ...] = (
    ("cost", "usd", "cost", lambda sample: sample.cost_usd, _mean),
    ("latency", "seconds", "latency_p50", lambda sample: sample.latency_seconds, _median),
)

_SCORED: Mapping[str, tuple[str, Summary]] = {"ttft": ("seconds", _median), "tokens": ("tokens", _mean)}  # by use
_KNOWN = frozenset({"cost", "latency"})  # uses, and names, of what every sample carries


def quantities(declared: Iterable[ScorerDeclaration], budgets: Mapping[str, float]) -> tuple[Quantity, ...]:
    """Cost and latency, then what ratio scorers measure, and last the budgets that nothing is measured for."""
    found = list(QUANTITIES)
    for scorer in declared:
        if scorer.ratio and not {scorer.use, scorer.name} & _KNOWN:
            unit, summary = _SCORED.get(scorer.use, ("", _mean))
            found.append((scorer.name, unit, scorer.name, partial(_value, scorer.name), summary))
    held = {budget for _, _, budget, _, _ in found}
    return (*found, *((name, "", name, lambda _: None, _mean) for name in budgets if name not in held))


def _value(scorer: str, sample: SampleResult) -> float | None:
    return score_of(sample, scorer).value


def compare_ratios(
    sides: Sides, budgets: Mapping[str, float], *, alpha: float, declared: Sequence[ScorerDeclaration] = ()
) -> tuple[RatioComparison, ...]:
    """Cost, latency and ratio scorers over the pairs measured on both sides. A reply from the cache keeps the times it once
    took."""
    found = []
    for name, unit, budget, measure, summary in quantities(declared, budgets):
        pairs = [pair for pair in (_case_means(sides.of(case), measure) for case in sides.cases) if pair is not None]
        ratio, low, high = _ratio(pairs, alpha)
        found.append(
            RatioComparison(
                name=name,
                unit=unit,
                base=summary([base for base, _ in pairs]) if pairs else None,
                head=summary([head for _, head in pairs]) if pairs else None,
                ratio=ratio,
                low=low,
                high=high,
                max_ratio=budgets.get(budget),
                state=_state(pairs, low, high, budgets.get(budget)),
            )
        )
    return tuple(found)


def head_only(head: Run, budgets: Mapping[str, float]) -> tuple[RatioComparison, ...]:
    """Cost, latency and ratio scorers of a head that is compared with nothing."""
    found = []
    for name, unit, budget, measure, summary in quantities(head.scorers, budgets):
        by_case: dict[str, list[float]] = {}
        for sample in head.samples:
            value = None if sample.error else measure(sample)
            if value is not None:
                by_case.setdefault(sample.case, []).append(value)
        means = [_mean(by_case[case]) for case in head.cases if case in by_case]
        found.append(
            RatioComparison(
                name=name,
                unit=unit,
                base=None,
                head=summary(means) if means else None,
                ratio=None,
                low=None,
                high=None,
                max_ratio=budgets.get(budget),
                state="not measured",
            )
        )
    return tuple(found)


def over_budget(ratios: Iterable[RatioComparison]) -> tuple[str, ...]:
    """The hard failures among ratios, in words."""
    failures = []
    for ratio in ratios:
        if ratio.state == "over" and ratio.max_ratio is not None:
            grown = "from nothing" if ratio.ratio is None else f"{ratio.ratio:.2f} times the base's (at least {ratio.low:.2f})"
            failures.append(f"{ratio.name}: {grown}, over the budget of {ratio.max_ratio:g}")
    return tuple(failures)


def _case_means(samples: Sequence[tuple[SampleResult, SampleResult]], measure: Measure) -> tuple[float, float] | None:
    """(base, head) means over the repeats of one case that both sides measured; None where there is none."""
    values = [(measure(base), measure(head)) for base, head in samples if not base.error and not head.error]
    known = [(base, head) for base, head in values if base is not None and head is not None]
    return (_mean([base for base, _ in known]), _mean([head for _, head in known])) if known else None


def _ratio(pairs: Sequence[tuple[float, float]], alpha: float) -> tuple[float | None, float | None, float | None]:
    positive = [(base, head) for base, head in pairs if base > 0 and head > 0]
    if len(positive) < FEWEST_CASES:
        return None, None, None
    return log_ratio([base for base, _ in positive], [head for _, head in positive], alpha)


def _state(pairs: Sequence[tuple[float, float]], low: float | None, high: float | None, most: float | None) -> State:
    if not pairs:
        return "not measured"
    if not any(head for _, head in pairs):
        return "within"  # free: whatever it was before
    if most is not None and len(pairs) >= FEWEST_CASES and not any(base for base, _ in pairs):
        return "over"  # free before, and not free now: no ratio allows that
    if low is None or high is None:
        return "unproven"
    if most is None or high <= most:
        return "within"
    return "over" if low > most else "unproven"
