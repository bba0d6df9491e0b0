"""exact, contains and regex, where the documentation's examples end."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scorer_samples import outcome, scored

from llmops_git.errors import LlmopsError
from llmops_git.scorers.patterns import compile_pattern

PASS, FAIL, EMPTY = (1.0, "pass"), (0.0, "fail"), (0.0, "empty")


@pytest.mark.parametrize(
    ("output", "expected", "options", "result"),
    [
        ("Billing", "billing", {}, FAIL),
        ("Billing", "billing", {"ignore_case": True}, PASS),
        ("STRASSE", "straße", {"ignore_case": True}, PASS),
        (" billing", "billing", {"strip": False}, FAIL),
        ("cafe\u0301", "caf\u00e9", {}, PASS),
        ("3", 3, {}, PASS),
        ("3", 3.0, {}, PASS),
        ("true", True, {}, PASS),
        ("1", True, {}, FAIL),
        ('{"b": 1.0, "a": [1]}', {"a": [1], "b": 1}, {}, PASS),
        ('{"a": true}', {"a": 1}, {}, FAIL),
        ("```json\n[1, 2]\n```", [1, 2], {}, PASS),
        ("not JSON", [1], {}, FAIL),
        ('{"queue": "billing"}', {"queue": "billing"}, {"field": "queue"}, PASS),
        ('{"queue": "billing"}', "billing", {"field": "queue"}, PASS),
        ('```\n{"queue": "billing"}\n```', "billing", {"field": "queue"}, PASS),
        ('Sure: {"queue": "billing"}', "billing", {"field": "queue"}, FAIL),
        ('{"n": 3}', {"n": "3"}, {"field": "n"}, PASS),
        ('{"a": {"b": [{"c": null}]}}', {"a": {"b": [{"c": None}]}}, {"field": "a.b.0.c"}, PASS),
        ('{"a": {"b": 1}}', {"a": {"b": None}}, {"field": "a.b"}, FAIL),
        ('{"a.b": 1}', {"a.b": 1}, {"field": "a.b"}, PASS),
        ('{"x": {"a.b": 1}}', 1, {"field": "x.a.b"}, PASS),
        ('{"a": [1]}', 1, {"field": "a.1"}, FAIL),
        ('{"a": [1]}', 1, {"field": "a.²"}, FAIL),
        ('{"a": NaN}', 1, {"field": "a"}, FAIL),
        ("[" * 100_000, 1, {"field": "a"}, FAIL),
        ("", "billing", {}, EMPTY),
        (" \n", "", {}, PASS),
        ("x", "", {}, FAIL),
        ("x", None, {}, ("not_applicable", "")),
        ('{"a": 1}', {"b": 1}, {"field": "a"}, ("not_applicable", "")),
    ],
)
def test_exact(output, expected, options, result):
    assert outcome("exact", output, expected, **options) == result


def test_explanations_are_short_and_stand_on_one_line():
    explanation = scored("exact", "no\n" * 1000, "yes").explanation
    assert explanation.startswith("expected `yes`, got `no no no")
    assert len(explanation) < 200
    assert "\n" not in explanation
    assert scored("exact", "[]", "x", field="queue").explanation == "expected `x`, but the output has no field `queue`"


@given(st.text(min_size=1), st.booleans(), st.booleans())
def test_an_output_equal_to_the_expected_text_passes(text, ignore_case, strip):
    result = outcome("exact", text, text, ignore_case=ignore_case, strip=strip)
    assert result == (PASS if text.strip() else EMPTY)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-99, 99) | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    )
)
def test_json_passes_as_itself_and_fails_beside_another_value(value):
    from llmops_git.scorers.results import as_text

    document = as_text({"v": value})
    assert outcome("exact", document, {"v": value}) == PASS
    assert outcome("exact", document, {"v": [value, "more"]}) == FAIL


@pytest.mark.parametrize(
    ("output", "expected", "options", "result"),
    [
        ("a b", None, {"any": ["b", "c"]}, PASS),
        ("a b", None, {"any": "b"}, PASS),
        ("a b", None, {"all": ["b", "c"]}, FAIL),
        ("a b", None, {"all": ["a"], "any": ["c"]}, FAIL),
        ("a b", "ignored", {"all": ["a"], "any": ["b"]}, PASS),
        ("a B", ["b"], {}, FAIL),
        ("a B", ["b"], {"ignore_case": True}, PASS),
        ("order 17", 17, {}, PASS),
        ("cafe\u0301", "caf\u00e9", {}, PASS),
        ("", None, {"any": ["b"]}, EMPTY),
        ("a", None, {}, ("not_applicable", "")),
        ("a", "", {}, ("not_measured", "expected")),
        ("a", [], {}, ("not_measured", "expected")),
        ("a", ["a", ""], {}, ("not_measured", "expected")),
    ],
)
def test_contains(output, expected, options, result):
    assert outcome("contains", output, expected, **options) == result


@pytest.mark.parametrize(
    ("output", "expected", "options", "result"),
    [
        ("order 17", None, {"pattern": r"\d+"}, PASS),
        ("order 17", None, {"pattern": r"^\d+$"}, FAIL),
        ("ORDER", None, {"pattern": "order"}, FAIL),
        ("ORDER", None, {"pattern": "order", "ignore_case": True}, PASS),
        ("Öl", None, {"pattern": r"^\p{Lu}\p{Ll}$"}, PASS),
        ('{"n": 17}', None, {"pattern": "^17$", "field": "n"}, PASS),
        ("no JSON", None, {"pattern": "no", "field": "n"}, FAIL),
        ("order 17", r"\d+", {}, PASS),
        ("order 17", {"n": r"^17$"}, {"field": "n"}, FAIL),
        ("", None, {"pattern": "^$"}, EMPTY),
        ("a", None, {}, ("not_applicable", "")),
        ("a", "(", {}, ("not_measured", "expected")),
        ("a", 17, {}, ("not_measured", "expected")),
        ("a" * 60 + "b", None, {"pattern": "(a|aa)+$"}, ("not_measured", "timeout")),
        ("a" * 5000, None, {"pattern": "(?R)?a"}, ("not_measured", "timeout")),
    ],
)
def test_regex(output, expected, options, result):
    assert outcome("regex", output, expected, **options) == result


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "(?:" * 3000 + ")" * 3000,
        "a" * 5001,
        "((a{1000}){1000}){1000}",
        "(a{1000}){1000}",
        "a{10000000}",
        "a{" + "9" * 5000 + "}",
        "(?x)(a{1000} ) # (\n {1000}",
        "(?isx-m:(a{1000}) #\n{1000})",
        "(a{1000})(?#c){1000}",
    ],
    ids=lambda pattern: pattern[:24],
)
def test_a_pattern_that_is_wrong_or_would_fill_the_memory_is_refused_at_once(pattern):
    started = time.process_time()
    with pytest.raises(LlmopsError, match="regular expression"):
        compile_pattern(pattern)
    with pytest.raises(LlmopsError, match="scorer `s`: the regular expression"):
        outcome("regex", "a", pattern=pattern)
    assert time.process_time() - started < 1


def test_ordinary_counts_are_accepted():
    for pattern in (
        r"[a-z]{1,64}@[a-z]{1,255}\.[a-z]{2,63}",
        r"^(\d{1,3}\.){3}\d{1,3}$",
        r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}",
        r"(?:\w+ ){50}",
    ):
        compile_pattern(pattern)
