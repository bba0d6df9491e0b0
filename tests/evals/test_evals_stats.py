"""The statistics against pinned vectors, and the properties that the gate leans on."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.evals import stats

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "gate_vectors.json").read_text())

# Krippendorff 2011, example data: four people, twelve things, some not rated
PEOPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
UNITS = [[value for value in unit if value is not None] for unit in zip(*PEOPLE, strict=True)]


def _aug_t(d, g, alpha):
    result = stats.aug_t(d, g=g, alpha=alpha)
    return {"mean": result.mean, "lo": result.lo, "hi": result.hi, "df": result.df, "p_worse": result.p_worse}


def _aug_t_clustered(d, clusters, g):
    result = stats.aug_t(d, g=g, clusters=clusters)
    return {"center": result.center, "se": result.se, "df": result.df}


def _paired_t(base, cand):
    t, p_worse = stats.paired_t(base, cand)
    return {"t": t, "p_worse": p_worse}


def _kappa_se(table):
    result = stats.kappa_of(table)
    return {"kappa": result.kappa, "se": result.se, "lo": result.lo, "hi": result.hi}


def _ppi_mean(**given):
    result = stats.ppi_mean(**given)
    return [result.mean, result.lo, result.hi]


def _group_sequential(shape, looks, alpha_one_sided):
    z, p = stats.group_sequential(shape, looks, alpha_one_sided)
    return {"z": list(z), "p": list(p)}


BUILT = {
    "aug_t": _aug_t,
    "aug_t_clustered": _aug_t_clustered,
    "bh": stats.bh,
    "clopper_pearson": stats.clopper_pearson,
    "cluster_se_plain": stats.cluster_se_plain,
    "cohen_kappa": stats.cohen_kappa,
    "cohen_kappa_se": _kappa_se,
    "e_mix_sign": stats.e_mix_sign,
    "group_sequential": _group_sequential,
    "holm": stats.holm,
    "krippendorff_alpha_nominal": lambda **_note: stats.krippendorff_alpha(UNITS),
    "log_ratio": stats.log_ratio,
    "mcnemar_exact_two_sided": stats.mcnemar_exact_two_sided,
    "mde": stats.mde,
    "mde_noncentral_t": stats.mde_noncentral_t,
    "must_pass_false_block": stats.must_pass_false_block,
    "paired_t": _paired_t,
    "pass_hat_k": stats.pass_hat_k,
    "power_noncentral_t": stats.power_noncentral_t,
    "ppi_mean": _ppi_mean,
    "rule_of_three": stats.rule_of_three,
    "sign_test": stats.sign_test,
    "signflip_exact": stats.signflip_exact,
    "t_cdf": stats.t_cdf,
    "t_ppf": stats.t_ppf,
    "total_ratio": stats.total_ratio,
    "verdict": stats.verdict,
    "wilson": stats.wilson,
}


def test_every_function_of_the_vectors_is_built():
    assert {vector["fn"] for vector in VECTORS} == set(BUILT)


@pytest.mark.parametrize(
    "vector",
    VECTORS,
    ids=lambda vector: f"{vector['fn']}-{json.dumps(vector['input'])[:60]}",
)
def test_vector(vector):
    actual = BUILT[vector["fn"]](**{key: value for key, value in vector["input"].items() if key != "name"})
    expected = vector["expect"]
    if isinstance(expected, str):
        assert expected == actual
    elif isinstance(expected, dict) and any(isinstance(value, list) for value in expected.values()):
        assert {key: pytest.approx(value, rel=vector["tol"]) for key, value in expected.items()} == actual
    else:
        assert pytest.approx(expected, rel=vector["tol"], abs=vector["tol"]) == actual


differences = st.lists(st.floats(-1, 1), min_size=5, max_size=60)


@given(differences, st.sampled_from([0.25, 0.5, 1.0]), st.sampled_from([1, 3, 5]), st.sampled_from([0.025, 0.05]))
def test_an_interval_never_has_zero_width_and_surrounds_its_center(d, step, k, alpha):
    result = stats.aug_t(d, g=step / math.sqrt(k), alpha=alpha)
    assert result.lo < result.center < result.hi


@given(differences)
def test_turning_every_difference_around_turns_the_interval_around(d):
    there, back = stats.aug_t(d, g=1), stats.aug_t([-value for value in d], g=1)
    assert pytest.approx((-there.hi, -there.lo, 1 - there.p_worse)) == (back.lo, back.hi, back.p_worse)


@given(differences)
def test_a_p_below_alpha_is_an_upper_bound_below_zero(d):
    result = stats.aug_t(d, g=0.5, alpha=0.05)
    if abs(result.hi) > 1e-9:
        assert (result.hi < 0) == (result.p_worse < 0.05)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_never_below_the_raw_p_nor_below_benjamini_hochberg(p):
    holm, bh = stats.holm(p), stats.bh(p)
    assert all(raw <= second * (1 + 1e-12) <= first * (1 + 1e-9) for raw, second, first in zip(p, bh, holm, strict=True))
    assert all(0 <= value <= 1 for value in holm + bh)


@given(st.floats(0.001, 0.999), st.integers(1, 2000))
def test_the_t_quantile_inverts_the_t_distribution(p, df):
    assert pytest.approx(p, rel=1e-9) == stats.t_cdf(stats.t_ppf(p, df), df)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, 3 * n), st.just(n))))
def test_the_exact_interval_holds_the_measured_share(thirds):
    x, n = thirds[0] / 3, thirds[1]
    low, high = stats.clopper_pearson(x, n)
    assert low <= x / n <= high
    assert low < high


def test_the_exact_interval_inverts_the_binomial_tail():
    _, high = stats.clopper_pearson(36, 50, conf=0.9)
    tail = math.fsum(math.comb(50, i) * high**i * (1 - high) ** (50 - i) for i in range(37))
    assert pytest.approx(0.05) == tail


@pytest.mark.parametrize("losses", range(1, 8))
def test_flipping_signs_of_equal_sizes_is_the_sign_test(losses):
    d = [-1] * losses + [1] * 3 + [0] * 4
    assert pytest.approx(stats.sign_test(losses, 3, mid=True)) == stats.signflip_exact(d, scale=1, mid=True)


@pytest.mark.parametrize("n", [5, 12, 20, 50, 120, 300])
def test_a_flipped_pass_or_fail_moves_both_bounds_down(n):
    """The monotony of the gate for one run of pass or fail: every (losses, wins) against one more loss or one less win."""
    small = range(min(n, 45) + 1)
    table = {
        (losses, wins): stats.aug_t([-1.0] * losses + [1.0] * wins + [0.0] * (n - losses - wins), g=1)
        for losses in small
        for wins in small
        if losses + wins <= n
    }
    for (losses, wins), before in table.items():
        for after in (table.get((losses + 1, wins)), table.get((losses, wins - 1))):
            assert after is None or (after.lo <= before.lo and after.hi <= before.hi), (losses, wins)


def test_a_wider_spread_of_clusters_widens_the_interval():
    d = [-1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0] * 2
    together = [index // 2 for index in range(20)]
    assert stats.aug_t(d, g=1, clusters=together).se > stats.aug_t(d, g=1).se
    assert stats.mde(d, g=1, step=1, k=1, clusters=together) > stats.mde(d, g=1, step=1, k=1)


def test_numbers_outside_their_range_are_refused():
    for broken in (
        lambda: stats.t_ppf(1, 5),
        lambda: stats.betainc(1, 1, 1.5),
        lambda: stats.aug_t([], g=1),
        lambda: stats.aug_t([0.0], g=0),
        lambda: stats.aug_t([0.0, 1.0], g=1, clusters=["a", "a"]),
    ):
        with pytest.raises(ValueError):
            broken()
