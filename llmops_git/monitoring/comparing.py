"""A stream against a number, or against another stream: whether it is worse by more than chance explains. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from llmops_git.evals.stats.live import (
    Mean,
    difference,
    fixed_radius,
    log_evidence_of_rates,
    mean_radius,
    quantile_ranks,
    rate_interval,
    root_of_rates,
)
from llmops_git.evals.stats.normal import z_ppf
from llmops_git.monitoring.rules import Compare, Group, Reading, Rule, beyond
from llmops_git.monitoring.streams import Histogram, Sums

SHOWN_ALPHA = 0.05  # of the intervals that are shown
_MOST = 1_000_000.0  # times; more than that is as good as never


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a comparison came to. `evidence`: at most one in so many times would chance alone show this; 0 where that is not
    counted."""

    beyond: bool
    evidence: float = 0.0


def rate_against_number(rule: Rule, group: Group, sums: Sums) -> Reading:
    """A rate and a number. `proven`: the nearer end of its interval is beyond."""
    counts = sums.counts()
    shown = rate_interval(counts, SHOWN_ALPHA)
    tested = rate_interval(counts, 2 * rule.alpha_of_a_look) if rule.compare.proven else (sums.value, sums.value)
    return _against_number(rule, group, value=sums.value, n=sums.n, shown=shown, tested=tested)


def mean_against_number(rule: Rule, group: Group, sums: Sums) -> Reading:
    """A mean and a number."""
    mean = sums.mean()
    radius = mean_radius(mean.variance, mean.variance * mean.n, SHOWN_ALPHA)
    tested = fixed_radius(mean.variance, 2 * rule.alpha_of_a_look) if rule.compare.proven else 0.0
    return _against_number(
        rule, group, value=mean.mean, n=sums.n, shown=(mean.mean - radius, mean.mean + radius),
        tested=(mean.mean - tested, mean.mean + tested),
    )  # fmt: skip


def quantile_against_number(rule: Rule, group: Group, value: float, n: int, seen: Histogram | None) -> Reading:
    """A quantile and a number; `seen` only where an interval is wanted."""
    shown = quantile_interval(seen, rule.metric.quantile, SHOWN_ALPHA) if seen else None
    tested = (value, value)
    if rule.compare.proven and seen:
        tested = quantile_interval(seen, rule.metric.quantile, 2 * rule.alpha_of_a_look)
    return _against_number(rule, group, value=value, n=n, shown=shown, tested=tested)


def _against_number(
    rule: Rule, group: Group, *, value: float, n: int, shown: tuple[float, float] | None, tested: tuple[float, float]
) -> Reading:
    nearer = tested[0] if rule.compare.op in ("gt", "ge") else tested[1]
    return Reading(
        group=group, value=value, n=n, low=shown[0] if shown else None, high=shown[1] if shown else None,
        beyond=beyond(nearer, rule.compare.op, rule.compare.value), few=n < rule.min_count,
        said=f"fewer than {rule.min_count:,}" if n < rule.min_count else "",
    )  # fmt: skip


def sums_against_sums(rule: Rule, group: Group, before: Sums, now: Sums, *, name: str, sliding: bool) -> Reading:
    """A rate or a mean against that of another stream. `sliding`: of windows that move on, else of all since a release."""
    alpha = rule.alpha_of_a_look if sliding else rule.compare.alpha
    if rule.metric.kind == "rate":
        found = _either(rule.compare, alpha, lambda up, level: _rates(rule.compare, before, now, level, up=up, sliding=sliding))
        low, high = rate_interval(now.counts(), SHOWN_ALPHA)
    else:
        sides = before.mean(), now.mean()
        found = _either(rule.compare, alpha, lambda up, level: _means(rule.compare, *sides, level, up=up, sliding=sliding))
        radius = mean_radius(sides[1].variance, sides[1].variance * sides[1].n, SHOWN_ALPHA)
        low, high = now.value - radius, now.value + radius
    reading = Reading(
        group=group, value=now.value, n=now.n, low=low, high=high, baseline=name, baseline_value=before.value,
        baseline_n=before.n, beyond=found.beyond,
    )  # fmt: skip
    return few_or_not(rule, reading, found)


def quantiles_against(rule: Rule, group: Group, before: Histogram, now: Histogram, *, name: str, sliding: bool) -> Reading:
    """A quantile against that of another stream: worse where the two intervals are apart by more than the ratio."""
    alpha = rule.alpha_of_a_look if sliding else rule.compare.alpha
    level, ratio = rule.metric.quantile, rule.compare.max_ratio

    def apart(up: bool, risk: float) -> Found:
        was, is_now = quantile_interval(before, level, risk), quantile_interval(now, level, risk)
        return Found(beyond=is_now[0] > ratio * was[1] if up else is_now[1] * ratio < was[0])

    found = _either(rule.compare, alpha, apart)
    low, high = quantile_interval(now, level, SHOWN_ALPHA)
    reading = Reading(
        group=group, value=now.quantile(level), n=now.n, low=low, high=high, baseline=name,
        baseline_value=before.quantile(level), baseline_n=before.n, beyond=found.beyond,
    )  # fmt: skip
    return few_or_not(rule, reading, found)


def quantile_interval(seen: Histogram, level: float, alpha: float) -> tuple[float, float]:
    """Between which values the true quantile is, at every look at growing data with 1 - alpha."""
    low, high = quantile_ranks(seen.worth, level, alpha)
    return (seen.at(low)[0] if low > 0 else -math.inf), (seen.at(high)[1] if high < 1 else math.inf)


def few_or_not(rule: Rule, reading: Reading, found: Found) -> Reading:
    """The reading, with what is to be said of it; too little on one of the sides is nothing to go by."""
    if min(reading.n, reading.baseline_n) < rule.min_count:
        return replace(reading, few=True, beyond=False, said=f"fewer than {rule.min_count:,} on one side")
    return replace(reading, said=f"chance: less than 1 in {found.evidence:,.0f}" if found.beyond and found.evidence else "")


def _either(compare: Compare, alpha: float, test: Callable[[bool, float], Found]) -> Found:
    """The test in the direction that is bad; in both, each with half of alpha."""
    if compare.direction != "both":
        return test(compare.direction == "up", alpha)
    up, down = test(True, alpha / 2), test(False, alpha / 2)
    return up if up.beyond else down


def _rates(compare: Compare, before: Sums, now: Sums, alpha: float, *, up: bool, sliding: bool) -> Found:
    def limit(rate: float) -> float:
        if up:
            return min(1.0, rate * compare.max_ratio + compare.margin)
        return max(0.0, rate / compare.max_ratio - compare.margin)

    if sliding:
        return Found(beyond=root_of_rates(before.counts(), now.counts(), limit, up=up) > z_ppf(1 - alpha))
    evidence = log_evidence_of_rates(before.counts(), now.counts(), limit, up=up)
    return Found(beyond=evidence >= math.log(1 / alpha), evidence=math.exp(min(evidence, math.log(_MOST))))


def _means(compare: Compare, before: Mean, now: Mean, alpha: float, *, up: bool, sliding: bool) -> Found:
    """One-sided at alpha is two-sided at twice of it."""
    ratio = compare.max_ratio if up else 1 / compare.max_ratio
    seen = difference(before, now, ratio)
    excess = (seen.mean if up else -seen.mean) - compare.margin
    if sliding:
        radius = fixed_radius(seen.variance, 2 * alpha)
    else:
        radius = mean_radius(seen.variance, seen.variance * seen.n, 2 * alpha)
    return Found(beyond=excess > radius)
