"""Tests that may be looked at for ever: exact expectations where they can be summed, references and simulations elsewhere."""

from __future__ import annotations

import math
import random

import pytest

from llmops_git.evals.stats.live import (
    Counts,
    Mean,
    difference,
    fixed_radius,
    log_bet,
    log_evidence_of_rates,
    mean_radius,
    quantile_ranks,
    rate_interval,
    root_of_rates,
)
from llmops_git.evals.stats.normal import z_cdf


def same(rate: float) -> float:
    return rate


@pytest.mark.parametrize("rate", [0.002, 0.05, 0.5, 0.93])
@pytest.mark.parametrize("n", [1, 7, 60])
def test_a_bet_against_the_true_rate_is_fair(rate: float, n: int) -> None:
    """Its expectation over all outcomes is exactly 1; and of each step, whatever was seen before."""
    chances = [math.comb(n, hits) * rate**hits * (1 - rate) ** (n - hits) for hits in range(n + 1)]
    expected = math.fsum(chance * math.exp(log_bet(Counts(n, hits), rate)) for hits, chance in enumerate(chances))
    assert pytest.approx(1) == expected
    for hits in range(n + 1):
        before = math.exp(log_bet(Counts(n, hits), rate))
        after = rate * math.exp(log_bet(Counts(n + 1, hits + 1), rate)) + (1 - rate) * math.exp(
            log_bet(Counts(n + 1, hits), rate)
        )
        assert pytest.approx(before) == after


def test_a_rate_that_one_counterexample_rules_out_is_ruled_out() -> None:
    assert math.inf == log_bet(Counts(10, 1), 0.0)
    assert math.inf == log_bet(Counts(10, 9), 1.0)
    assert pytest.approx(0, abs=1e-6) == log_bet(Counts(1000, 0), 0.0)


def test_an_interval_holds_what_was_seen_and_closes_with_the_number_of_requests() -> None:
    widths = []
    for n in (20, 200, 2_000, 200_000):
        low, high = rate_interval(Counts(n, n * 0.1))
        assert low < 0.1 < high
        widths.append(high - low)
    assert sorted(widths, reverse=True) == widths
    assert (0.0, 1.0) == rate_interval(Counts(0, 0))
    low, high = rate_interval(Counts(1000, 0))
    assert (0.0, pytest.approx(0.0047, abs=2e-4)) == (low, high)


def test_a_month_of_hourly_looks_at_the_same_rate_raises_no_alarm() -> None:
    """Each look of each month: 0.01 allows 2 of 200 months, and a fixed test at that level gives dozens."""
    draw = random.Random(5)
    ours = fixed = 0
    for _ in range(200):
        before = Counts(20_000, sum(1 for _ in range(2_000) if draw.random() < 0.02) * 10)
        before = Counts(2_000, before.hits / 10)
        hits, wolf, alarm = 0, False, False
        for hour in range(1, 200):
            hits += sum(draw.random() < 0.02 for _ in range(10))
            now = Counts(hour * 10, hits)
            pooled = (before.hits + hits) / (before.n + now.n)
            spread = math.sqrt(pooled * (1 - pooled) * (1 / before.n + 1 / now.n))
            wolf |= now.rate - before.rate > 2.326 * spread
            if now.rate > before.rate + 2 * spread:
                alarm |= log_evidence_of_rates(before, now, same, up=True) >= math.log(100)
        fixed += wolf
        ours += alarm
    assert ours <= 4
    assert fixed >= 20


def test_the_pair_of_rates_that_pays_least_is_found() -> None:
    """Against a fine grid over all pairs within the limit, on its border and inside."""
    for before, now, margin in (
        (Counts(2_000, 40), Counts(500, 30), 0.0),
        (Counts(900, 0), Counts(300, 9), 0.005),
        (Counts(100, 60), Counts(4_000, 2_900), 0.03),
    ):

        def limit(rate: float, margin: float = margin) -> float:
            return min(1.0, rate + margin)

        grid = [step / 1500 for step in range(1, 1500)]
        left = {rate: log_bet(before, rate) for rate in grid}
        right = {rate: log_bet(now, rate) for rate in grid}
        border = min(left[rate] + log_bet(now, limit(rate)) for rate in grid)
        inside = min(left[one] + right[other] for one in grid[::3] for other in grid[::3] if other <= limit(one))
        found = log_evidence_of_rates(before, now, limit, up=True)
        assert pytest.approx(max(0, border), abs=0.02) == found
        assert found <= max(0, inside) + 0.02


