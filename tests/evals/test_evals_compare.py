"""What a comparison of two runs says, rule by rule, and what no comparison may ever say."""

from __future__ import annotations

import dataclasses
import random

import pytest
from gate_values import (
    BINARY,
    BROKEN,
    GRADED,
    HARM,
    NOT_APPLICABLE,
    SETTINGS,
    compared,
    evaluation_of,
    passes,
    run_of,
)
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.values import ScorerGate
from llmops_git.evals import stats
from llmops_git.evals.compare import compare
from llmops_git.evals.values import ScorerDeclaration
from llmops_git.scorers.base import Score


def only(comparison):
    (scorer,) = comparison.scorers
    return scorer


# verdicts of one scorer


def test_the_interval_is_the_augmented_t_of_the_case_differences():
    comparison = compared(passes(93, 100), passes(85, 100))
    expected = stats.aug_t([-1.0] * 8 + [0.0] * 92, g=1)
    scorer = only(comparison)
    assert (scorer.low, scorer.high, scorer.p_worse) == (expected.lo, expected.hi, expected.p_worse)
    assert pytest.approx((0.93, 0.85, -0.08)) == (scorer.base, scorer.head, scorer.delta)
    assert (scorer.better, scorer.worse, scorer.same, scorer.cases) == (0, 8, 92, 100)
    assert scorer.mde == stats.mde([-1.0] * 8 + [0.0] * 92, g=1, step=1, k=1)


@pytest.mark.parametrize(
    ("base", "head", "n", "verdict"),
    [
        (80, 98, 100, "improved"),
        (280, 281, 300, "unchanged"),
        (90, 72, 100, "regressed"),
        (45, 41, 50, "inconclusive"),
        (16, 6, 20, "regressed"),
        (5, 0, 5, "regressed"),
        (5, 1, 5, "inconclusive"),
    ],
)
def test_verdicts(base, head, n, verdict):
    comparison = compared(passes(base, n), passes(head, n))
    assert (verdict, verdict) == (only(comparison).verdict, comparison.verdict)
    assert (verdict != "regressed") == comparison.gate_passes


def test_four_cases_show_nothing():
    scorer = only(compared([1, 1, 1, 1], [0, 0, 0, 0]))
    assert scorer.verdict == "inconclusive"
    assert (scorer.low, scorer.high, scorer.p_worse, scorer.mde) == (None, None, None, None)
    assert scorer.notes == ("4 cases: fewer than 5 show nothing but an accident",)


def test_nineteen_cases_cannot_show_that_nothing_changed_and_twenty_can():
    level = [0.5, 0.6, 0.7] * 7
    assert only(compared(level[:19], level[:19], declaration=tiny_steps())).verdict == "inconclusive"
    assert only(compared(level[:20], level[:20], declaration=tiny_steps())).verdict == "unchanged"


def tiny_steps():
    return dataclasses.replace(GRADED, scale="continuous", step=0.05)


def test_a_drop_smaller_than_the_margin_is_unchanged_with_a_note():
    gates = {"queue": ScorerGate(margin=0.10)}
    comparison = compared(passes(290, 300), passes(279, 300), evaluation=evaluation_of(300, gates=gates))
    assert only(comparison).verdict == "unchanged"
    assert only(comparison).notes == ("worse, but by less than the margin",)
    assert only(comparison).margin == 0.10


def test_of_a_scorer_that_is_better_when_lower_the_delta_is_as_shown_and_the_interval_oriented():
    comparison = compared([0.25] * 40, [0.75] * 40, declaration=HARM)
    scorer = only(comparison)
    assert (scorer.delta, scorer.verdict) == (0.5, "regressed")
    assert scorer.high < 0
    assert (scorer.better, scorer.worse) == (0, 40)


def test_repeats_are_averaged_within_the_case_and_never_counted_as_cases():
    once = only(compared([1, 1, 0, 1, 1] * 8, [1, 0, 0, 1, 1] * 8))
    base = [[value] * 3 for value in [1, 1, 0, 1, 1] * 8]
    thrice = only(compared(base, [[value] * 3 for value in [1, 0, 0, 1, 1] * 8]))
    assert (once.cases, once.base, once.head, once.delta) == (thrice.cases, thrice.base, thrice.head, thrice.delta)
    assert pytest.approx(stats.aug_t([0, -1, 0, 0, 0] * 8, g=3**-0.5).lo) == thrice.low


