"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from llmops_git.evals.values import Spending
from llmops_git.reports import numbers
from llmops_git.reports.method import spending


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.82, "rate", "82.0 %"),
        (0, "rate", "0.0 %"),
        (-0.5, "number", "\u22120.500"),
        (-0.00001, "number", "0.000"),
        (None, "rate", "\u2013"),
        (math.nan, "rate", "\u2013"),
    ],
)
def test_scores(value, unit, expected):
    assert expected == numbers.score(value, unit)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (-0.1, "rate", "\u221210.0 pts"),
        (0.0349, "rate", "+3.5 pts"),
        (0.0, "rate", "0.0 pts"),
        (-0.00004, "rate", "0.0 pts"),
        (1.25, "number", "+1.250"),
        (None, "number", "\u2013"),
    ],
)
def test_differences_have_a_sign_unless_they_are_nothing(value, unit, expected):
    assert expected == numbers.difference(value, unit)


def test_intervals_have_the_unit_of_the_difference_beside_them():
    assert "[\u221220.2, +0.9]" == numbers.interval(-0.2023, 0.0091, "rate")
    assert "[\u2212\u221e, +0.500]" == numbers.interval(-math.inf, 0.5, "number")
    assert "\u2013" == numbers.interval(None, 0.5, "rate")


def test_ratios_read_as_growth():
    assert "+8.1 %" == numbers.growth(1.081)
    assert "\u22125.0 %" == numbers.growth(0.95)
    assert "[\u22125.9, +16.8]" == numbers.growth_interval(0.941, 1.168)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0012, "usd", "$1.20"),
        (0.00000321, "usd", "$0.00321"),
        (0.0, "usd", "$0.00"),
        (2.5, "usd", "$2,500.00"),
        (0.4124, "seconds", "412 ms"),
        (0.0024, "seconds", "2.4 ms"),
        (1.2345, "seconds", "1.23 s"),
        (38.21, "seconds", "38.2 s"),
        (245, "seconds", "4 min 05 s"),
        (1234.5, "tokens", "1,234.5"),
        (None, "usd", "\u2013"),
    ],
)
def test_amounts_per_case(value, unit, expected):
    assert expected == numbers.amount(value, unit)


def test_counts_agree_with_their_noun():
    assert "1 case" == numbers.count(1, "case")
    assert "1,200 cases" == numbers.count(1200, "case")


def test_spending_says_when_the_cost_is_unknown():
    value = Spending(planned=3, sent=2, cached=1, input_tokens=1000, output_tokens=20, cost_usd=None, seconds=1.5)
    assert "2 requests sent, 1 answered from the cache; 1,000 tokens in, 20 out; cost unknown; 1.50 s" == spending(value)


def test_spending_says_when_nothing_was_asked():
    assert "no request was made" == spending(Spending())
