"""The metrics mean the same in ClickHouse: each of its answers is DuckDB's, asked of the real engine over HTTP."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from clickhouse_server import Engine, clickhouse
from live_material import START_NS, live_spans, live_store

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.monitoring import metrics_sql as sql
from llmops_git.monitoring.clickhouse import asked, load_sql, table_ddl
from llmops_git.monitoring.clickhouse_http import asker, rows_of, server_at
from llmops_git.monitoring.metrics import METRICS, Metric, metric_of
from llmops_git.monitoring.metrics_series import BUCKETS, series
from llmops_git.monitoring.metrics_sql import Query, Scope
from llmops_git.monitoring.store import Store
from llmops_git.traces import attributes as names

START = datetime.fromtimestamp(START_NS / 1e9, UTC)
SPLIT = START + timedelta(days=2)
HOSTILE = 'it\'s\\n a\t\\\\ "user"\n🙂 {p0: String} ?'
FAMILIES = (
    "score.faithful.mean",
    "score.faithful.pass_rate",
    "signal.thumbs_down.rate",
    "drift.psi(input_tokens)",
    "drift.psi(finish_reason)",
    "drift.ks(output_length)",
    "drift.psi(input_length)",
)
ALL = [*METRICS, *FAMILIES]
Ask = Callable[[Query], Sequence[Sequence[Any]]]


def material() -> tuple[Any, ...]:
    """Spans with sampled ones, a hostile user, calls of unknown cost, and a request without any call."""
    spans = []
    for number, span in enumerate(live_spans(requests=150, every_ms=50 * 60_000)):
        found = dict(span.attributes)
        at = int(span.trace_id[:6], 16)
        if at % 3 == 0:
            found[names.SAMPLE_WEIGHT] = 10.0
        if at % 7 == 0:
            found[names.USER] = HOSTILE
        if at % 11 == 0:
            found.pop(names.COST_USD, None)
        if at % 13 == 0 and found[names.OPERATION] == names.CHAT:
            continue
        if number % 97 == 0 and found[names.OPERATION] == names.APPLY_GUARDRAIL:
            found[names.GUARD_RESULT] = "error"
        spans.append(dataclasses.replace(span, attributes=found))
    return tuple(spans)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return live_store(tmp_path_factory.mktemp("store"), material())


@pytest.fixture(scope="module")
def duck(store: Store) -> Iterator[Ask]:
    with store.connection() as connection:
        yield lambda query: connection.execute(query.sql, list(query.parameters)).fetchall()


@pytest.fixture(scope="module")
def engine(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(str(tmp_path_factory.mktemp("chdb")))
    engine.run(table_ddl())
    for file in store.span_files():
        engine.run(load_sql(f"file('{file}', Parquet)"))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def house(engine: Engine) -> Iterator[Ask]:
    with clickhouse(engine) as server, httpx.Client() as client:
        yield asker(server_at(server.place, {}), client)


def scopes() -> Iterator[Scope]:
    whole = {"since": START - timedelta(days=1), "until": START + timedelta(days=30)}
    yield Scope(**whole)
    yield Scope(**whole, by=("config", "release"))
    yield Scope(**whole, by=("release", "user"), where={"user": (HOSTILE, "user-3"), "environment": ("production",)})
    yield Scope(since=START + timedelta(days=1), until=SPLIT, by=("feature",))
    yield Scope(since=START + timedelta(days=400), until=START + timedelta(days=401), by=("config",))


def queries(metric: Metric, scope: Scope) -> Iterator[Query]:
    if not set(scope.by) <= metric.dimensions or not set(scope.where) <= metric.dimensions:
        return
    if metric.categories:
        yield sql.categories(metric, scope)
        return
    yield sql.histogram(metric, scope)
    yield sql.newest(metric, scope, at_least=0.5)
    if metric.kind == "quantile":
        yield sql.quantiles(metric, scope, weighted=False, levels=(0.0, 0.5, 0.95, 1.0))
        yield sql.quantiles(metric, scope, weighted=True)
    elif metric.kind == "total":
        yield sql.totals(metric, scope, split=SPLIT)
    if metric.kind != "drift":
        yield sql.moments(metric, scope)
        if not metric.registry:
            yield from (series(metric, scope, bucket, weighted=metric.kind == "quantile") for bucket in BUCKETS[1:] if scope.by)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Decimal | float) or isinstance(other, Decimal | float):
        if one is None or other is None:
            return one is other
        return math.isclose(float(one), float(other), rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one == other
    return bool(one == other) or str(one) == str(other)


@pytest.mark.parametrize("name", ALL)
def test_every_question_has_the_same_answer(name: str, duck: Ask, house: Ask) -> None:
    told = 0
    for scope in scopes():
        for query in queries(metric_of(name), scope):
            expected, found = duck(query), house(query)
            assert len(expected) == len(found), query.sql
            for row, other in zip(expected, found, strict=True):
                assert all(same(one, two) for one, two in zip(row, other, strict=True)), (query.sql, row, other)
            told += len(found)
    assert told > 0, "the material says nothing of it"


def test_what_comes_from_outside_stays_a_parameter() -> None:
    scope = Scope(since=START, until=SPLIT, by=("user",), where={"user": (HOSTILE,)})
    found = asked(sql.moments(metric_of("error_rate"), scope))
    assert "🙂" not in found.sql
    assert "\n" not in "".join(found.parameters.values())
    assert any("🙂" in value for value in found.parameters.values())


@pytest.mark.parametrize(
    "place",
    [
        "clickhouse+http://db.example.com:8123/traces",  # a password would cross the network in the clear
        "clickhouse+https://me:secret@db.example.com/traces",
        "clickhouse+https://db.example.com/traces?readonly=0",
        "clickhouse+https://db.example.com/a;b",
        "clickhouse+ftp://localhost/x",
        "clickhouse+https://:1/x",
        "clickhouse+https://db.example.com:port/x",
    ],
)
def test_addresses_that_give_something_away_are_refused(place: str) -> None:
    with pytest.raises(LlmopsError):
        server_at(place, {})


def test_user_and_password_come_from_the_environment(engine: Engine) -> None:
    environment = {"CLICKHOUSE_USER": "reader", "CLICKHOUSE_PASSWORD": "s3cret"}
    query = Query(sql="SELECT count(*) AS n FROM spans WHERE config = ?", parameters=("support-router",), columns=("n",))
    with clickhouse(engine, password="s3cret") as server, httpx.Client() as client:
        assert asker(server_at(server.place, environment), client)(query)[0][0] > 0
        (_, given, headers) = server.seen[0]
        assert ("2", "reader") == (given["readonly"], headers["X-ClickHouse-User"])
        with pytest.raises(NotMeasured, match="refused a query \\(403\\)"):
            asker(server_at(server.place, {}), client)(query)


def test_errors_say_what_the_server_said(house: Ask) -> None:
    with pytest.raises(NotMeasured, match="refused a query"):
        house(Query(sql="SELECT nothing FROM spans", parameters=(), columns=("nothing",)))
    with pytest.raises(NotMeasured, match="does not answer"), httpx.Client() as client:
        asker(server_at("clickhouse+http://127.0.0.1:9/x", {}), client)(Query(sql="SELECT 1", parameters=(), columns=()))


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"meta": [{"type": "DateTime"}], "data": [["soon"]]}', b'{"meta": [], "data": [[1]]}']
)
def test_an_answer_that_is_none_is_not_measured(body: bytes) -> None:
    with pytest.raises(NotMeasured):
        rows_of(body)
