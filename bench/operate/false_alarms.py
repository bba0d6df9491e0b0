"""How often monitors cry wolf when nothing changed, looking every hour for a month; and how long they take to see a real change.

    python bench/operate/false_alarms.py [--months 2000]      # prints Markdown, for bench/results/monitors.md

Two releases of the same quality: the old one has 30 days of traffic, the new one is looked at every hour of its first 30 days, at
PER_HOUR requests an hour. `ours` is what monitors call (llmops_git/monitoring/comparing.py); where a look cannot fire whatever the
bets were, which the likelihood ratio says, it is not called. Compared with the test that is usual: two proportions, or two means,
at the same level, of all traffic so far or of the last 24 hours, each hour anew.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from llmops_git.evals.stats.live import Mean, quantile_ranks
from llmops_git.evals.stats.normal import z_ppf
from llmops_git.monitoring.comparing import _means, sums_against_sums
from llmops_git.monitoring.metrics import metric_of
from llmops_git.monitoring.rules import Compare, Rule
from llmops_git.monitoring.streams import Sums

HOURS = 720
PER_HOUR = 100
ALPHA = 0.01
DAY = 24
NEVER = datetime(2026, 1, 1)  # noqa: DTZ001  # the time of a row says nothing here


@dataclass(frozen=True, slots=True)
class Outcome:
    """Hour of the first alarm of each month, -1 where there was none."""

    first: np.ndarray

    @property
    def share(self) -> float:
        return float((self.first >= 0).mean())

    @property
    def median(self) -> float:
        return float(np.median(np.where(self.first < 0, np.inf, self.first + 1)))


def first_of(fires: np.ndarray) -> Outcome:
    """`fires`: months x looks."""
    return Outcome(np.where(fires.any(axis=1), fires.argmax(axis=1), -1))


def rates(draw: np.random.Generator, months: int, before: float, now: float) -> dict[str, Outcome]:
    """A rate: the e-process on counts, against z tests of two proportions."""
    old_n = HOURS * PER_HOUR
    old = draw.binomial(old_n, before, months)
    hourly = draw.binomial(PER_HOUR, now, (months, HOURS))
    hits = hourly.cumsum(axis=1)
    n = (np.arange(HOURS) + 1) * PER_HOUR
    ours = np.zeros((months, HOURS), dtype=bool)
    rule = Rule(id="r", metric=metric_of("error_rate"), compare=Compare(to="previous_release", direction="up", alpha=ALPHA))
    possible = likelihood_ratio(old[:, None], old_n, hits, n) >= math.log(1 / ALPHA)
    for month, hour in zip(*np.nonzero(possible & (hits / n > old[:, None] / old_n)), strict=True):
        if ours[month, :hour].any():
            continue
        reading = sums_against_sums(
            rule, (), counted(old_n, old[month]), counted(int(n[hour]), hits[month, hour]), name="before", sliding=False
        )
        ours[month, hour] = reading.beyond
    window = hits - np.concatenate([np.zeros((months, DAY), dtype=hits.dtype), hits[:, :-DAY]], axis=1)
    window_n = np.minimum(n, DAY * PER_HOUR)
    return {
        "ours": first_of(ours),
        "all so far, each hour": first_of(two_proportions(old[:, None], old_n, hits, n)),
        "last 24 h, each hour": first_of(two_proportions(old[:, None], old_n, window, window_n)),
    }


def days(draw: np.random.Generator, months: int, before: float, now: float) -> dict[str, Outcome]:
    """A rate of the last 24 hours against that of the 24 hours before them; a change comes at the middle of the month."""
    chances = np.where(np.arange(HOURS) < HOURS // 2, before, now)
    hourly = draw.binomial(PER_HOUR, chances, (months, HOURS))
    totals = np.concatenate([np.zeros((months, 1), dtype=hourly.dtype), hourly.cumsum(axis=1)], axis=1)
    looks = np.arange(2 * DAY, HOURS + 1)
    new = totals[:, looks] - totals[:, looks - DAY]
    old = totals[:, looks - DAY] - totals[:, looks - 2 * DAY]
    n = np.full(len(looks), DAY * PER_HOUR)
    rule = Rule(id="r", metric=metric_of("error_rate"), compare=Compare(to="window_before", direction="up", alpha=ALPHA))
    ours = np.zeros(new.shape, dtype=bool)
    possible = likelihood_ratio(old, DAY * PER_HOUR, new, n) >= z_ppf(1 - rule.alpha_of_a_look) ** 2 / 2
    for month, look in zip(*np.nonzero(possible & (new > old)), strict=True):
        sides = (counted(DAY * PER_HOUR, int(hits[month, look])) for hits in (old, new))
        ours[month, look] = sums_against_sums(rule, (), *sides, name="before", sliding=True).beyond
    usual = two_proportions(old, DAY * PER_HOUR, new, n)
    start = 0 if before == now else HOURS // 2 - 2 * DAY  # of a change, only what comes after it
    return {"ours": first_of(ours[:, start:]), "each hour": first_of(usual[:, start:])}


def counted(n: int, hits: int) -> Sums:
    """Sums of n rows of which some are 1."""
    total = float(hits)
    return Sums(n=n, w=float(n), wv=total, w2=float(n), w2v=total, w2vv=total, first=NEVER, last=NEVER)


def likelihood_ratio(old: np.ndarray, old_n: int, new: np.ndarray, new_n: np.ndarray) -> np.ndarray:
    """The logarithm of the largest likelihood ratio of "two rates" to "one rate": no bet on this can have grown to more."""
    pooled = (old + new) / (old_n + new_n)

    def part(hits: np.ndarray, n: np.ndarray | int, rate: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.nan_to_num(hits * np.log(rate)) + np.nan_to_num((n - hits) * np.log1p(-rate))

    return part(old, old_n, old / old_n) + part(new, new_n, new / new_n) - part(old, old_n, pooled) - part(new, new_n, pooled)


def two_proportions(old: np.ndarray, old_n: int, new: np.ndarray, new_n: np.ndarray) -> np.ndarray:
    pooled = (old + new) / (old_n + new_n)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / old_n + 1 / new_n))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num((new / new_n - old / old_n) / spread) > z_ppf(1 - ALPHA)


def means(months: int, values: Callable[[int], np.ndarray], factor: float, *, per_hour: int) -> dict[str, Outcome]:
    """A mean: the mixture of Robbins on sums, against z tests of two means."""
    ours = np.zeros((months, HOURS), dtype=bool)
    usual, last = ours.copy(), ours.copy()
    compare = Compare(to="previous_release", direction="up", alpha=ALPHA)
    n = (np.arange(HOURS) + 1) * per_hour
    window_n = np.minimum(n, DAY * per_hour)
    for month in range(months):
        old = values(HOURS * per_hour)
        new = values(HOURS * per_hour).reshape(HOURS, per_hour) * factor
        total, squares = new.sum(axis=1).cumsum(), (new**2).sum(axis=1).cumsum()
        before = Mean(len(old), old.mean(), old.var() / len(old))
        spread = squares / n - (total / n) ** 2
        z = (total / n - before.mean) / np.sqrt(spread / n + before.variance)
        usual[month] = z > z_ppf(1 - ALPHA)
        shift = np.concatenate([np.zeros(DAY), total[:-DAY]]), np.concatenate([np.zeros(DAY), squares[:-DAY]])
        mean = (total - shift[0]) / window_n
        inside = (squares - shift[1]) / window_n - mean**2
        last[month] = (mean - before.mean) / np.sqrt(inside / window_n + before.variance) > z_ppf(1 - ALPHA)
        for hour in np.nonzero((z > z_ppf(1 - ALPHA)) & (n >= 100))[0]:  # 100: the least that a rule compares
            now = Mean(int(n[hour]), total[hour] / n[hour], spread[hour] / n[hour])
            if _means(compare, before, now, ALPHA, up=True, sliding=False).beyond:
                ours[month, hour] = True
                break
    usual[:, n < 100], last[:, n < 100] = False, False
    return {"ours": first_of(ours), "all so far, each hour": first_of(usual), "last 24 h, each hour": first_of(last)}


def tails(draw: np.random.Generator, months: int, factor: float) -> dict[str, Outcome]:
    """The 95th percentile of a long-tailed latency: intervals by rank that are apart, against the ratio of percentiles > 1.1."""
    ours, usual = np.zeros((months, HOURS), dtype=bool), np.zeros((months, HOURS), dtype=bool)
    slots = 1000
    edges = np.arange(slots + 1) / 100 - 5.0  # logarithms: slots of one percent, as in the store
    ranks = {n: quantile_ranks(n, 0.95, ALPHA / 2) for n in range(PER_HOUR, HOURS * PER_HOUR + 1, PER_HOUR)}
    old_n = HOURS * PER_HOUR
    for month in range(months):
        old = np.histogram(draw.normal(0, 0.8, old_n), edges)[0].cumsum()
        high = edges[np.searchsorted(old, ranks[old_n][1] * old_n) + 1]
        old_p95 = edges[np.searchsorted(old, 0.95 * old_n)]
        new = np.zeros(slots, dtype=np.int64)
        hourly = draw.normal(math.log(factor), 0.8, (HOURS, PER_HOUR))
        for hour in range(HOURS):
            n = (hour + 1) * PER_HOUR
            new += np.histogram(hourly[hour], edges)[0]
            climbing = new.cumsum()
            ours[month, hour] = edges[np.searchsorted(climbing, ranks[n][0] * n)] > high
            usual[month, hour] = edges[np.searchsorted(climbing, 0.95 * n)] > old_p95 + math.log(1.1)
            if ours[month, hour] and usual[month, :hour].any():
                break
    return {"ours": first_of(ours), "ratio of p95 > 1.1": first_of(usual)}


def scenarios(months: int) -> Iterator[tuple[str, int, Callable[[np.random.Generator, int], dict[str, Outcome]]]]:
    """What is looked at, over how many months, and how one draws it. The first of each kind has no change."""
    yield "error rate 2 %, no change", months, lambda draw, size: rates(draw, size, 0.02, 0.02)
    yield "error rate 0.2 %, no change", months, lambda draw, size: rates(draw, size, 0.002, 0.002)
    yield "pass rate 80 % (as failures), no change", months, lambda draw, size: rates(draw, size, 0.2, 0.2)
    yield "error rate 2 % -> 3 %", months // 4, lambda draw, size: rates(draw, size, 0.02, 0.03)
    yield "error rate 2 % -> 4 %", months // 4, lambda draw, size: rates(draw, size, 0.02, 0.04)
    yield "error rate 0.2 % -> 1 %", months // 4, lambda draw, size: rates(draw, size, 0.002, 0.01)
    yield "pass rate 80 % -> 75 %", months // 4, lambda draw, size: rates(draw, size, 0.2, 0.25)

    def costs(draw: np.random.Generator) -> Callable[[int], np.ndarray]:
        return lambda size: np.exp(draw.normal(0, 0.8, size))

    def scores(draw: np.random.Generator) -> Callable[[int], np.ndarray]:  # faithfulness, as 1 - score: mostly 0, some .5 and 1
        return lambda size: draw.choice([0.0, 0.5, 1.0], size, p=[0.85, 0.1, 0.05])

    yield "cost, long-tailed, no change", months // 2, lambda draw, size: means(size, costs(draw), 1.0, per_hour=PER_HOUR)
    yield "cost, long-tailed, +10 %", months // 10, lambda draw, size: means(size, costs(draw), 1.1, per_hour=PER_HOUR)
    yield (
        "score on 10 requests an hour, no change",
        months // 2,
        lambda draw, size: means(size, scores(draw), 1.0, per_hour=10),
    )
    yield "a day against the day before: errors 2 %, no change", months, lambda draw, size: days(draw, size, 0.02, 0.02)
    yield "a day against the day before: errors 0.2 %, no change", months, lambda draw, size: days(draw, size, 0.002, 0.002)
    yield "a day against the day before: errors 2 % -> 4 %", months // 4, lambda draw, size: days(draw, size, 0.02, 0.04)
    yield "p95 of latency, no change", months // 4, lambda draw, size: tails(draw, size, 1.0)
    yield "p95 of latency, +20 %", months // 20, lambda draw, size: tails(draw, size, 1.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=2000)
    months = parser.parse_args().months
    print("| traffic | months | test | months with an alarm | median time to the alarm |\n|---|---|---|---|---|")
    for name, size, play in scenarios(months):
        started = time.process_time()
        for test, outcome in play(np.random.default_rng(20_260_101), max(size, 1)).items():
            hours = f"{outcome.median:.0f} h" if math.isfinite(outcome.median) else "-"
            print(f"| {name} | {size:,} | {test} | {outcome.share:.1%} | {hours} |", flush=True)
        print(f"{name}: {time.process_time() - started:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
