"""Every metric on traffic that can be counted by hand, in plain SQL; and what never becomes SQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlglot

from llmops_git.monitoring import metrics_sql
from llmops_git.monitoring.metrics import CATEGORIES, METRICS, NUMBERS, TEXTS, Metric, UnknownMetric, metric_of
from llmops_git.monitoring.metrics_series import BUCKETS, series
from llmops_git.monitoring.metrics_sql import Query, Scope
from llmops_git.traces import attributes as names
from tests.monitoring.monitor_table import NOW, V1, V2, Table

ALL = [
    *METRICS,
    "score.faithful.mean",
    "score.faithful.pass_rate",
    "signal.thumbs_down.rate",
    *(f"drift.psi({column})" for column in (*NUMBERS, *CATEGORIES)),
    *(f"drift.ks({column})" for column in NUMBERS),
    *(f"drift.embedding({column})" for column in TEXTS),
]


def scope(hours: float = 24, **more: Any) -> Scope:
    return Scope(**{"since": NOW - timedelta(hours=hours), "until": NOW, **more})


def value(table: Table, name: str, **more: Any) -> float:
    """The mean of a metric's rows over the last day."""
    (sums,) = table.traffic().sums(metric_of(name), scope(**more)).values()
    return sums.value


@pytest.fixture
def table() -> Table:
    """Four requests: an ordinary one with two calls, one that failed, one that was refused, one that a guardrail stopped."""
    made = Table()
    first = made.request(user_id="ada", feature="triage", duration_ms=400.0)
    made.step(
        first, "chat", model="m", finish_reason="tool_calls", input_tokens=100, output_tokens=10, cost_usd=0.01, ttft_ms=50.0
    )
    made.step(first, "chat", model="m", finish_reason="stop", input_tokens=200, output_tokens=30, cost_usd=0.03, ttft_ms=70.0)
    made.step(first, "execute_tool", tool="lookup")
    made.step(first, "apply_guardrail", pack="pii", rule="email", guard_result="redact")
    made.step(first, "evaluate", scorer="faithful", score=0.5)
    made.step(first, "evaluate", scorer="other", score=0.0)
    second = made.request(error="timeout", duration_ms=3000.0)
    made.step(second, "chat", model="m", error="timeout")
    made.step(second, "execute_tool", tool="lookup", error="broken")
    made.step(second, "apply_guardrail", pack="pii", rule="email", guard_result="error")
    made.step(second, "signal", signal="thumbs_down")
    made.step(second, "signal", signal="thumbs_down")
    third = made.request(release="", duration_ms=200.0)
    made.step(
        third, "chat", model="m", finish_reason="content_filter", input_tokens=60, output_tokens=0, cost_usd=0.02, ttft_ms=30.0
    )
    made.step(third, "embeddings", model="e", input_tokens=40, cost_usd=0.0)
    made.step(third, "apply_guardrail", pack="pii", rule="email", guard_result="shadow")
    made.step(third, "evaluate", scorer="faithful", score=1.0)
    fourth = made.request(duration_ms=10.0)
    made.step(fourth, "apply_guardrail", pack="pii", rule="email", guard_result="pass")
    made.step(fourth, "signal", signal="thumbs_up")
    return made


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("error_rate", 1 / 4),
        ("refusal_rate", 1 / 3),  # of the calls that did not fail
        ("tool.error_rate", 1 / 2),
        ("tokens.input", (300 + 100 + 0) / 3),  # the failed call does not say: its request is left out, not counted as 0
        ("tokens.output", (40 + 0) / 2),  # an embedding has none, and does not say so either
        ("cost.per_request", (0.04 + 0.02 + 0) / 3),
        ("cost.coverage", 4 / 5),
        ("guardrail.trigger_rate", 1 / 3),
        ("guardrail.shadow_rate", 1 / 3),
        ("guardrail.error_rate", 1 / 4),
        ("release.coverage", 3 / 4),
        ("score.faithful.mean", 0.75),
        ("score.faithful.pass_rate", 0.5),
        ("signal.thumbs_down.rate", 1 / 4),  # twice by the same request is once
        ("signal.nothing.rate", 0.0),
    ],
)
def test_a_metric_is_what_one_counts_by_hand(table: Table, name: str, expected: float) -> None:
    assert pytest.approx(expected) == value(table, name)


def test_quantiles_interpolate_and_sums_are_split_in_time(table: Table) -> None:
    traffic = table.traffic()
    assert {(): (4, 300.0)} == traffic.quantiles(metric_of("latency.p50"), scope())
    assert {(): (3, 68.0)} == traffic.quantiles(metric_of("ttft.p95"), scope())
    costs = metric_of("cost.total")
    ((n, total, n_before, before),) = traffic.totals(costs, scope(), NOW - timedelta(hours=2)).values()
    assert (4, pytest.approx(0.06), 0, 0.0) == (n, total, n_before, before)
    ((n, total, n_before, before),) = traffic.totals(costs, scope(), NOW - timedelta(minutes=1)).values()
    assert (0, 0.0, 4, pytest.approx(0.06)) == (n, total, n_before, before)