def test_repeats_of_one_side_only_are_not_used():
    base = run_of([[1, 0]] * 30, digest="base")
    head = run_of([1] * 30)
    comparison = compare(
        base, head, evaluation=evaluation_of(30), settings=SETTINGS, against="production", base_name="v1", instrument="head"
    )
    assert (only(comparison).base, comparison.planned, comparison.measured) == (1.0, 30, 30)


def test_the_level_is_the_one_of_this_look():
    settings = dataclasses.replace(SETTINGS, alpha=0.025)
    scorer = only(compared(passes(93, 100), passes(85, 100), settings=settings))
    assert (stats.aug_t([-1.0] * 8 + [0.0] * 92, g=1, alpha=0.025).hi, 0.025) == (scorer.high, scorer.alpha)


def test_five_clusters_are_used_and_four_are_not():
    base, head = [1] * 40, [0, 0, 0, 0, 0, 0, 0, 0] + [1] * 32
    five = {f"c{index}": f"document {index // 8}" for index in range(40)}
    four = {f"c{index}": f"document {index // 10}" for index in range(40)}
    differences = [-1.0] * 8 + [0.0] * 32
    clustered = only(compared(base, head, clusters=five))
    expected = stats.aug_t(differences, g=1, clusters=[index // 8 for index in range(40)])
    assert pytest.approx((expected.lo, expected.hi)) == (clustered.low, clustered.high)
    plain = only(compared(base, head, clusters=four))
    assert stats.aug_t(differences, g=1).lo == plain.low
    assert "clusters not used: fewer than 5, or one per case" in plain.notes


# what was not measured


def test_pairs_with_an_error_are_left_out_on_both_sides_and_counted():
    comparison = compared([1] * 99 + [None], [None] + [1] * 99, evaluation=evaluation_of(100))
    assert (comparison.planned, comparison.measured, comparison.errors) == (100, 98, {"timeout": 2})
    assert (only(comparison).cases, only(comparison).base, only(comparison).head) == (98, 1.0, 1.0)


def test_a_verdict_that_the_missing_pairs_could_change_is_inconclusive():
    whole = only(compared(passes(280, 300), passes(280, 300)))
    holes = only(compared(passes(280, 300), [None] * 12 + passes(268, 288)))
    assert (whole.verdict, holes.verdict) == ("unchanged", "inconclusive")
    assert holes.notes == ("unchanged on what was measured; what is missing could change that",)


def test_missing_pairs_between_improved_and_unchanged_leave_it_unchanged():
    scorer = only(compared([0] * 13 + [1] * 287, [1] * 299 + [None]))
    assert scorer.verdict == "improved"
    scorer = only(compared([0] * 7 + [1] * 293, [1] * 297 + [None] * 3))
    assert (scorer.low > 0, scorer.verdict) == (True, "unchanged")


def test_coverage_below_the_minimum_is_invalid_and_never_a_regression():
    comparison = compared(passes(100, 100), [0] * 94 + [None] * 6)
    assert (comparison.verdict, only(comparison).verdict, comparison.gate_passes) == ("invalid", "invalid", False)
    assert "94 of 100 samples measured (94 %), fewer than 95 %" in only(comparison).notes
    assert only(comparison).p_worse is None
    assert comparison.hard_failures == ()


def test_errors_that_fall_on_one_side_are_invalid():
    settings = dataclasses.replace(SETTINGS, coverage_min=0.5)
    comparison = compared([1] * 100, [1] * 94 + [None] * 6, settings=settings)
    assert comparison.verdict == "invalid"
    assert comparison.reasons == ("queue: not measured (errors fell mostly on the head (0 base, 6 head))",)
    assert compared([None] * 6 + [1] * 94, [1] * 94 + [None] * 6, settings=settings).verdict != "invalid"


def test_a_score_that_was_not_measured_is_missing_and_its_class_is_counted():
    comparison = compared([1] * 40, [1] * 30 + [BROKEN] * 10)
    assert (comparison.verdict, comparison.errors, comparison.measured) == ("invalid", {"judge": 10}, 40)


def test_what_is_not_applicable_is_neither_planned_nor_missing():
    comparison = compared([1] * 40, [NOT_APPLICABLE] * 20 + [1] * 20)
    assert (only(comparison).cases, only(comparison).base) == (20, 1.0)
    assert only(comparison).verdict == "inconclusive"  # 20 cases: the interval is wider than the margin
    assert "not applicable in 20 of 40 pairs" in only(comparison).notes


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"eval_digest": "other"}, "not comparable: the head was measured under another evaluation (other)"),
        ({"cases": ("c0",)}, "the head ran other cases than the eval set's (29 missing, 0 extra)"),
        ({"scorers": (GRADED,)}, "the two sides declare different scorers"),
    ],
)
def test_runs_of_different_evaluations_are_not_compared(change, reason):
    comparison = compare(
        run_of([1] * 30, digest="base"),
        dataclasses.replace(run_of([0] * 30), **change),
        evaluation=evaluation_of(30, must_pass={"c0"}),
        settings=SETTINGS,
        against="merge base",
        base_name="main",
        instrument="head",
    )
    assert ("invalid", (reason,), (reason,), ()) == (
        comparison.verdict,
        comparison.reasons,
        comparison.unmeasured,
        comparison.scorers,
    )


