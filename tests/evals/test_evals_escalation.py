"""When more repeats are asked for, and what each look may spend."""

from __future__ import annotations

from dataclasses import replace

import pytest
from gate_values import SETTINGS, compared, evaluation_of, passes

from llmops_git.configs.values import Repeats
from llmops_git.evals.escalation import alpha_for, looks, next_repeats

OPEN = compared(passes(45, 50), passes(41, 50))
LOST = compared(passes(50, 50), passes(20, 50))
SAME = compared(passes(280, 300), passes(280, 300))
MUST = compared(passes(45, 50), passes(44, 50), evaluation=evaluation_of(50, must_pass={"c44"}))
TINY = compared([1, 1, 1], [1, 0, 1])
MAX5 = Repeats(start=1, max=5)


@pytest.mark.parametrize(
    ("start", "most", "expected"),
    [
        (1, 1, (1,)),
        (3, 3, (3,)),
        (1, 2, (1, 2)),
        (1, 3, (1, 3)),
        (1, 4, (1, 3, 4)),
        (1, 5, (1, 3, 5)),
        (2, 5, (2, 3, 5)),
        (1, 9, (1, 3, 9)),
        (4, 9, (4, 5, 9)),
    ],
)
def test_looks(start, most, expected):
    assert looks(Repeats(start=start, max=most)) == expected


def test_a_single_look_has_all_of_alpha_and_several_have_half_each():
    assert alpha_for(Repeats(start=3, max=3), SETTINGS) == 0.05
    assert alpha_for(MAX5, SETTINGS) == 0.025


def test_where_the_policy_does_not_escalate_the_one_look_has_all_of_alpha():
    assert alpha_for(MAX5, replace(SETTINGS, escalate=False)) == 0.05


@pytest.mark.parametrize(("done", "expected"), [(1, 3), (2, 3), (3, 5), (5, 5), (7, 7)])
def test_while_open_the_next_look_is_asked_for(done, expected):
    assert next_repeats([OPEN], done, MAX5) == expected


@pytest.mark.parametrize("comparisons", [[], [SAME], [LOST], [MUST], [TINY], [OPEN, LOST], [SAME, TINY]])
def test_what_is_settled_lost_or_too_small_is_not_asked_again(comparisons):
    assert next_repeats(comparisons, 1, MAX5) == 1


def test_a_comparison_that_does_not_decide_asks_for_nothing():
    production = compared(passes(45, 50), passes(41, 50), against="production")
    assert next_repeats([SAME, production], 1, MAX5) == 1
    assert next_repeats([production], 1, MAX5) == 3


def test_one_max_of_repeats_is_never_exceeded():
    assert next_repeats([OPEN], 1, Repeats(start=1, max=1)) == 1