def test_tokens_and_dollars_of_a_request_above_its_calls_are_not_counted_twice() -> None:
    """Other writers sum up on agents and workflows."""
    table = Table()
    trace = table.request(input_tokens=300, cost_usd=0.04)
    table.step(trace, "invoke_agent", input_tokens=300, cost_usd=0.04)
    table.step(trace, "chat", input_tokens=300, output_tokens=1, cost_usd=0.04)
    assert (300, 0.04) == (value(table, "tokens.input"), value(table, "cost.per_request"))
    assert {(): (1, 0.04, 0, 0.0)} == table.traffic().totals(metric_of("cost.total"), scope(), NOW - timedelta(days=1))


def test_rows_are_grouped_and_filtered_by_dimensions() -> None:
    table = Table()
    for user, cost in (("ada", 1.0), ("ada", 3.0), ("bob", 5.0)):
        table.step(table.request(user_id=user), "chat", cost_usd=cost, input_tokens=1, output_tokens=1)
    table.step(table.request(user_id="eve", environment="staging"), "chat", cost_usd=7.0)
    found = table.traffic().sums(metric_of("cost.per_request"), scope(by=("user",), where={"environment": ("production",)}))
    assert {("ada",): 2.0, ("bob",): 5.0} == {key: sums.value for key, sums in found.items()}
    both = table.traffic().sums(metric_of("cost.per_request"), scope(by=("user",), where={"user": ("bob", "eve")}))
    assert [("bob",), ("eve",)] == sorted(both)


def test_a_window_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    table = Table()
    for hours in (24.0, 12.0, 0.0, 25.0):
        table.request(hours=hours)
    ((_, sums),) = table.traffic().sums(metric_of("requests"), scope()).items()
    assert (2, NOW.replace(tzinfo=None) - timedelta(days=1)) == (sums.n, sums.first)


def test_sampled_requests_count_as_what_they_stand_for() -> None:
    """Errors are all kept, of the others one in ten."""
    table = Table()
    for number in range(10):
        table.request(error="timeout", duration_ms=900.0 + number)
    for _ in range(9):
        table.step(table.request(weight=10.0, duration_ms=100.0), "chat", cost_usd=0.5, input_tokens=1, output_tokens=1)
    traffic = table.traffic()
    assert traffic.weighted
    (sums,) = traffic.sums(metric_of("error_rate"), scope()).values()
    assert (19, 100.0, pytest.approx(0.1)) == (sums.n, sums.w, sums.value)
    ((n, median),) = traffic.quantiles(metric_of("latency.p50"), scope()).values()
    assert (19, 100.0) == (n, median)
    ((_, tail),) = traffic.quantiles(metric_of("latency.p95"), scope()).values()
    assert 900 <= tail <= 909
    assert {(): (9, 45.0, 0, 0.0)} == traffic.totals(metric_of("cost.total"), scope(), NOW - timedelta(days=1))
    assert not _plain_table().traffic().weighted


def _plain_table() -> Table:
    table = Table()
    table.request()
    table.request()
    return table


def test_weighted_quantiles_are_those_of_the_repeated_rows() -> None:
    once, repeated = Table(), Table()
    for number in range(1, 60):
        weight = 1 + number % 4
        once.request(duration_ms=float(number * number), weight=float(weight))
        for _ in range(weight):
            repeated.request(duration_ms=float(number * number))
    for name in ("latency.p50", "latency.p95", "latency.p99"):
        ((_, weighted),) = once.traffic().quantiles(metric_of(name), scope()).values()
        ((_, plain),) = repeated.traffic().quantiles(metric_of(name), scope()).values()
        assert pytest.approx(plain, rel=0.02) == weighted


@pytest.mark.parametrize("name", ALL)
def test_every_metric_is_asked_in_sql_that_other_engines_have(table: Table, name: str) -> None:
    metric = metric_of(name)
    dimensions = tuple(word for word in ("config", "release", "model", "pack", "tool") if word in metric.dimensions)
    wide = scope(by=dimensions, where={"config": ("router", "other")})
    connection = table.connection()
    for query in _queries(metric, wide):
        rows = connection.execute(query.sql, query.parameters).fetchall()
        assert {len(query.columns)} == {len(row) for row in rows} or not rows
        assert query.sql.count("?") == len(query.parameters)
        assert sqlglot.transpile(query.sql, read="duckdb", write="clickhouse")
        aliases = {alias.alias for alias in sqlglot.parse_one(query.sql, read="duckdb").find_all(sqlglot.exp.Alias)}
        assert not aliases & {"at", "op", "count"}


