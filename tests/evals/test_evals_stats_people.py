"""Agreement, prediction-powered means, power, several looks and evidence at any time: known values and properties."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_evals_stats import UNITS

from llmops_git.evals import stats

cells = st.lists(st.lists(st.integers(0, 40), min_size=2, max_size=2), min_size=2, max_size=2).filter(
    lambda table: sum(cell for row in table for cell in row) > sum(table[0]) > 0
)
sides = st.lists(st.floats(0, 1), min_size=3, max_size=30)


@given(cells)
def test_kappa_is_at_most_one_and_the_same_for_either_rater_first(table):
    first, second = stats.kappa_of(table), stats.kappa_of([list(row) for row in zip(*table, strict=True)])
    assert first.kappa <= 1 + 1e-9
    assert pytest.approx((first.kappa, first.se)) == (second.kappa, second.se)


@given(cells)
def test_worths_of_two_labels_change_nothing(table):
    assert pytest.approx(stats.kappa_of(table).kappa) == stats.kappa_of(table, worths=[1.0, 0.25]).kappa


@given(cells)
def test_pseudo_counts_leave_kappa_alone_and_give_its_interval_a_width(table):
    plain, wide = stats.kappa_of(table), stats.kappa_of(table, pseudo=0.5)
    assert plain.kappa == wide.kappa
    assert wide.lo < wide.hi
    assert wide.lo <= wide.kappa <= wide.hi <= 1


def test_raters_who_always_agree_have_an_interval_that_depends_on_how_often():
    few, many = (stats.kappa_of([[n, 0], [0, n]], pseudo=0.5) for n in (5, 100))
    assert (1.0, 1.0) == (few.kappa, many.kappa)
    assert few.lo < 0.8
    assert many.lo > 0.95


def test_labels_next_to_each_other_cost_less_than_labels_far_apart():
    near, far = [[10, 5, 0], [0, 10, 5], [0, 0, 10]], [[10, 0, 5], [0, 10, 0], [5, 0, 10]]
    worths = [1.0, 0.5, 0.0]
    assert stats.kappa_of(far, worths=worths).kappa < stats.kappa_of(near, worths=worths).kappa
    assert stats.kappa_of(near).kappa < stats.kappa_of(near, worths=worths).kappa


@pytest.mark.parametrize("table", [[[0, 0], [0, 0]], [[9, 0], [0, 0]]])
def test_kappa_without_two_labels_is_refused(table):
    with pytest.raises(ValueError, match="kappa"):
        stats.kappa_of(table)


def test_krippendorff_with_the_interval_distance_of_his_own_example():
    assert pytest.approx(0.849, abs=5e-4) == stats.krippendorff_alpha(UNITS, distance="interval")


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30))
def test_alpha_does_not_depend_on_the_order_of_people_or_of_things(pairs):
    values = {value for pair in pairs for value in pair}
    if len(values) < 2:
        with pytest.raises(ValueError, match="alpha"):
            stats.krippendorff_alpha(pairs)
        return
    turned = [pair[::-1] for pair in reversed(pairs)]
    assert pytest.approx(stats.krippendorff_alpha(pairs)) == stats.krippendorff_alpha(turned)
    assert stats.krippendorff_alpha([(value, value) for value in sorted(values)]) == 1


@given(sides, sides)
def test_a_judge_who_is_not_trusted_leaves_what_people_said(y, others):
    result = stats.ppi_mean(y, [0.5] * len(y), others, lam=0.0)
    assert pytest.approx(math.fsum(y) / len(y)) == result.mean
    assert result.lo <= result.mean <= result.hi


@given(sides, sides)
def test_the_tuned_trust_is_a_share_and_equal_weights_change_nothing(y, others):
    yhat = [min(1.0, value + 0.1) for value in y]
    result = stats.ppi_mean(y, yhat, others)
    weighted = stats.ppi_mean(y, yhat, others, weights=[3.0] * len(y))
    assert 0 <= result.lam <= 1
    assert pytest.approx((result.mean, result.lo, result.hi)) == (weighted.mean, weighted.lo, weighted.hi)


def test_a_good_judge_narrows_the_interval_and_a_biased_one_is_corrected():
    source = random.Random(7)
    truth = [float(source.random() < 0.7) for _ in range(400)]
    judged = [min(1.0, value + 0.3 * (source.random() < 0.3)) for value in truth]
    people = stats.ppi_mean(truth[:60], judged[:60], [], small=True)
    both = stats.ppi_mean(truth[:60], judged[:60], judged[60:], small=True)
    assert both.hi - both.lo < people.hi - people.lo
    assert both.lo < math.fsum(truth) / 400 < both.hi
    assert 0.02 < math.fsum(judged) / 400 - math.fsum(truth) / 400


def test_one_label_says_nothing():
    with pytest.raises(ValueError, match="two labels"):
        stats.ppi_mean([1.0], [1.0], [0.0])


@given(st.floats(-4, 4), st.integers(2, 200), st.floats(-5, 5))
def test_the_noncentral_t_is_a_distribution_that_moves_with_its_shift(t, df, shift):
    value = stats.nct_cdf(t, df, shift)
    assert 0 <= value <= 1
    assert stats.nct_cdf(t, df, shift + 0.5) <= value + 1e-9 <= stats.nct_cdf(t + 0.5, df, shift) + 2e-9
    assert pytest.approx(stats.t_cdf(t, df), abs=1e-9) == stats.nct_cdf(t, df, 0.0)


@given(st.integers(3, 300), st.floats(0.05, 2), st.sampled_from([0.5, 0.8, 0.95]))
def test_the_detectable_drop_has_the_power_that_it_was_asked_for(n, sd, power):
    assert pytest.approx(power, abs=1e-6) == stats.power_noncentral_t(n, stats.mde_noncentral_t(n, sd, power=power), sd)


@pytest.mark.parametrize(("shape", "looks"), list(itertools.product(["obf", "pocock"], [1, 2, 3, 6, 10])))
def test_all_looks_together_cross_by_accident_as_often_as_alpha_says(shape, looks):
    z, p = stats.group_sequential(shape, looks, 0.025)
    assert pytest.approx(0.025, abs=1e-6) == stats.crossing(z)
    assert list(p) == sorted(p)
    assert p[-1] <= 0.025 + 1e-9


def test_a_walk_with_two_looks_crosses_as_often_as_drawn_ones_do():
    source = random.Random(3)
    z = (2.0, 1.7)
    hits = 0
    for _ in range(20_000):
        first, second = source.gauss(0, 1), source.gauss(0, 1)
        hits += first > z[0] or (first + second) / math.sqrt(2) > z[1]
    assert pytest.approx(hits / 20_000, abs=0.005) == stats.crossing(z)


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_fair_bet_on_losses_stays_fair_at_every_step(losses, wins):
    """The mean of what the next changed case makes of it, when losses are as likely as wins, is at most what there was."""
    after = (stats.e_mix_sign(losses + 1, wins) + stats.e_mix_sign(losses, wins + 1)) / 2
    assert after <= stats.e_mix_sign(losses, wins) * (1 + 1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_a_confidence_sequence_only_ever_narrows(values):
    looks = [stats.confidence_sequence(values[:count]) for count in range(1, len(values) + 1)]
    for (low, high), (later_low, later_high) in itertools.pairwise(looks):
        assert later_low >= low - 1e-9
        assert later_high <= high + 1e-9
    assert 0 <= looks[-1][0] <= looks[-1][1] <= 1


def test_a_confidence_sequence_holds_at_every_look():
    source = random.Random(5)
    lost = 0
    for _ in range(150):
        values = [float(source.random() < 0.8) for _ in range(150)]
        low, high = stats.confidence_sequence(values, 0.1)  # of all looks up to the last
        lost += not low <= 0.8 <= high
    assert lost <= 15


def test_values_outside_their_range_are_refused():
    for broken in (lambda: stats.confidence_sequence([1.5]), lambda: stats.group_sequential("obf", 0)):
        with pytest.raises(ValueError):
            broken()
