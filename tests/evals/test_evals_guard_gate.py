"""Packs under the gate: two versions text by text, floors and ceilings proven by intervals, the undecided kept apart."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from llmops_git.configs.pack_file import PackMeasure
from llmops_git.configs.policy import GateSettings
from llmops_git.evals.gate import decide
from llmops_git.evals.guard_gate import ALL_ATTACKS, FALSE_ALARMS, Measured, compare_packs, rate_of
from llmops_git.evals.values import Comparison, ScorerComparison
from llmops_git.guardrails.measure import Count, State, TextResult
from llmops_git.guardrails.suite_rows import SuiteText
from llmops_git.guardrails.suites import Suite

TEXTS = tuple(
    SuiteText(id=f"{family}/{number}", text=f"{family} {number}", attack=family != "benign", family=family)
    for family in ("dan", "leak", "benign")
    for number in range(60)
)
SUITE = Suite(texts=TEXTS, paths=("s.jsonl",), digest="sha256:s")
GATE = GateSettings()
NO_GATE = PackMeasure()


def measured(digest: str, caught: dict[str, int], undecided: Sequence[str] = ()) -> Measured:
    """A pack that finds something in the first `caught[family]` texts of each family."""

    def state(text: SuiteText) -> State:
        if text.id in undecided:
            return "undecided"
        return "caught" if int(text.id.rpartition("/")[2]) < caught.get(text.family, 0) else "passed"

    return Measured(pack="injection", digest=digest, results=tuple(TextResult(text=text, state=state(text)) for text in TEXTS))


def compared(base: Measured | None, head: Measured, gate: PackMeasure = NO_GATE) -> Comparison:
    return compare_packs(
        base, head, suite=SUITE, gate=gate, settings=GATE, against="merge base", base_name="abc", instrument="head"
    )


def scorer(comparison: Comparison, name: str) -> ScorerComparison:
    return next(one for one in comparison.scorers if one.scorer == name)


def test_a_family_that_is_caught_less_often_is_a_regression_and_the_others_are_not() -> None:
    comparison = compared(measured("a", {"dan": 57, "leak": 10}), measured("b", {"dan": 30, "leak": 10}))
    assert ["dan", "leak", ALL_ATTACKS, FALSE_ALARMS] == [one.scorer for one in comparison.scorers]
    dan = scorer(comparison, "dan")
    assert ("regressed", 0.95, 0.5, 27, 0) == (dan.verdict, dan.base, dan.head, dan.worse, dan.better)
    assert dan.low is not None
    assert dan.high is not None
    assert dan.low < -0.44 < dan.high < 0
    assert "unchanged" == scorer(comparison, "leak").verdict
    assert ("regressed", False) == (comparison.verdict, comparison.gate_passes)
    assert {"dan/30", "dan/56"} == {comparison.flipped[0].case, comparison.flipped[-1].case}
    assert 27 == len(comparison.flipped)


def test_a_small_family_that_lost_nothing_does_not_gate_and_all_attacks_do() -> None:
    few = Suite(texts=tuple(text for text in TEXTS if text.family != "leak" or text.id < "leak/12"), paths=(), digest="few")
    before, after = (measured(digest, {"dan": 30, "leak": 60}) for digest in "ab")
    comparison = compare_packs(
        before, after, suite=few, gate=NO_GATE, settings=GATE, against="merge base", base_name="", instrument="head"
    )
    leak, everything = scorer(comparison, "leak"), scorer(comparison, ALL_ATTACKS)
    assert ("inconclusive", False) == (leak.verdict, leak.gating)
    assert ("unchanged", True, 60 + leak.cases) == (everything.verdict, everything.gating, everything.cases)
    assert ("unchanged", len(few.texts)) == (comparison.verdict, comparison.planned)
    lost = compare_packs(
        before, measured("c", {"dan": 30, "leak": 1}), suite=few, gate=NO_GATE, settings=GATE, against="merge base",
        base_name="", instrument="head",
    )  # fmt: skip
    assert ("inconclusive", True) == ((one := scorer(lost, "leak")).verdict, one.gating) or one.verdict == "regressed"
    assert len(lost.flipped) == one.worse, "a text flips once"


def test_more_false_alarms_are_a_regression_fewer_an_improvement() -> None:
    worse = compared(measured("a", {"benign": 0}), measured("b", {"benign": 18}))
    assert ("lower", "regressed", 0.3) == ((one := scorer(worse, FALSE_ALARMS)).direction, one.verdict, one.delta)
    better = compared(measured("a", {"benign": 12}), measured("b", {"benign": 0}))
    assert "improved" == scorer(better, FALSE_ALARMS).verdict


def test_the_same_pack_on_both_sides_is_unchanged_however_few_the_texts() -> None:
    same = measured("a", {"dan": 20})
    few = Suite(texts=TEXTS[:3], paths=(), digest="x")
    comparison = compare_packs(
        same, same, suite=few, gate=PackMeasure(), settings=GATE, against="merge base", base_name="", instrument="head"
    )
    assert "unchanged" == comparison.verdict


def test_a_floor_blocks_only_where_the_interval_proves_it_broken() -> None:
    gate = PackMeasure(recall={"dan": 0.9, "*": 0.5})
    broken = compared(None, measured("a", {"dan": 30, "leak": 28}), gate)
    assert ("nothing", "regressed", False) == (broken.against, broken.verdict, broken.gate_passes)
    assert ("dan: 0.500 over 60 cases, proven below its floor of 0.9",) == broken.hard_failures
    assert any("proves neither side" in note for note in scorer(broken, "leak").notes)
    assert compared(None, measured("a", {"dan": 60, "leak": 45}), gate).gate_passes
    ceiling = compared(None, measured("a", {"benign": 12}), PackMeasure(false_alarms=0.02))
    assert ("false alarms: 0.200 over 60 cases, proven above its ceiling of 0.02",) == ceiling.hard_failures


def test_texts_without_a_decision_are_not_measured_and_too_many_leave_no_verdict() -> None:
    some = [f"dan/{number}" for number in range(4)]
    comparison = compared(measured("a", {"dan": 60, "leak": 60}), measured("b", {"dan": 60, "leak": 60}, undecided=some))
    assert ("invalid", "unchanged") == (scorer(comparison, "dan").verdict, scorer(comparison, "leak").verdict)
    assert (180, 176, {"undecided": 4}) == (comparison.planned, comparison.measured, comparison.errors)
    assert ("invalid", False) == (comparison.verdict, comparison.gate_passes)


def test_packs_of_one_change_are_one_family_of_tests() -> None:
    weak = compared(measured("a", {"dan": 30}), measured("b", {"dan": 24}))
    assert "regressed" == scorer(weak, "dan").verdict
    many = decide(
        [weak, *[compared(measured("a", {}), measured("b", {"benign": 0, "leak": 1})) for _ in range(40)]], settings=GATE
    )
    assert "inconclusive" == scorer(many.comparisons[0], "dan").verdict, "not among so many tests"


@pytest.mark.parametrize(("hits", "bound", "state"), [(40, 0.9, "met"), (36, 0.9, "open"), (20, 0.9, "broken"), (20, None, "")])
def test_a_rate_says_whether_its_floor_is_met(hits: int, bound: float | None, state: str) -> None:
    count = Count(name="dan", attack=True, texts=42, hits=hits, undecided=2)
    rate = rate_of(count, PackMeasure(recall={"dan": bound} if bound else {}), alpha=0.05)
    assert (hits / 40, bound, state) == (rate.rate, rate.bound, rate.state)
    assert rate.low is not None
    assert rate.high is not None
    assert rate.low < hits / 40 <= rate.high


def test_a_ceiling_is_the_other_way_round_and_nothing_decided_is_open() -> None:
    gate = PackMeasure(false_alarms=0.1)
    assert "broken" == rate_of(Count(name="benign", attack=False, texts=40, hits=20, undecided=0), gate, alpha=0.05).state
    assert "met" == rate_of(Count(name="benign", attack=False, texts=40, hits=0, undecided=0), gate, alpha=0.05).state
    nothing = rate_of(Count(name="benign", attack=False, texts=3, hits=0, undecided=3), gate, alpha=0.05)
    assert (None, None, "open") == (nothing.rate, nothing.low, nothing.state)