def test_two_samples_of_one_case_and_repeat_are_not_compared():
    head = run_of([1] * 30)
    head = dataclasses.replace(head, samples=(*head.samples, head.samples[0]))
    comparison = compare(
        run_of([1] * 30, digest="base"),
        head,
        evaluation=evaluation_of(30),
        settings=SETTINGS,
        against="merge base",
        base_name="main",
        instrument="head",
    )
    assert comparison.unmeasured == ("the head has two samples of one case and repeat",)


# must-pass cases and floors


def test_a_failed_must_pass_case_fails_hard_in_any_repeat():
    base = [[1, 1, 1]] * 30
    comparison = compared(base, [[1, 1, 0], *base[1:]], evaluation=evaluation_of(30, must_pass={"c0", "c1"}))
    assert comparison.hard_failures == ("c0: must pass, failed queue in 1 of 3 runs",)
    assert (comparison.verdict, comparison.gate_passes) == ("regressed", False)
    assert only(comparison).verdict == "inconclusive"


def test_a_must_pass_case_that_fails_on_the_base_too_still_fails_and_says_so():
    comparison = compared([0] + [1] * 29, [0] + [1] * 29, evaluation=evaluation_of(30, must_pass={"c0"}))
    assert comparison.hard_failures == ("c0: must pass, failed queue in 1 of 1 runs; failing on the base as well",)


def test_a_must_pass_case_that_was_not_measured_is_invalid():
    comparison = compared([1] * 100, [None] + [1] * 99, evaluation=evaluation_of(100, must_pass={"c0"}))
    assert comparison.verdict == "invalid"
    assert only(comparison).notes == ("c0: must pass, not measured in 1 of 1 runs",)


def test_must_pass_looks_only_at_gating_pass_or_fail_scorers():
    rows = [(1, 0.5)] * 30
    both = {"declarations": (BINARY, GRADED), "evaluation": evaluation_of(30, must_pass={"c0"})}
    assert compared(rows, rows, **both).hard_failures == ()
    off = evaluation_of(30, must_pass={"c0"}, gates={"queue": ScorerGate(mode="off")})
    assert compared(rows, rows, declarations=(BINARY, GRADED), evaluation=off).unmeasured == (
        "must-pass cases need a pass/fail scorer that gates, and there is none",
    )


def test_a_must_pass_case_that_no_scorer_applies_to_is_invalid():
    rows = [NOT_APPLICABLE] + [1] * 29
    comparison = compared(rows, rows, evaluation=evaluation_of(30, must_pass={"c0"}))
    assert (comparison.verdict, comparison.unmeasured) == ("invalid", ("c0: must pass, and no pass/fail scorer applies to it",))


