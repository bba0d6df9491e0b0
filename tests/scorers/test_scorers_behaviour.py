"""What the model did rather than said: why it ended, which tools it called, which way it went, how much it used."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Sample
from llmops_git.scorers.call_matching import Call, matched
from llmops_git.scorers.table import build_scorer


def score(use, expected=None, calls=(), options=None, **sample):
    scorer = build_scorer(ScorerSettings(name="s", use=use, options=options or {}))
    made = tuple({"name": call, "arguments": {}} if isinstance(call, str) else call for call in calls)
    return scorer.score(Sample(inputs={}, expected=expected, output=sample.pop("output", "x"), tool_calls=made, **sample), None)


def call(name, **arguments):
    return {"name": name, "arguments": arguments}


@pytest.mark.parametrize("reason", ["stop", "STOP", "tool_calls", "end_turn", "tool_use"])
def test_a_reply_that_ended_of_itself_passes(reason):
    assert score("finish_reason", finish_reason=reason).value == 1


@pytest.mark.parametrize("reason", ["length", "max_tokens", "content_filter", "MAX_TOKENS"])
def test_a_reply_that_was_cut_off_fails(reason):
    assert score("finish_reason", finish_reason=reason).label == reason.lower()
    assert score("finish_reason", finish_reason=reason, options={"allowed": [reason]}).value == 1


def test_without_a_reason_nothing_is_known():
    assert score("finish_reason").state == "not_measured"


@pytest.mark.parametrize(
    ("expected", "calls", "options", "value"),
    [
        (["a"], ["a"], {}, 1),
        (["a"], ["b"], {}, 0),
        (["a"], [], {}, 0),
        ([], [], {}, 1),
        ([], ["a"], {}, 0),
        (["a", "b"], ["b", "a"], {}, 1),
        (["a", "b"], ["b", "a"], {"ordered": True}, 0),
        (["a"], ["a", "a"], {}, 0),
        (["a"], ["x", "a", "y"], {"extra": True}, 1),
        (["a", "b"], ["x", "a", "b"], {"extra": True, "ordered": True}, 1),
        ([call("a", x=1)], [call("a", x=1.0)], {}, 1),
        ([call("a", x=1)], [call("a", x=1, y=2)], {}, 0),
        ([call("a", x=1)], [call("a", x=1, y=2)], {"arguments": "subset"}, 1),
        ([call("a", x={"y": 1})], [call("a", x={"y": 1, "z": 2})], {"arguments": "subset"}, 1),
        ([call("a", x=[1])], [call("a", x=[1, 2])], {"arguments": "subset"}, 0),
        ([call("a", x=1)], [call("a", x=2)], {"arguments": "ignore"}, 1),
        ([call("a", x=1)], [{"name": "a", "arguments": '{"x": 1}'}], {}, 1),
        ([call("a", x=1)], [{"name": "a", "arguments": '{"x": '}], {}, 0),
        ([{"name": "a", "arguments": {}}], [{"name": "a", "arguments": ""}], {}, 1),
        ({"tool_calls": ["a"]}, ["a"], {}, 1),
        (["a", "b"], ["a"], {"score": "f1"}, 2 / 3),
        ([], [], {"score": "f1"}, 1),
        (["a", "b"], ["b", "a"], {"score": "f1", "ordered": True}, 1 / 2),
    ],
)
def test_calls_are_held_against_the_expected_ones(expected, calls, options, value):
    assert score("tool_calls", expected, calls, options).value == pytest.approx(value)


@pytest.mark.parametrize("expected", ["a", 5, [1], [{"arguments": {}}], {"queue": "billing"}, ["a"] * 201])
def test_an_expected_value_that_is_no_list_of_calls_is_the_cases_fault(expected):
    assert (found := score("tool_calls", expected)).state == "not_measured"
    assert found.label == "expected"


def test_a_case_that_expects_no_calls_at_all_does_not_apply():
    assert score("tool_calls").state == "not_applicable"


def test_a_flood_of_calls_fails():
    assert score("tool_calls", ["a"], ["a"] * 201).label == "too many calls"


NAMES = st.lists(st.sampled_from("abc"), max_size=5)


@given(expected=NAMES, made=NAMES)
def test_the_matching_is_the_greatest_there_is(expected, made):
    wanted, calls = [Call(name=name) for name in expected], [Call(name=name) for name in made]
    best = max(
        sum(a == b for a, b in zip(expected, order, strict=False))
        for order in permutations(made + [""] * len(expected), len(expected))
    )
    assert matched(wanted, calls, "exact", ordered=False) == best
    assert matched(wanted, calls, "exact", ordered=True) <= best


def test_a_greedy_choice_is_taken_back():
    expected = [Call(name="a", arguments={}), Call(name="a", arguments={"x": 1})]
    made = [Call(name="a", arguments={"x": 1}), Call(name="a", arguments={"y": 2})]
    assert matched(expected, made, "subset", ordered=False) == 2


@given(calls=NAMES, expected=NAMES)
def test_f1_is_from_0_to_1_and_1_for_the_same_calls(calls, expected):
    assert 0 <= score("tool_calls", expected, calls, {"score": "f1"}).value <= 1
    assert score("tool_calls", calls, calls, {"score": "f1"}).value == 1


@pytest.mark.parametrize(
    ("options", "calls", "steps", "label"),
    [
        ({"max_steps": 3}, [], 3, "pass"),
        ({"max_steps": 3}, [], 4, "too many steps"),
        ({"max_calls": 1}, ["a", "b"], 1, "too many calls"),
        ({"no_loops": True}, ["a", "a"], 1, "loop"),
        ({"no_loops": True}, [call("a", x=1), call("a", x=2)], 1, "pass"),
        ({"max_repeats": 1}, ["a", "a"], 1, "pass"),
        ({"max_repeats": 1}, ["a", "a", "a"], 1, "loop"),
        ({"sequence": ["a", "b"]}, ["a", "x", "b"], 1, "pass"),
        ({"sequence": ["a", "b"]}, ["b", "a"], 1, "fail"),
        ({"sequence": ["a", "b"], "order": "any_order"}, ["b", "x", "a"], 1, "pass"),
        ({"sequence": ["a", "a"], "order": "any_order"}, ["a"], 1, "fail"),
        ({"sequence": ["a", "b"], "order": "exact"}, ["a", "x", "b"], 1, "fail"),
        ({"sequence": [], "order": "exact"}, [], 1, "pass"),
    ],
)
def test_the_way_is_held_to_what_is_asked_of_it(options, calls, steps, label):
    assert score("trajectory", calls=calls, options=options, steps=steps).label == label


def test_the_sequence_of_a_case_goes_before_that_of_the_config():
    assert score("trajectory", {"trajectory": ["b"]}, ["b"], {"sequence": ["a"]}).value == 1
    assert score("trajectory", {"trajectory": "b"}, ["b"]).state == "not_measured"
    assert score("trajectory").state == "not_applicable"


def test_tokens_and_the_first_token_are_counted_or_do_not_apply():
    known = {"input_tokens": 10, "output_tokens": 5, "reasoning_tokens": 2, "ttft_seconds": 0.5}
    for count, value in (("input", 10), ("output", 5), ("reasoning", 2), ("total", 15)):
        assert score("tokens", options={"count": count}, **known).value == value
        assert score("tokens", options={"count": count}).state == "not_applicable"
    assert score("ttft", **known).value == 0.5
    assert score("ttft").state == "not_applicable"


@pytest.mark.parametrize("use", ["latency", "ttft", "tokens", "cost"])
def test_a_ratio_is_not_negated(use):
    with pytest.raises(LlmopsError, match="`negate` has no meaning"):
        score(use, options={"negate": True})


@pytest.mark.parametrize(
    ("output", "options", "label"),
    [
        ("one two", {"min": 2, "max": 2}, "pass"), ("one", {"min": 2}, "too short"), ("one two three", {"max": 2}, "too long"),
        ("don't", {"max": 1}, "pass"), ("明天到货", {"min": 4, "max": 4}, "pass"), ("", {"min": 0}, "pass"), ("", {"max": 3}, "empty"),
        ("  ab  ", {"unit": "characters", "max": 2}, "pass"), ("x", {"unit": "tokens", "max": 5}, "tokens"),
    ],
)  # fmt: skip
def test_lengths_are_within_their_bounds(output, options, label):
    assert score("length", output=output, options=options).label == label


def test_a_length_without_bounds_or_with_impossible_ones_is_refused():
    with pytest.raises(LlmopsError, match="no `min` and no `max`"):
        score("length")
    with pytest.raises(LlmopsError, match="at least 3 and at most 2"):
        score("length", options={"min": 3, "max": 2})
