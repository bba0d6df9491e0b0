"""numeric: which text has which number."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scorer_samples import outcome

from llmops_git.scorers.numeric import numbers_in


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It is 42.", ["42"]),
        ("$1,234.50", ["1234.50"]),
        ("1'234'567", ["1234567"]),
        ("1\u202f234 \u20ac", ["1234"]),
        ("1_000", ["1000"]),
        ("-3", ["-3"]),
        ("\u22127", ["-7"]),
        ("x=-2", ["-2"]),
        ("+5", ["5"]),
        (".5", ["0.5"]),
        ("1.5e3", ["1500"]),
        ("5kg", ["5"]),
        ("12%", ["12"]),
        ("5 or 5.0", ["5"]),
        ("10-12", ["10", "12"]),
        ("1.234,50", ["1.234", "50"]),
        ("1,234,56", ["1234", "56"]),
        ("1,2345", ["1", "2345"]),
        ("2024-05-01", ["2024", "5", "1"]),
        ("GPT-4 and v2", []),
        ("1.2.3", []),
        ("1e9999", []),
        ("9" * 300, []),
        ("none", []),
        (3, ["3"]),
        (0.1, ["0.1"]),
        (True, []),
        (None, []),
        ([1], []),
        (float("inf"), []),
    ],
)
def test_numbers_in(text, numbers):
    assert numbers_in(text) == {Decimal(number) for number in numbers}


@pytest.mark.parametrize("text", ["1," + "234," * 50_000 + "2345", "1." * 100_000, "-" * 100_000, "1e" * 50_000])
def test_hostile_texts_take_linear_time(text):
    started = time.process_time()
    numbers_in(text)
    assert time.process_time() - started < 1


@given(st.integers(-(10**12), 10**12))
def test_a_number_written_with_thousands_is_found(number):
    assert numbers_in(f"The total is {number:,} dollars.") == {Decimal(number)}


@pytest.mark.parametrize(
    ("output", "expected", "options", "result"),
    [
        ("1.05", 1, {"tolerance": 0.05}, (1.0, "pass")),
        ("1.06", 1, {"tolerance": 0.05}, (0.0, "fail")),
        ("105", 100, {"relative": 0.05}, (1.0, "pass")),
        ("-105", -100, {"relative": 0.05}, (1.0, "pass")),
        ("106", 100, {"relative": 0.05, "tolerance": 6}, (1.0, "pass")),
        ("100", "1e2", {}, (1.0, "pass")),
        ('{"total": "1,000 EUR"}', {"total": 1000}, {"field": "total"}, (1.0, "pass")),
        ('{"total": 0.3}', 0.3, {"field": "total"}, (1.0, "pass")),
        ('{"total": null}', 1, {"field": "total"}, (0.0, "no number")),
        ("1 or 2", 1, {}, (0.0, "several numbers")),
        ("I cannot say", 1, {}, (0.0, "no number")),
        ("no JSON", 1, {"field": "total"}, (0.0, "fail")),
        ("", 1, {}, (0.0, "empty")),
        ("1", None, {}, ("not_applicable", "")),
        ("1", "one", {}, ("not_measured", "expected")),
        ("1", "1 to 2", {}, ("not_measured", "expected")),
    ],
)
def test_numeric(output, expected, options, result):
    assert outcome("numeric", output, expected, **options) == result