def test_the_best_value_of_a_pass_or_fail_scorer_that_is_better_when_lower_is_zero():
    leak = ScorerDeclaration(name="leak", use="regex", direction="lower", scale="binary", step=1)
    evaluation = evaluation_of(30, must_pass={"c0"})
    assert compared([0] * 30, [0] * 30, declaration=leak, evaluation=evaluation).hard_failures == ()
    assert len(compared([0] * 30, [1] + [0] * 29, declaration=leak, evaluation=evaluation).hard_failures) == 1


@pytest.mark.parametrize(
    ("count", "hard", "noted"), [(36, 1, False), (43, 0, True), (50, 0, False)], ids=["below", "open", "above"]
)
def test_a_floor_fails_hard_only_when_proven_broken(count, hard, noted):
    evaluation = evaluation_of(50, gates={"queue": ScorerGate(floor=0.90)})
    comparison = compared(passes(count, 50), passes(count, 50), evaluation=evaluation)
    assert (hard, noted) == (len(comparison.hard_failures), any("floor" in note for note in only(comparison).notes))
    assert ("regressed" if hard else "unchanged") == comparison.verdict


def test_a_floor_of_a_graded_scorer_uses_its_own_spread():
    evaluation = evaluation_of(40, gates={"quality": ScorerGate(floor=0.75)})
    comparison = compared([0.5] * 40, [0.5] * 40, declaration=GRADED, evaluation=evaluation)
    assert comparison.hard_failures == ("quality: 0.500 over 40 cases, proven below its floor of 0.75",)


def test_the_floor_of_a_scorer_that_is_better_when_lower_is_a_ceiling():
    evaluation = evaluation_of(40, gates={"harm": ScorerGate(floor=0.25)})
    comparison = compared([0.75] * 40, [0.75] * 40, declaration=HARM, evaluation=evaluation)
    assert comparison.hard_failures == ("harm: 0.750 over 40 cases, proven above its ceiling of 0.25",)


def test_a_scorer_that_does_not_gate_is_shown_and_changes_nothing():
    evaluation = evaluation_of(100, gates={"queue": ScorerGate(mode="off", floor=0.9)})
    comparison = compared(passes(90, 100), passes(20, 100), evaluation=evaluation)
    assert (only(comparison).verdict, only(comparison).gating) == ("regressed", False)
    assert (comparison.verdict, comparison.reasons, comparison.hard_failures) == ("inconclusive", ("no scorer gates",), ())


# against nothing


def test_against_nothing_only_absolute_rules_apply():
    comparison = compared(None, passes(20, 40), against="nothing")
    assert (
        comparison.verdict,
        comparison.gate_passes,
        comparison.planned,
        comparison.measured,
    ) == ("unchanged", True, 40, 40)
    assert (
        only(comparison).base,
        only(comparison).head,
        only(comparison).delta,
        only(comparison).cases,
    ) == (None, 0.5, None, 40)
    must = compared(None, [0] + [1] * 39, evaluation=evaluation_of(40, must_pass={"c0"}))
    assert (must.verdict, must.against) == ("regressed", "nothing")
    assert compared(None, [None] * 3 + [1] * 37).verdict == "invalid"
    floor = evaluation_of(40, gates={"queue": ScorerGate(floor=0.9)})
    assert compared(None, passes(20, 40), evaluation=floor).verdict == "regressed"


# cost and latency


def priced(factor):
    return lambda case, _repeat: factor * (0.001 + 0.0001 * (int(case[1:]) % 7))


def with_costs(base, head, *, n=40, budgets=None):
    return compare(
        run_of([1] * n, digest="base", cost_usd=base, latency_seconds=2.0, cached=True),
        run_of([1] * n, cost_usd=head, latency_seconds=lambda case, _: 3.0 if case == "c0" else 2.0),
        evaluation=evaluation_of(n, budgets=budgets or {"cost": 1.10, "latency_p50": 1.15}),
        settings=SETTINGS,
        against="merge base",
        base_name="main",
        instrument="head",
    )


