"""Scores from release to release."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.reports.history_plot import WIDTH, bar, score_plots


def release(version: str, **scores: object) -> tuple[str, dict[str, str]]:
    return f"llmops/router/{version}", {"Eval": json.dumps({"scores": scores})}


def test_scores_are_drawn_from_release_to_release() -> None:
    first = release("v1.0.0", queue={"head": 0.6})
    second = release("v1.0.10", queue={"head": 1.0, "delta": 0.4, "low": 0.209, "high": 0.541})
    assert score_plots([first, second]) == [
        "queue",
        "  v1.0.0   ██████████████▍           0.6",
        "  v1.0.10  ████████████████████████  1  +0.4 [+0.209, +0.541]",
    ]


def test_a_scorer_that_one_release_was_measured_by_is_not_drawn() -> None:
    assert score_plots([release("v1.0.0", queue={"head": 0.6}), release("v1.0.1", other={"head": 0.6})]) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"scores": 3}', '{"scores": {"queue": 3}}', '{"scores": {"queue": {"head": true}}}',
                                  '{"scores": {"queue": {"head": NaN}}}'])  # fmt: skip
def test_what_cannot_be_read_is_no_score(text: str) -> None:
    assert score_plots([("llmops/router/v1.0.0", {"Eval": text})] * 2) == []


@given(st.floats(allow_nan=False))
def test_a_bar_is_never_wider_or_narrower_than_its_place(share: float) -> None:
    assert len(bar(share)) == WIDTH
