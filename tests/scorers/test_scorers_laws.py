"""What holds for every scorer of text: the range, the best score of an exact answer, negation, empty and hostile outputs."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmops_git.configs.values import ScorerSettings
from llmops_git.scorers.base import Sample
from llmops_git.scorers.table import build_scorer

LIKENESS = [
    ("edit_similarity", {}), ("edit_similarity", {"ignore_case": True}), ("rouge", {}), ("rouge", {"variant": "rouge1"}),
    ("rouge", {"variant": "rouge2"}), ("rouge", {"variant": "rougeLsum", "measure": "recall"}), ("rouge", {"stem": True}),
    ("bleu", {}), ("bleu", {"tokenize": "intl"}), ("bleu", {"tokenize": "char"}), ("bleu", {"tokenize": "zh"}),
    ("bleu", {"tokenize": "none"}), ("chrf", {}), ("chrf", {"word_order": 2}),
]  # fmt: skip
SAME = [*LIKENESS, ("starts_with", {}), ("ends_with", {}), ("exact", {}), ("contains", {})]
STANDING = [
    ("starts_with", {"text": "a"}), ("ends_with", {"text": "a"}), ("length", {"max": 5}), ("length", {"unit": "characters", "min": 3}),
    ("json_valid", {}), ("json_valid", {"fenced": True}), ("json_field", {"field": "a.0", "type": "number"}),
    ("json_field", {"field": "a", "exists": False}), ("json_field", {"field": "a", "equals": [1]}), ("xml", {"element": "a/b"}),
    ("sql", {"read_only": True, "statements": 5}), ("refusal", {}), ("refusal", {"expect": "refusal"}),
]  # fmt: skip
HOSTILE = [
    "x" * 2_000_000, "\x00\x1b[31m\u202e\ufeff", "\ud800", "[" * 100_000, '{"a":' * 600 + "1" + "}" * 600, "9" * 10_000,
    "(" * 50_000, "SELECT " + "- " * 9_000 + "1", "SELECT " + "NOT " * 4_000 + "1", "<a>" * 100_000, "```" * 10_000,
    "i'm sorry, " * 10_000, "\u0301" * 5_000, "\n" * 100_000 + "x", '{"a": NaN}', "```json\n" + "[" * 3_000 + "\n```",
]  # fmt: skip


def score(use, options, output, expected=None):
    scorer = build_scorer(ScorerSettings(name="s", use=use, options=options))
    return scorer.score(Sample(inputs={}, expected=expected, output=output), None)


@pytest.mark.parametrize(("use", "options"), LIKENESS)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=25)
@given(output=st.text(max_size=40), expected=st.text(max_size=40))
def test_a_likeness_is_from_0_to_1(use, options, output, expected):
    found = score(use, options, output, expected)
    assert found.state in {"measured", "not_measured"}
    assert found.value is None or 0 <= found.value <= 1
    assert (found.value is None) == (found.state != "measured")


@pytest.mark.parametrize(("use", "options"), SAME)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=25)
@given(text=st.text(min_size=1, max_size=40))
def test_the_expected_text_itself_gets_the_best_score_or_none(use, options, text):
    found = score(use, options, text, text)
    wanted = {"not_measured": None, "measured": 0 if found.label == "empty" else 1}[found.state]
    assert found.value == (None if wanted is None else pytest.approx(wanted, abs=1e-9))
    assert found.state == "measured" or found.label == "expected"


@pytest.mark.parametrize(("use", "options"), STANDING)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=25)
@given(output=st.text(max_size=60))
def test_negation_turns_every_value_round_but_that_of_an_empty_output(use, options, output):
    plain, negated = score(use, options, output), score(use, {**options, "negate": True}, output)
    assert plain.state == negated.state
    if plain.label == "empty":
        assert (plain.value, negated.value) == (0, 0)
    elif plain.value is not None:
        assert plain.value + negated.value == 1


@pytest.mark.parametrize(("use", "options"), [*STANDING, *LIKENESS])
@pytest.mark.parametrize("output", ["", " \n\t\u2003"])
def test_an_empty_output_is_a_measured_0_that_says_so(use, options, output):
    found = score(use, options, output, "two words")
    assert (found.state, found.value, found.label) == ("measured", 0, "empty")


@pytest.mark.parametrize("output", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize(("use", "options"), [*STANDING, *LIKENESS])
def test_a_hostile_output_gets_a_score_and_no_error(use, options, output, capfd):
    found = score(use, options, output, "the expected text")
    assert found.state == "measured"
    assert 0 <= found.value <= 1
    assert len(found.explanation) <= 2000
    assert capfd.readouterr() == ("", "")


@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=8))
def test_a_field_equals_itself_and_nothing_that_json_tells_apart(value):
    output = json.dumps({"a": value})
    assert score("json_field", {"field": "a", "equals": value}, output).value == 1
    assert score("json_field", {"field": "a", "equals": {"other": value}}, output).value == 0