def test_ratios_are_of_the_typical_request():
    cost, latency = with_costs(priced(1), priced(1.05)).ratios
    assert pytest.approx((1.05, 1.05, 1.05)) == (cost.ratio, cost.low, cost.high)
    assert (cost.name, cost.unit, cost.max_ratio, cost.state) == ("cost", "usd", 1.10, "within")
    assert (latency.name, latency.unit, latency.base, latency.head, latency.state) == ("latency", "seconds", 2.0, 2.0, "within")


def test_a_budget_proven_over_fails_hard():
    comparison = with_costs(priced(1), priced(1.25))
    assert comparison.hard_failures == ("cost: 1.25 times the base's (at least 1.25), over the budget of 1.1",)
    assert comparison.verdict == "regressed"
    assert with_costs(priced(1), priced(1.25), budgets={"latency_p50": 2}).hard_failures == ()


def test_an_unknown_cost_is_not_measured_and_few_cases_prove_nothing():
    assert with_costs(None, priced(1)).ratios[0].state == "not measured"
    assert with_costs(priced(1), priced(9), n=4).ratios[0].state == "unproven"
    half = with_costs(priced(1), lambda case, repeat: None if case < "c2" else priced(1)(case, repeat))
    assert (pytest.approx(1.0), "within") == (half.ratios[0].ratio, half.ratios[0].state)


def test_from_free_to_paid_is_over_any_budget_and_free_is_within():
    assert with_costs(0.0, priced(1)).hard_failures == ("cost: from nothing, over the budget of 1.1",)
    assert with_costs(0.0, 0.0).ratios[0].state == "within"
    assert with_costs(priced(1), 0.0).ratios[0].state == "within"


def test_ratio_scorers_are_not_soft_scorers():
    latency = ScorerDeclaration(name="speed", use="latency", direction="lower", scale="continuous", step=0.25, ratio=True)
    comparison = compared([(1, 2.0)] * 30, [(1, 9.0)] * 30, declarations=(BINARY, latency))
    assert [scorer.scorer for scorer in comparison.scorers] == ["queue"]


# flipped cases


def test_flipped_cases_show_what_each_side_answered_the_worst_first():
    base = [[1, 1], [0, 0], [1, 1]] + [[1, 1]] * 27
    head = [[1, 0], [1, 1], [0, 0]] + [[1, 1]] * 27
    comparison = compared(base, head)
    assert [(flip.case, flip.base_value, flip.head_value, flip.better) for flip in comparison.flipped] == [
        ("c2", 1.0, 0.0, False),
        ("c0", 1.0, 0.5, False),
        ("c1", 0.0, 1.0, True),
    ]
    assert (comparison.flipped[1].base_output, comparison.flipped[1].head_output) == ("c0/1: 1", "c0/1: 0")
    assert (comparison.flipped[0].inputs, comparison.flipped[0].expected) == ({"n": 2}, 2)


@pytest.mark.parametrize(("worse", "better", "kept"), [(300, 300, (100, 100)), (300, 20, (180, 20)), (20, 300, (20, 180))])
def test_at_most_two_hundred_flipped_cases_are_kept_of_both_directions(worse, better, kept):
    comparison = compared([1] * worse + [0] * better, [0] * worse + [1] * better)
    found = [flip.better for flip in comparison.flipped]
    assert kept == (found.count(False), found.count(True))


# properties

values = st.sampled_from([0, 1])
graded = st.sampled_from([0, 0.25, 0.5, 0.75, 1])
rows = st.lists(st.lists(graded, min_size=2, max_size=2), min_size=1, max_size=40)
SEVERITY = {"improved": 0, "unchanged": 1, "inconclusive": 2, "regressed": 3}


@given(rows)
def test_a_run_against_itself_is_never_improved_nor_regressed(own):
    comparison = compared(own, own, declaration=GRADED)
    assert comparison.verdict in {"unchanged", "inconclusive"}
    assert (only(comparison).delta, comparison.flipped, comparison.leaning_worse) == (0.0, (), False)


pairs = st.lists(st.tuples(values, values), min_size=5, max_size=60)


