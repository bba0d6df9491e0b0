"""The dashboard as values: held to what the spans say, counted by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_material import CONFIG, FEATURES, NEW, OLD, START_NS, live_spans, live_store

from llmops_git.evals.stats import wilson
from llmops_git.monitoring.board.bounds import effective, mean_bounds, rate_bounds
from llmops_git.monitoring.board.panels import Found, panels_of, release_metrics
from llmops_git.monitoring.board.read import read_board
from llmops_git.monitoring.board.stepping import step_rows
from llmops_git.monitoring.board.values import Board
from llmops_git.monitoring.metrics import metric_of
from llmops_git.reports.dashboard_page import render_dashboard
from llmops_git.traces import attributes as names
from llmops_git.traces.span import Span

START = datetime.fromtimestamp(START_NS / 1e9, UTC)
SPANS = live_spans(requests=240, every_ms=30 * 60_000)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    store = live_store(tmp_path_factory.mktemp("store"), SPANS)
    with store.connection() as connection:
        return read_board(connection, START - timedelta(days=1), START + timedelta(days=30))


def of(operation: str, release: str) -> list[Span]:
    return [
        span
        for span in SPANS
        if span.attributes[names.OPERATION] == operation and span.attributes[names.PROMPT_VERSION] == release
    ]


def test_every_span_is_counted_and_each_day_has_a_point(board: Board) -> None:
    assert len(SPANS) == board.spans
    assert "day" == board.bucket
    (requests,) = [number for number, panel in enumerate(board.panels) if panel.metrics == ("requests",)]
    lines = [line for line in board.lines if line.panel == requests and line.feature is None]
    assert {(CONFIG, OLD), (CONFIG, NEW)} == {(line.config, line.release) for line in lines}
    assert 240 == sum(point.value for line in lines for point in line.points)
    features = [line for line in board.lines if line.panel == requests and line.feature is not None]
    assert set(FEATURES) == {line.feature for line in features}
    assert 240 == sum(point.value for line in features for point in line.points)


def test_the_table_of_releases_says_what_the_spans_say(board: Board) -> None:
    assert [NEW, OLD] == [row.release for row in board.releases]
    for row in board.releases:
        roots = of(names.INVOKE_WORKFLOW, row.release)
        calls = of(names.CHAT, row.release)
        scores = [span.attributes[names.EVALUATION_SCORE] for span in of(names.EVALUATE, row.release)]
        assert len(roots) == row.requests
        assert math.isclose(sum(1 for span in roots if span.error) / len(roots), row.values["error_rate"] or 0)
        cost = sum(span.attributes[names.COST_USD] for span in calls) / len(roots)
        assert math.isclose(cost, row.values["cost.per_request"] or 0)
        assert math.isclose(sum(scores) / len(scores), row.values["score.faithful.mean"] or 0)
        downs = sum(span.attributes[names.SIGNAL] == "thumbs_down" for span in of(names.GIVE_SIGNAL, row.release))
        assert math.isclose(downs / len(roots), row.values["signal.thumbs_down.rate"] or 0, abs_tol=1e-12)


def test_the_worse_release_looks_worse(board: Board) -> None:
    new, old = board.releases
    for name in ("latency.p95", "ttft.p95", "cost.per_request", "tokens.output", "error_rate"):
        assert (new.values[name] or 0) > (old.values[name] or 0), name
    assert (new.values["score.faithful.mean"] or 0) < (old.values["score.faithful.mean"] or 0)


def test_users_are_those_that_cost_most_and_add_up(board: Board) -> None:
    assert sorted((row.cost_usd or 0 for row in board.users), reverse=True) == [row.cost_usd for row in board.users]
    assert 240 == sum(row.requests for row in board.users)
    assert math.isclose(
        sum(span.attributes[names.COST_USD] for release in (OLD, NEW) for span in of(names.CHAT, release)),
        sum(row.cost_usd or 0 for row in board.users),
    )
    downs = sum(span.attributes.get(names.SIGNAL) == "thumbs_down" for span in SPANS)
    assert downs == sum(row.thumbs_down for row in board.users)


def test_tokens_that_nobody_counted_are_not_none_of_them(tmp_path: Path) -> None:
    uncounted = {names.INPUT_TOKENS, names.OUTPUT_TOKENS}
    spans = [
        replace(span, attributes={name: value for name, value in span.attributes.items() if name not in uncounted})
        for span in SPANS[:100]
    ]
    with live_store(tmp_path, spans).connection() as connection:
        board = read_board(connection, START - timedelta(days=1), START + timedelta(days=30))
    assert {None} == {row.tokens for row in board.users}
    assert sum(row.cost_usd or 0 for row in board.users) > 0


def test_examples_of_a_point_are_the_worst_of_its_bucket(board: Board) -> None:
    roots = [span for release in (OLD, NEW) for span in of(names.INVOKE_WORKFLOW, release)]
    for example in [one for one in board.examples if one.pick == "slow"]:
        rivals = [
            (span.end_ns - span.start_ns) / 1e6
            for span in roots
            if span.attributes[names.FEATURE] == example.feature
            and span.attributes[names.PROMPT_VERSION] == example.release
            and datetime.fromtimestamp(span.start_ns / 1e9, UTC).date() == example.moment.date()
        ]
        assert any(math.isclose(example.value or 0, rival) for rival in sorted(rivals)[-2:])
    picks = {one.pick for one in board.examples}
    assert {"slow", "newest", "error", "cost", "score:faithful", "signal:thumbs_down", "rule:pii/email"} <= picks
    failed = {span.trace_id for span in roots if span.error}
    assert {one.trace_id for one in board.examples if one.pick == "error"} <= failed


def test_examples_have_their_steps_and_no_texts(board: Board) -> None:
    assert board.steps
    for trace_id, steps in board.steps.items():
        spans = [span for span in SPANS if span.trace_id == trace_id]
        assert len(spans) == len(steps)
        assert 0 == steps[0].depth
        assert "Where is my order" not in repr(steps)
        assert "@example.org" not in repr(steps)


def test_releases_are_marked_where_their_traffic_begins(board: Board) -> None:
    first = {release: min(span.start_ns for span in of(names.INVOKE_WORKFLOW, release)) for release in (OLD, NEW)}
    assert {OLD, NEW} == {marker.release for marker in board.markers}
    for marker in board.markers:
        assert abs(first[marker.release] / 1e9 - marker.moment.timestamp()) < 1


def test_one_environment_is_looked_at_by_itself(tmp_path: Path) -> None:
    store = live_store(tmp_path, SPANS[:100])
    with store.connection() as connection:
        span = (START - timedelta(days=1), START + timedelta(days=30))
        assert 100 == read_board(connection, *span, environment="production").spans
        assert 0 == read_board(connection, *span, environment="staging").spans


def test_spans_that_stand_for_no_request_make_no_point(tmp_path: Path) -> None:
    brought_back = [replace(span, attributes={**span.attributes, names.SAMPLE_WEIGHT: 0.0}) for span in SPANS[:200]]
    with live_store(tmp_path, brought_back).connection() as connection:
        board = read_board(connection, START - timedelta(days=1), START + timedelta(days=30))
    assert 200 == board.spans
    assert all(math.isfinite(point.value) for line in board.lines for point in line.points)
    assert "NaN" not in render_dashboard(board, store="x")


def test_a_short_time_is_shown_by_the_hour(tmp_path: Path) -> None:
    store = live_store(tmp_path, SPANS[:200])
    with store.connection() as connection:
        board = read_board(connection, START, START + timedelta(days=1))
    assert "hour" == board.bucket
    assert any(point.moment.hour for line in board.lines for point in line.points)


def test_every_panel_is_of_a_known_metric_and_none_is_there_without_its_data() -> None:
    full = Found(
        scorers=("a",), signals=("thumbs_down", "thumbs_up"), rules=(("p", "r"),), first_tokens=True, costs=True, tools=True
    )
    for panel in panels_of(full):
        for metric in panel.metrics:
            assert metric == metric_of(metric).name
    assert "cost" not in {panel.pick for panel in panels_of(Found())}
    assert "signal.thumbs_up.rate" not in release_metrics(full)


def test_steps_that_are_their_own_ancestors_are_left_out() -> None:
    blank = dict.fromkeys(("duration_ms", "input_tokens", "output_tokens", "cost_usd", "ttft_ms", "score", "signal_value"))
    blank |= {"error": "", "guard_result": "", "name": "x"}
    loop = [{**blank, "span_id": "a", "parent_id": "b"}, {**blank, "span_id": "b", "parent_id": "a"}]
    fine = [{**blank, "span_id": "c", "parent_id": ""}, {**blank, "span_id": "d", "parent_id": "c"}]
    assert [0, 1] == [row.depth for row in step_rows([*loop, *fine])]


@given(st.integers(1, 500), st.data())
def test_bounds_of_a_rate_are_wilsons(n: int, data: st.DataObject) -> None:
    x = data.draw(st.integers(0, n))
    low, high = rate_bounds(x / n, n)
    expected = wilson(x, n)
    assert math.isclose(expected[0], low, abs_tol=1e-6)
    assert math.isclose(expected[1], high, abs_tol=1e-6)


def test_equal_weights_count_as_rows_and_a_mean_has_bounds_from_two_on() -> None:
    assert 10 == effective(20.0, 40.0)
    assert mean_bounds((1.0, 0.5, 1.0, 0.5, 0.25)) is None
    low, high = mean_bounds((4.0, 2.0, 4.0, 2.0, 2.0)) or (9.0, -9.0)  # 0, 0, 1, 1
    assert math.isclose(0.5 - 1.959964 * 0.25, low)
    assert math.isclose(0.5 + 1.959964 * 0.25, high)
