"""weighted: the mean of the parts, what is missing in it, which parts there may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.values import ScorerSettings
from llmops_git.errors import LlmopsError
from llmops_git.scorers.base import Score
from llmops_git.scorers.table import build_scorers
from llmops_git.scorers.weighted import Weighted

ONE = Score(value=1.0)
ZERO = Score(value=0.0)
SKIPPED = Score(state="not_applicable")
MISSING = Score(state="not_measured", label="timeout")


def built(**uses):
    settings = [ScorerSettings(name=name, use=use, options=options) for name, (use, options) in uses.items()]
    return build_scorers(settings)


@pytest.mark.parametrize(
    ("scores", "value"),
    [
        ({"a": ONE, "b": ZERO}, 0.75),
        ({"a": ZERO, "b": ONE}, 0.25),
        ({"a": SKIPPED, "b": ONE}, 1.0),
        ({"a": Score(value=0.5), "b": Score(value=0.5)}, 0.5),
    ],
)
def test_it_is_the_mean_by_weight_of_the_parts_that_apply(scores, value):
    assert Weighted(weights={"a": 3, "b": 1}).combine(scores).value == pytest.approx(value)


def test_a_part_that_is_missing_leaves_the_whole_unmeasured():
    found = Weighted(weights={"a": 3, "b": 1}).combine({"a": ONE, "b": MISSING})
    assert (found.state, found.explanation) == ("not_measured", "not measured: b")


def test_where_no_part_applies_neither_does_the_whole():
    assert Weighted(weights={"a": 3}).combine({"a": SKIPPED}).state == "not_applicable"


@given(st.dictionaries(st.text(min_size=1), st.tuples(st.floats(1e-3, 1e3), st.floats(0, 1)), min_size=1, max_size=6))
def test_it_lies_between_the_least_and_the_greatest_part(parts):
    weights = {name: weight for name, (weight, _) in parts.items()}
    value = Weighted(weights=weights).combine({name: Score(value=value) for name, (_, value) in parts.items()}).value
    values = [value for _, value in parts.values()]
    assert min(values) - 1e-9 <= value <= max(values) + 1e-9


def test_its_step_is_that_of_its_heaviest_part():
    heavy = built(a=("exact", {}), b=("chrf", {}), w=("weighted", {"of": {"a": 9, "b": 1}}))["w"]
    light = built(a=("exact", {}), b=("chrf", {}), w=("weighted", {"of": {"a": 1, "b": 9}}))["w"]
    assert (heavy.step, light.step) == (pytest.approx(0.9), 0.25)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("nothing", "scorer `w`: there is no scorer `nothing`"),
        ("speed", "scorer `w`: `speed` cannot be a part: it is better when lower, and has no range"),
        ("w", "scorer `w`: `w` cannot be a part: it combines others itself"),
    ],
)
def test_what_cannot_be_a_part_is_refused(part, message):
    with pytest.raises(LlmopsError) as caught:
        built(a=("exact", {}), speed=("latency", {}), w=("weighted", {"of": {part: 1}}))
    assert caught.value.message == message


def test_a_negated_part_counts_the_other_way_round():
    scorers = built(a=("contains", {"any": ["x"], "negate": True}), w=("weighted", {"of": {"a": 1}}))
    assert scorers["w"].combine({"a": scorers["a"].scorer and ONE}).value == 1