def _queries(metric: Metric, wide: Scope) -> list[Query]:
    bounds = {} if metric.categories or metric.statistic == "embedding" else {"at_least": 1.0, "at_most": 2.0}
    found = [metrics_sql.newest(metric, wide, **bounds)]
    if metric.kind == "drift":
        if metric.statistic == "embedding":
            return [*found, metrics_sql.sample(metric, wide, size=3)]
        return [*found, metrics_sql.categories(metric, wide) if metric.categories else metrics_sql.histogram(metric, wide)]
    found += [metrics_sql.moments(metric, wide), metrics_sql.totals(metric, wide, split=wide.since)]
    found += [metrics_sql.histogram(metric, wide), metrics_sql.quantiles(metric, wide, weighted=True, levels=(0.1, 0.9))]
    if not metric.registry:
        found += [series(metric, wide, bucket, weighted=bucket == "day") for bucket in BUCKETS]
    return found


@pytest.mark.parametrize(
    "name",
    [
        "error_rate",
        "latency.p95",
        "tokens.input",
        "cost.per_request",
        "cost.total",
        "signal.thumbs_down.rate",
        "score.faithful.mean",
    ],
)
def test_a_series_says_for_its_bucket_what_the_metric_says_for_that_time(name: str) -> None:
    table = Table()
    for hour in range(1, 25):
        for number in range(4):
            trace = table.request(
                hours=hour, release=V1 if hour > 12 else V2, duration_ms=float(100 + hour * number), error="x" * (number == 3)
            )
            table.step(trace, "chat", input_tokens=10 * hour, output_tokens=1, cost_usd=0.001 * number)
            table.step(trace, "evaluate", scorer="faithful", score=number / 4)
            if number == hour % 4:
                table.step(trace, "signal", signal="thumbs_down")
    metric = metric_of(name)
    traffic = table.traffic()
    query = series(metric, scope(hours=60, by=("release",)), "hour")
    rows = [dict(zip(query.columns, row, strict=True)) for row in traffic.rows(query)]
    assert 24 == len(rows)
    for row in rows[::5]:
        hour = Scope(since=row["moment"], until=row["moment"] + timedelta(hours=1), where={"release": (row["release"],)})
        if metric.kind == "quantile":
            ((n, expected),) = traffic.quantiles(metric, hour).values()
        elif metric.kind == "total":
            ((n, expected, *_),) = traffic.totals(metric, hour, hour.since).values()
        else:
            (sums,) = traffic.sums(metric, hour).values()
            n, expected = sums.n, sums.value
        assert (n, pytest.approx(expected)) == (row["n"], row["value"])


def test_a_series_of_dollars_takes_unknown_calls_for_average_ones_and_nothing_known_for_nothing() -> None:
    table = Table()
    for cost in (0.1, 0.3, None):
        table.step(table.request(), "chat", cost_usd=cost)
    table.step(table.request(release=V2), "chat")
    table.request(release="blocked")
    query = series(metric_of("cost.per_request"), scope(by=("release",)), "day")
    found = {row[0]: row[3] for row in table.traffic().rows(query)}
    assert {V1: pytest.approx(0.2), V2: None, "blocked": 0.0} == found


def test_drift_and_what_git_decides_have_no_series() -> None:
    for name in ("drift.psi(model)", "unreleased"):
        with pytest.raises(ValueError, match="has no series"):
            series(metric_of(name), scope(), "day")
    with pytest.raises(ValueError, match="a bucket is one of"):
        series(metric_of("requests"), scope(), "day') --")  # type: ignore[arg-type]


def test_nothing_from_outside_becomes_sql() -> None:
    hostile = "x'); DROP TABLE spans; --"
    table = Table()
    table.step(table.request(user_id=hostile), "evaluate", scorer="a", score=1.0)
    found = table.traffic().sums(metric_of("error_rate"), scope(by=("user",), where={"user": (hostile,)}))
    assert [(hostile,)] == list(found)
    for name in (f"score.{hostile}.mean", f"signal.{hostile}.rate", f"drift.psi({hostile})"):
        with pytest.raises(UnknownMetric):
            metric_of(name)
    for words in ({"by": (hostile,)}, {"where": {hostile: ("a",)}}):
        with pytest.raises(KeyError):
            metrics_sql.moments(metric_of("error_rate"), scope(**words))


def test_an_unknown_metric_says_what_was_meant() -> None:
    for wrong, right in (
        ("error_rat", "error_rate"),
        ("cost.per_reqest", "cost.per_request"),
        ("drift.ks(input_token)", "input_tokens"),
    ):
        with pytest.raises(UnknownMetric) as caught:
            metric_of(wrong)
        assert right in caught.value.hint


def test_only_billed_operations_are_summed() -> None:
    assert set(names.BILLED) == set(metrics_sql.IS_BILLED.replace("operation IN (", "").strip(")").replace("'", "").split(", "))