@given(pairs, st.data())
def test_one_more_failed_case_never_makes_a_verdict_better(both, data):
    base, head = [pair[0] for pair in both], [pair[1] for pair in both]
    passed = [index for index, value in enumerate(head) if value]
    if not passed:
        return
    worse = list(head)
    worse[data.draw(st.sampled_from(passed))] = 0
    holes = data.draw(st.sampled_from([0, 0, 1]))
    before, after = compared(base + [1] * holes, head + [None] * holes), compared(base + [1] * holes, worse + [None] * holes)
    if before.verdict != "invalid":
        assert SEVERITY[after.verdict] >= SEVERITY[before.verdict]
    assert after.gate_passes <= before.gate_passes
    assert only(after).delta < only(before).delta


@given(rows, st.data())
def test_a_worse_value_never_raises_the_delta(own, data):
    place = data.draw(st.integers(0, len(own) - 1))
    worse = [list(row) for row in own]
    worse[place][0] = max(0, worse[place][0] - 0.25)
    assert only(compared(own, worse, declaration=GRADED)).delta <= 0


@given(rows, rows, st.randoms(use_true_random=False))
def test_the_order_of_cases_and_samples_changes_nothing(first, second, shuffler):
    n = min(len(first), len(second))
    order = list(range(n))
    shuffler.shuffle(order)
    straight = compared(first[:n], second[:n], declaration=GRADED)

    def shuffled(run):
        samples = list(run.samples)
        shuffler.shuffle(samples)
        return dataclasses.replace(run, cases=tuple(run.cases[index] for index in order), samples=tuple(samples))

    evaluation = evaluation_of(n)
    evaluation = dataclasses.replace(evaluation, cases=tuple(evaluation.cases[index] for index in order))
    other = compare(
        shuffled(run_of(first[:n], digest="base", declaration=GRADED)),
        shuffled(run_of(second[:n], declaration=GRADED)),
        evaluation=evaluation,
        settings=SETTINGS,
        against="merge base",
        base_name="main",
        instrument="head",
    )
    assert pytest.approx(numbers(straight)) == numbers(other)
    assert straight.verdict == other.verdict
    assert {flip.case for flip in straight.flipped} == {flip.case for flip in other.flipped}


def numbers(comparison):
    scorer = only(comparison)
    return [
        value
        for value in (scorer.base, scorer.head, scorer.delta, scorer.low, scorer.high, scorer.p_worse)
        if value is not None
    ]


def test_nothing_is_read_from_the_order_of_a_dict_or_a_clock():
    base, head = passes(30, 40), passes(28, 40)
    random.seed(1)
    first = compared(base, head)
    random.seed(2)
    assert first == compared(base, head)


def test_a_score_without_a_value_is_missing_whatever_its_state():
    comparison = compared([1] * 40, [Score(state="measured", value=None)] * 10 + [1] * 30)
    assert comparison.verdict == "invalid"


def test_a_run_against_itself_is_unchanged_however_few_the_cases():
    run = run_of([1, 0, 1])
    own = compare(
        run, run, evaluation=evaluation_of(3), settings=SETTINGS, against="merge base", base_name="b", instrument="head"
    )
    other = compare(
        run_of([1, 0, 1]),
        run,
        evaluation=evaluation_of(3),
        settings=SETTINGS,
        against="merge base",
        base_name="b",
        instrument="head",
    )
    assert ("unchanged", "inconclusive") == (own.verdict, other.verdict)


def test_of_very_many_moved_cases_those_at_both_ends_of_all_scorers_are_flipped():
    declarations = [GRADED, dataclasses.replace(GRADED, name="other")]
    base = [(0.5, 0.5)] * 900
    head = [((index % 30) / 30, ((index + 15) % 30) / 30) for index in range(900)]
    comparison = compared(base, head, declarations=declarations)
    moves = sorted(round(value - 0.5, 9) for row in head for value in row if value != 0.5)
    found = sorted(round(flip.head_value - flip.base_value, 9) for flip in comparison.flipped)
    assert moves[:100] + moves[-100:] == found
