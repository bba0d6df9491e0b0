"""The noise of an eval set: the share of false alarms is what the full gate gives, and what is wrong with a set is said."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from gate_values import BINARY, GRADED, SETTINGS, compared, evaluation_of, run_of

from llmops_git.configs.values import Repeats, ScorerGate
from llmops_git.evals.gate import decide
from llmops_git.evals.noise import noise_of
from llmops_git.evals.noise_warnings import holds, warnings_of

PAIR = Repeats(start=1, max=1)


def rows_of(count, rate, *, samples=2, seed=1):
    chance = random.Random(seed)
    return [[float(chance.random() < rate) for _ in range(samples)] for _ in range(count)]


def noise(rows, *, evaluation=None, settings=SETTINGS, **run):
    evaluation = evaluation or evaluation_of(len(rows), repeats=PAIR)
    return noise_of(run_of(rows, **run), evaluation, settings)


def said(found, level):
    return [one.text for one in warnings_of(found, SETTINGS) if one.level == level]


def test_what_the_deals_say_is_what_the_whole_gate_says_of_two_runs():
    rows = rows_of(40, 0.7)
    chance, counts = random.Random(3), Counter()
    for _ in range(600):
        turned = [chance.sample(row, 2) for row in rows]
        base, head = ([[row[side]] for row in turned] for side in (0, 1))
        counts[decide([compared(base, head, evaluation=evaluation_of(40, repeats=PAIR))], settings=SETTINGS).verdict] += 1
    found = noise(rows)
    for verdict, share in found.verdicts.items():
        assert pytest.approx(counts[verdict] / 600, abs=0.06) == share, verdict
    assert pytest.approx(1.0) == sum(found.verdicts.values())


def test_an_honest_set_keeps_the_promise_and_says_how_little_it_sees():
    found = noise(rows_of(60, 0.8))
    assert found.verdicts["regressed"] <= 0.05
    assert holds(warnings_of(found, SETTINGS))
    assert ["% of comparisons in which nothing changed stay inconclusive"] == [
        text.partition(" ")[2] for text in said(found, "weak")
    ]


def test_the_same_run_says_the_same_every_time():
    assert noise(rows_of(30, 0.6)) == noise(rows_of(30, 0.6))


def test_a_set_that_never_differs_is_quiet_and_repeats_are_a_waste():
    rows = [[1.0] * 10 for _ in range(300)]
    found = noise(rows, evaluation=evaluation_of(300, repeats=Repeats(start=1, max=5)))
    assert {"unchanged": 1.0} == {name: share for name, share in found.verdicts.items() if share}
    assert (5, (1, 3, 5)) == (found.samples, found.looks)
    found = replace(found, identical=True)  # see below
    assert ["every case was answered alike each time: further repeats cost money and show nothing"] == said(found, "weak")


def test_answers_are_alike_only_where_all_samples_of_each_case_are():
    def alike(rows, answer):
        run = run_of(rows)
        samples = tuple(replace(sample, output=answer(sample)) for sample in run.samples)
        return noise_of(replace(run, samples=samples), evaluation_of(len(rows), repeats=PAIR), SETTINGS).identical

    rows = rows_of(20, 1.0)
    assert alike(rows, lambda sample: sample.case)
    assert not alike(rows, lambda sample: f"{sample.case} {sample.repeat}" if sample.case == "c7" else sample.case)


@pytest.mark.parametrize(("samples", "expected"), [(2, (1,)), (6, (1, 3)), (10, (1, 3, 5)), (14, (1, 3, 5))])
def test_as_many_looks_are_played_as_there_are_samples_for(samples, expected):
    evaluation = evaluation_of(20, repeats=Repeats(start=1, max=5))
    assert expected == noise(rows_of(20, 0.8, samples=samples), evaluation=evaluation).looks


def test_looking_again_with_a_share_of_alpha_each_stays_within_alpha():
    evaluation = evaluation_of(60, repeats=Repeats(start=1, max=5))
    found = noise(rows_of(60, 0.8, samples=10), evaluation=evaluation)
    assert found.verdicts["regressed"] <= 0.05
    assert found.verdicts["inconclusive"] < noise(rows_of(60, 0.8)).verdicts["inconclusive"]


def test_many_scorers_are_corrected_for():
    declarations = [replace(BINARY, name=f"s{number}") for number in range(6)]
    chance = random.Random(5)
    rows = [[tuple(float(chance.random() < 0.7) for _ in declarations) for _ in range(2)] for _ in range(60)]
    found = noise(rows, declarations=declarations)
    assert found.verdicts["regressed"] <= 0.05
    assert 6 == len(found.scorers)


def test_must_pass_cases_that_fail_now_and_then_break_the_promise():
    rows = [[1.0, 1.0] for _ in range(30)]
    rows[4] = [1.0, 0.0]
    run = replace(run_of(rows), must_pass=("c4", "c5"))
    found = noise_of(run, evaluation_of(30, must_pass={"c4", "c5"}, repeats=PAIR), SETTINGS)
    assert (0.5, ("c4",)) == (found.must_pass, found.must_fail)
    assert ["must-pass cases fail by accident: 50.0 % of harmless changes are stopped by c4"] == said(found, "broken")


def test_a_must_pass_sample_fails_once_however_many_scorers_say_so():
    declarations = [BINARY, replace(BINARY, name="other")]
    rows = [[(1.0, 1.0), (1.0, 1.0)] for _ in range(30)]
    rows[4] = [(1.0, 1.0), (0.0, 0.0)]
    run = replace(run_of(rows, declarations=declarations), must_pass=("c4",))
    assert 0.5 == noise_of(run, evaluation_of(30, must_pass={"c4"}, repeats=PAIR), SETTINGS).must_pass


def test_copies_of_cases_count_as_independent_and_that_is_said():
    evaluation = evaluation_of(40, repeats=PAIR)
    copies = tuple(replace(case, inputs={"n": number // 2}) for number, case in enumerate(evaluation.cases))
    found = noise(rows_of(40, 0.8), evaluation=replace(evaluation, cases=copies))
    assert ["20 of 40 cases ask what another one asks, and count as independent"] == said(found, "broken")
    declared = tuple(replace(case, cluster=str(number // 2)) for number, case in enumerate(copies))
    assert [] == said(noise(rows_of(40, 0.8), evaluation=replace(evaluation, cases=declared)), "broken")


def test_copies_that_answer_together_do_break_the_promise_and_clusters_mend_it():
    """Five copies of 12 questions, each copy answered alike: dealt by case the gate sees 60 witnesses and has 12."""
    alarms = Counter()
    for seed in range(200):
        chance = random.Random(seed)
        base, head = ([float(chance.random() < 0.7) for _ in range(12)] for _ in range(2))
        rows = [[value for value in side for _ in range(5)] for side in (base, head)]
        for name, clusters in (("alone", {}), ("together", {f"c{at}": str(at // 5) for at in range(60)})):
            found = compared(*[[[value] for value in side] for side in rows], clusters=clusters)
            alarms[name] += found.verdict == "regressed"
    assert alarms["together"] <= 0.06 * 200 < 0.10 * 200 < alarms["alone"]


def test_scores_that_are_not_there_are_said_and_are_no_noise():
    rows = rows_of(40, 1.0)
    rows[:6] = [[None, None]] * 6
    found = noise(rows)
    assert (34, 0.0) == (found.scorers[0].cases, found.scorers[0].discordance)
    assert ["`queue` has no value for 15.0 % of samples: comparisons are invalid"] == said(found, "broken")


def test_graded_scores_say_how_far_samples_differ():
    rows = [[0.5, 0.75]] * 10 + [[1.0, 1.0]] * 10
    scorer = noise(rows, declaration=GRADED).scorers[0]
    assert pytest.approx((0.8125, 0.5, 10)) == (scorer.mean, scorer.discordance, len(scorer.flaky))
    assert pytest.approx((0.03125 / 2) ** 0.5) == scorer.within


def test_a_scorer_that_does_not_gate_is_shown_and_no_reason():
    evaluation = evaluation_of(20, gates={"queue": ScorerGate(mode="off")}, repeats=PAIR)
    found = noise(rows_of(20, 0.5), evaluation=evaluation)
    assert (0, False) == (found.deals, found.scorers[0].gating)
    assert [] == said(found, "broken")


def test_a_tiny_set_is_weak_and_breaks_nothing():
    found = noise(rows_of(4, 0.5))
    assert {"inconclusive": 1.0} == {name: share for name, share in found.verdicts.items() if share}
    assert ["4 cases: fewer than 20 never show that nothing changed"] == said(found, "weak")
    assert holds(warnings_of(found, SETTINGS))


def test_a_promise_that_the_deals_do_not_keep_is_broken():
    found = replace(noise(rows_of(40, 0.8)), verdicts={"regressed": 0.09, "inconclusive": 0.1})
    assert ["9.0 % of comparisons in which nothing changed are called a regression, and 5.0 % are promised"] == said(
        found, "broken"
    )
    assert [] == said(replace(found, verdicts={"regressed": 0.055}), "broken"), "within what dealing so often can tell"