def test_evidence_grows_with_what_is_seen_and_is_none_on_the_other_side() -> None:
    before = Counts(10_000, 200)
    found = [log_evidence_of_rates(before, Counts(n, n * 0.04), same, up=True) for n in (100, 500, 2_000, 8_000)]
    assert sorted(found) == found
    assert (0.0, True) == (found[0], found[-1] > 25)
    assert 0.0 == log_evidence_of_rates(before, Counts(2_000, 80), same, up=False)
    assert log_evidence_of_rates(before, Counts(8_000, 60), same, up=False) > math.log(1000)
    assert 0.0 == log_evidence_of_rates(before, Counts(2_000, 80), lambda rate: 2 * rate, up=True)
    assert 0.0 == log_evidence_of_rates(Counts(0, 0), Counts(10, 5), same, up=True)


@pytest.mark.parametrize(("old", "new"), [(0, 12), (2, 14), (5, 25), (48, 96), (400, 520)])
def test_the_root_has_the_tail_of_the_exact_test(old: int, new: int) -> None:
    """Of so many hits in all, how many are of now: binomial with one half, for equal numbers of requests and rare hits."""
    total = old + new
    exact = sum(math.comb(total, hits) for hits in range(new, total + 1)) / 2**total
    found = z_cdf(-root_of_rates(Counts(1e6, old), Counts(1e6, new), same, up=True))
    assert pytest.approx(exact, rel=0.2) == found
    mirrored = z_cdf(-root_of_rates(Counts(1e6, new), Counts(1e6, old), same, up=False))
    assert pytest.approx(exact, rel=0.2) == mirrored


def test_quantile_ranks_miss_the_quantile_as_seldom_as_they_say() -> None:
    low, high = quantile_ranks(1_000, 0.95, 0.01)
    assert low < 0.95 < high
    misses = sum(
        math.comb(1_000, over) * 0.05**over * 0.95 ** (1_000 - over)
        for over in range(1_001)
        if not 1 - high <= over / 1_000 <= 1 - low
    )
    assert misses < 0.01
    assert quantile_ranks(20, 0.99, 0.01)[1] == 1.0  # twenty values say nothing of how large the largest are
    assert (0.0, 1.0) == quantile_ranks(0, 0.5, 0.05)


def test_the_radius_of_a_mean_is_wider_than_at_one_look_and_falls_as_it() -> None:
    wide, fixed = mean_radius(0.01, 10.0, 0.05), fixed_radius(0.01, 0.05)
    assert pytest.approx(0.196, abs=1e-3) == fixed
    assert 1.3 < wide / fixed < 2
    assert mean_radius(0.001, 10.0, 0.05) < wide
    assert 0.0 == mean_radius(0.0, 0.0, 0.05)


def test_a_month_of_looks_at_a_mean_leaves_its_radius_seldom() -> None:
    draw = random.Random(11)
    left = 0
    for _ in range(300):
        total = squares = 0.0
        out = False
        for n in range(1, 1_500):
            value = draw.expovariate(1.0)
            total += value
            squares += value * value
            if n >= 50 and n % 10 == 0:
                spread = squares / n - (total / n) ** 2
                out |= abs(total / n - 1) > mean_radius(spread / n, spread, 0.05)
        left += out
    assert left <= 300 * 0.05


def test_a_side_on_which_all_agree_is_not_taken_for_certain() -> None:
    seen = difference(Mean(1_000, 0.9, 0.09 / 1_000), Mean(10, 1.0, 0.0))
    assert pytest.approx(0.1) == seen.mean
    assert seen.variance > 0.08 / 10
    halved = difference(Mean(100, 2.0, 0.04), Mean(100, 3.0, 0.04), ratio=1.5)
    assert (0.0, pytest.approx(0.04 * 2.25 + 0.04)) == (halved.mean, halved.variance)
