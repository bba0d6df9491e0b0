"""Looking before all cases are there: which cases each look has, what each may spend, and what it costs and saves."""

from __future__ import annotations

import dataclasses
import itertools
import random
from statistics import NormalDist

import pytest
from gate_values import SETTINGS, compared, evaluation_of, passes, run_of
from test_evals_gate import GRID, MEAN, beta_quantiles

from llmops_git.evals.compare import compare
from llmops_git.evals.early import level, looks_at, seen_at, wants_more
from llmops_git.evals.gate import decide
from llmops_git.evals.values import SampleResult
from llmops_git.scorers.base import Score


def ids(evaluation):
    return [case.id for case in evaluation.cases]


@pytest.mark.parametrize(("cases", "expected"), [(1, 1), (39, 1), (40, 2), (60, 3), (80, 4), (5000, 4)])
def test_every_look_adds_at_least_twenty_cases(cases, expected):
    assert expected == looks_at(evaluation_of(cases))


def test_the_levels_are_those_of_o_brien_and_fleming():
    assert [0.00026, 0.0071, 0.0227, 0.0415] == [pytest.approx(level(look, 4, 0.05), rel=0.02) for look in (1, 2, 3, 4)]
    assert 0.05 == level(1, 1, 0.05)


def test_looks_grow_into_each_other_and_the_last_is_the_whole():
    evaluation = evaluation_of(81)
    seen = [ids(seen_at(evaluation, look, 4)) for look in (1, 2, 3, 4)]
    assert [21, 41, 61, 81] == list(map(len, seen))
    assert all(set(less) < set(more) for less, more in itertools.pairwise(seen))
    assert seen_at(evaluation, 4, 4) is evaluation
    assert all(one == [case for case in ids(evaluation) if case in one] for one in seen), "in the eval set's order"
    assert {evaluation.digest} == {seen_at(evaluation, look, 4).digest for look in (1, 2, 3)}


def test_the_order_is_drawn_by_the_digest_and_not_the_file():
    one, other = (ids(seen_at(evaluation_of(80, digest=digest), 1, 4)) for digest in ("sha256:a", "sha256:b"))
    assert one == ids(seen_at(evaluation_of(80, digest="sha256:a"), 1, 4))
    assert one != other != ids(evaluation_of(80))[:20]


def test_clusters_come_whole():
    evaluation = evaluation_of(200)
    cases = tuple(dataclasses.replace(case, cluster=str(number // 2)) for number, case in enumerate(evaluation.cases))
    clustered = dataclasses.replace(evaluation, cases=cases)
    seen = [case.cluster for case in seen_at(clustered, 1, looks_at(clustered)).cases]
    assert 25 == len(set(seen)) == len(seen) / 2


def test_must_pass_cases_can_be_had_beside_those_of_a_look():
    evaluation = evaluation_of(80, must_pass={"c1", "c2", "c3", "c79"})
    plain, with_all = (set(ids(seen_at(evaluation, 1, 4, must_pass=must))) for must in (False, True))
    assert plain | {"c1", "c2", "c3", "c79"} == with_all
    assert plain != with_all


OPEN = compared(passes(45, 50), passes(41, 50))
LOST = compared(passes(50, 50), passes(20, 50))
SAME = compared(passes(280, 300), passes(280, 300))
MISSING = compared([1] * 10 + [None] * 10, [1] * 20)


@pytest.mark.parametrize(("comparisons", "expected"), [
    ([OPEN], True), ([LOST], False), ([SAME], False), ([MISSING], True), ([OPEN, LOST], False), ([], False),
])  # fmt: skip
def test_more_cases_are_wanted_where_they_could_settle_something(comparisons, expected):
    assert "invalid" == MISSING.verdict
    assert expected == wants_more(comparisons)


def stopped(runs, n, drop, seed):
    """(share called a regression, mean share of the cases asked) of changes whose true effect is -drop."""
    chance, normal = random.Random(seed), NormalDist()
    base_rates, head_rates = beta_quantiles(MEAN), beta_quantiles(MEAN - drop)
    evaluation = evaluation_of(n)
    of = looks_at(evaluation)
    parts = [seen_at(evaluation, look, of) for look in range(1, of + 1)]
    regressed = asked = 0.0

    def sample(case, rate):
        return SampleResult(case=case, repeat=0, scores={"queue": Score(value=float(chance.random() < rate))})

    for _ in range(runs):
        sides = [{}, {}]
        for case in ids(evaluation):
            place = chance.gauss(0, 1)
            moved = 0.9 * place + (1 - 0.9**2) ** 0.5 * chance.gauss(0, 1)
            for side, rates, at in zip(sides, (base_rates, head_rates), (place, moved), strict=True):
                side[case] = sample(case, rates[int(GRID * normal.cdf(at))])
        for look, part in enumerate(parts, 1):
            settings = dataclasses.replace(SETTINGS, alpha=level(look, of, SETTINGS.alpha))
            base, head = (
                dataclasses.replace(
                    run_of([0], digest=name), cases=tuple(ids(part)), samples=tuple(side[case] for case in ids(part))
                )
                for side, name in zip(sides, ("base", "head"), strict=True)
            )
            found = decide([compare(base, head, evaluation=part, settings=settings, against="merge base", base_name="m",
                                    instrument="head")], settings=SETTINGS)  # fmt: skip
            if not wants_more(found.comparisons):
                break
        regressed += found.verdict == "regressed"
        asked += len(part.cases) / n
    return regressed / runs, asked / runs


def test_harmless_changes_are_stopped_no_more_often_than_alpha():
    false, asked = stopped(250, 100, 0.0, seed=4)
    assert false <= 0.05 + 2 * (0.05 * 0.95 / 250) ** 0.5
    assert asked > 0.85


def test_a_disaster_is_stopped_after_half_of_the_cases_and_with_the_power_of_all():
    caught, asked = stopped(120, 100, 0.25, seed=5)
    assert caught > 0.97
    assert 0.35 < asked < 0.65
