"""Reads a dashboard from a store: a fixed number of queries for each metric, however much traffic there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from llmops_git.monitoring.board import asking
from llmops_git.monitoring.board.asking import Span
from llmops_git.monitoring.board.lines import Ask, Reader, aware
from llmops_git.monitoring.board.panels import Found, panels_of, release_metrics
from llmops_git.monitoring.board.stepping import step_rows
from llmops_git.monitoring.board.values import Board, Example, Marker, Panel, StepRow, UserRow
from llmops_git.monitoring.metrics import UnknownMetric, metric_of
from llmops_git.monitoring.metrics_series import Bucket
from llmops_git.monitoring.metrics_sql import Query
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

HOURLY = timedelta(days=3)  # up to this long a time is shown by the hour
CONFIGS, FEATURES = 20, 10  # shown by themselves, busiest first
BEFORE = timedelta(hours=1)  # is shown before the first request, so that its release has a mark
TREES = 300  # examples whose steps are on the page


def read_board(connection: DuckDBPyConnection, since: datetime, until: datetime, *, environment: str = "") -> Board:
    """The dashboard of `since` <= time < `until`; of one environment, or of all. Raises duckdb's errors."""
    ask = asker(connection)
    span = Span(since=since, until=until, environment=environment)
    bucket: Bucket = "hour" if until - since <= HOURLY else "day"
    (whole,) = ask(asking.overview(span))
    if not whole["spans"]:
        return Board(since=since, until=until, bucket=bucket, spans=0)
    found = _found(ask(asking.found(span)), whole)
    traffic = ask(asking.traffic(span))
    configs, features, notes = _busiest(traffic)
    panels = panels_of(found)
    reader = Reader(ask, span, bucket, weighted=bool(whole["weighted"]), configs=configs, features=features)
    examples = tuple(example for panel in _once(panels) for example in reader.examples(panel))
    lines = tuple(line for number, panel in enumerate(panels) for line in reader.lines(number, panel))
    return Board(
        since=since,
        until=until,
        bucket=bucket,
        spans=int(whole["spans"]),
        panels=panels,
        lines=lines,
        releases=reader.releases(traffic, release_metrics(found), lines),
        release_metrics=release_metrics(found),
        users=tuple(_user(row) for row in ask(asking.users(span))),
        examples=examples,
        steps=_steps(connection, examples, span),
        markers=_markers(traffic),
        notes=tuple(notes),
    )


def first_in(connection: DuckDBPyConnection, since: datetime, until: datetime, *, environment: str = "") -> datetime:
    """The hour before the first span of `since` <= time < `until`; `since` where there is none. Raises duckdb's errors."""
    (row,) = asker(connection)(asking.first(Span(since=since, until=until, environment=environment)))
    return since if row["ts"] is None else max(since, aware(row["ts"]).replace(minute=0, second=0, microsecond=0) - BEFORE)


def asker(connection: DuckDBPyConnection) -> Ask:
    """Runs a query; its rows by the names of its columns."""

    def ask(query: Query) -> list[dict[str, Any]]:
        rows = connection.execute(query.sql, list(query.parameters)).fetchall()
        return [dict(zip(query.columns, map(_plain, row), strict=True)) for row in rows]

    return ask


def _plain(value: Any) -> Any:
    """Sums of whole numbers and of SQL's constants come as decimals."""
    return float(value) if isinstance(value, Decimal) else value


def _found(rows: Sequence[Mapping[str, Any]], whole: Mapping[str, Any]) -> Found:
    def of(operation: str) -> list[Mapping[str, Any]]:
        return [row for row in rows if row["operation"] == operation]

    scorers = dict.fromkeys(row["scorer"] for row in of(names.EVALUATE) if _named("score.{}.mean", row["scorer"]))
    signals = dict.fromkeys(row["signal"] for row in of(names.GIVE_SIGNAL) if _named("signal.{}.rate", row["signal"]))
    rules = dict.fromkeys((row["pack"], row["rule"]) for row in of(names.APPLY_GUARDRAIL))
    return Found(
        scorers=tuple(scorers),
        signals=tuple(signals),
        rules=tuple(rules),
        first_tokens=whole["first_tokens"] > 0,
        costs=whole["costs"] > 0,
        tools=(whole["tools"] or 0) > 0,
    )


def _named(form: str, name: str) -> bool:
    """Whether what strangers called a scorer or a signal can be asked for."""
    try:
        metric_of(form.format(name))
    except UnknownMetric:
        return False
    return True


def _busiest(traffic: Sequence[Mapping[str, Any]]) -> tuple[list[str], frozenset[tuple[str, str]], list[str]]:
    """The configs and the features of each that are shown, and what is not."""
    configs: dict[str, float] = {}
    features: dict[str, dict[str, float]] = {}
    for row in traffic:
        configs[row["config"]] = configs.get(row["config"], 0.0) + row["requests"]
        of = features.setdefault(row["config"], {})
        of[row["feature"]] = of.get(row["feature"], 0.0) + row["requests"]
    shown = sorted(configs, key=lambda name: (-configs[name], name))
    kept = {
        (name, feature)
        for name in shown[:CONFIGS]
        for feature in sorted(features[name], key=lambda one: (-features[name][one], one))[:FEATURES]
    }
    notes = [f"{len(shown) - CONFIGS:,} more configs are not shown"] if len(shown) > CONFIGS else []
    if any(len(features[name]) > FEATURES for name in shown[:CONFIGS]):
        notes.append(f"of each config the {FEATURES} busiest features are shown by themselves")
    return shown[:CONFIGS], frozenset(kept), notes


def _user(row: Mapping[str, Any]) -> UserRow:
    return UserRow(
        config=row["config"],
        user=row["user_id"],
        requests=row["requests"],
        errors=row["errors"],
        cost_usd=row["usd"],
        tokens=row["tokens"],
        thumbs_down=row["downs"],
    )


def _once(panels: Iterable[Panel]) -> Iterator[Panel]:
    """One panel for each kind of examples."""
    yield from {panel.pick: panel for panel in panels}.values()


def _markers(traffic: Sequence[Mapping[str, Any]]) -> tuple[Marker, ...]:
    first: dict[tuple[str, str], datetime] = {}
    for row in traffic:
        key = (row["config"], row["release"])
        first[key] = min(first.get(key, row["first_ts"]), row["first_ts"])
    return tuple(
        Marker(config=config, release=release, moment=aware(moment), what="first request")
        for (config, release), moment in first.items()
    )


def _steps(connection: DuckDBPyConnection, examples: Sequence[Example], span: Span) -> dict[str, tuple[StepRow, ...]]:
    newest = sorted(examples, key=lambda example: example.ts, reverse=True)
    wanted = list(dict.fromkeys(example.trace_id for example in newest))[:TREES]
    if not wanted:
        return {}
    days = [(span.since - timedelta(days=1)).date(), (span.until + timedelta(days=1)).date()]
    found = connection.execute(asking.steps(len(wanted)), [*wanted, *days])
    columns = [column[0] for column in found.description or ()]
    traces: dict[str, list[dict[str, Any]]] = {}
    for row in found.fetchall():
        step = dict(zip(columns, map(_plain, row), strict=True))
        traces.setdefault(step["trace_id"], []).append(step)
    return {trace_id: step_rows(spans) for trace_id, spans in traces.items()}
