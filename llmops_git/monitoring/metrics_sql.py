"""The one source of the SQL of metrics: plain enough to be translated, every value from outside a bound parameter.

Dialect: DuckDB, of it only what other engines have as well (`CASE`, sums, `quantile_cont`, windows, `date_trunc`). An alias is
no keyword, and no column that the same SELECT reads. Parameters are question marks, in order. Times are UTC without a zone;
every scan is limited by day (`dt`).
"""

# ruff: noqa: S608  # what becomes SQL are constants of these modules and names out of a table
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from llmops_git.monitoring.dimensions import DIMENSIONS
from llmops_git.monitoring.metrics import Metric
from llmops_git.monitoring.metrics_rows import IS_BILLED, SINCE, Rows

SLOTS = 100  # of a histogram, for each factor of e: neighbours differ by one percent
MOMENTS = ("n", "sum_w", "sum_wv", "sum_w2", "sum_w2v", "sum_w2vv")
SUMS = "sum(w) AS sum_w, sum(w * v) AS sum_wv, sum(w * w) AS sum_w2, sum(w * w * v) AS sum_w2v, sum(w * w * v * v) AS sum_w2vv"
SEEN = "min(ts) AS first_seen, max(ts) AS last_seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """SQL with its parameters in order, and the names of its columns."""

    sql: str
    parameters: tuple[Any, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which traffic: `since` <= start of the span < `until`, filtered by `where` (dimension -> values that are wanted), grouped
    by the dimensions in `by`."""

    since: datetime
    until: datetime
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def utc(moment: datetime) -> datetime:
    """A time as the store holds it: UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def moments(metric: Metric, scope: Scope) -> Query:
    """For each group: how many rows (`n`), and the sums that weighted means and their errors follow from: of the weights w, of
    w·v, w², w²·v and w²·v²; and when the first and the last began."""
    picked, bound = picked_rows(metric.rows, scope, more="ts, ")
    names = names_of(scope.by)
    return Query(
        sql=by_keys(names, f"count(*) AS n, {SUMS}, {SEEN}", valued(picked)),
        parameters=bound,
        columns=(*names, *MOMENTS, "first_seen", "last_seen"),
    )


def quantiles(metric: Metric, scope: Scope, *, weighted: bool, levels: tuple[float, ...] = ()) -> Query:
    """For each group: how many rows, and the quantiles at `levels` (the metric's own unless told). `weighted`: where rows stand
    for different numbers of requests; see `quantiles_by`."""
    levels = levels or (metric.quantile,)
    picked, bound = picked_rows(metric.rows, scope)
    names = tuple(f"q{number}" for number in range(len(levels)))
    keys = names_of(scope.by)
    return Query(
        sql=quantiles_by(keys, dict(zip(names, levels, strict=True)), picked, weighted=weighted),
        parameters=bound,
        columns=(*keys, "n", *names),
    )


def quantiles_by(keys: tuple[str, ...], levels: Mapping[str, float], picked: str, *, weighted: bool) -> str:
    """Rows and quantiles by keys. Weighted ones are the upper end of the slot in which the weights reach the level: at most one
    percent too high, which is far below what sampling leaves open, and a fifth of the time of sorting."""
    if not weighted:
        asked = ", ".join(f"quantile_cont(v, {level!r}) AS {name}" for name, level in levels.items())
        return by_keys(keys, f"count(*) AS n, {asked}", valued(picked))
    listed = ", ".join((*keys, "slot"))
    partition = f"PARTITION BY {', '.join(keys)}" if keys else ""
    running = f"sum(sum_w) OVER ({partition} ORDER BY slot ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS up_to"
    whole = f"sum(sum_w) OVER ({partition}) AS total_weight"
    slots = (
        f"(SELECT {listed}, max(v) AS high, count(*) AS slot_rows, sum(w) AS sum_w\nFROM {slotted(keys, picked)} AS slotted\n"
        f"GROUP BY {listed})"
    )
    climbing = f"(SELECT {listed}, high, slot_rows, {running}, {whole}\nFROM {slots} AS counted)"
    asked = ", ".join(
        f"min(CASE WHEN up_to >= {level!r} * total_weight THEN high END) AS {name}" for name, level in levels.items()
    )
    return by_keys(keys, f"sum(slot_rows) AS n, {asked}", f"{climbing} AS climbing")


def slotted(keys: tuple[str, ...], picked: str) -> str:
    """The rows with the slot of their value: one percent wide; what is not above 0 shares the slot -1000000."""
    slot = f"CASE WHEN v > 0 THEN floor(ln(v) * {SLOTS}) ELSE -1000000 END AS slot"
    return f"(SELECT {', '.join((*keys, slot))}, v, w\nFROM {picked} AS valued WHERE v IS NOT NULL)"


def totals(metric: Metric, scope: Scope, *, split: datetime) -> Query:
    """For each group with traffic since `scope.since`: how many rows and which sum since `split`, and likewise before it."""
    picked, bound = picked_rows(metric.rows, scope, more="ts, ")
    moment = utc(split)
    sums = (
        "sum(CASE WHEN ts >= ? THEN 1 ELSE 0 END) AS n, sum(CASE WHEN ts >= ? THEN w * v ELSE 0.0 END) AS wv, "
        "sum(CASE WHEN ts >= ? THEN 0 ELSE 1 END) AS n_before, sum(CASE WHEN ts >= ? THEN 0.0 ELSE w * v END) AS wv_before"
    )
    return Query(
        sql=by_keys(names_of(scope.by), sums, valued(picked)),
        parameters=(moment, moment, moment, moment, *bound),
        columns=(*names_of(scope.by), "n", "wv", "n_before", "wv_before"),
    )


def histogram(metric: Metric, scope: Scope) -> Query:
    """For each group and slot of values: the smallest and the largest value in it, rows, weights, and
    when the first and the last began."""
    picked, bound = picked_rows(metric.rows, scope, more="ts, ")
    keys = (*names_of(scope.by), "slot")
    asked = f"min(v) AS low, max(v) AS high, count(*) AS n, sum(w) AS sum_w, sum(w * w) AS sum_w2, {SEEN}"
    sql = by_keys(keys, asked, f"{slotted((*keys[:-1], 'ts'), picked)} AS slotted")
    columns = (*keys, "low", "high", "n", "sum_w", "sum_w2", "first_seen", "last_seen")
    return Query(sql=sql, parameters=bound, columns=columns)


def categories(metric: Metric, scope: Scope) -> Query:
    """For each group and text value: rows, weights, and when the first and the last began."""
    picked, bound = picked_rows(metric.rows, scope, more="ts, ")
    keys = (*names_of(scope.by), "v")
    asked = f"count(*) AS n, sum(w) AS sum_w, sum(w * w) AS sum_w2, {SEEN}"
    sql = by_keys(keys, asked, valued(picked))
    return Query(sql=sql, parameters=bound, columns=(*keys, "n", "sum_w", "sum_w2", "first_seen", "last_seen"))


def sample(metric: Metric, scope: Scope, *, size: int) -> Query:
    """Up to `size` values: those with the smallest trace ids, which are random, so that a second look sees the same ones."""
    picked, bound = picked_rows(metric.rows, scope, more="trace_id, ")
    sql = f"SELECT v FROM {valued(picked)}\nORDER BY trace_id, v\nLIMIT {int(size)}"
    return Query(sql=sql, parameters=bound, columns=("v",))


def newest(
    metric: Metric, scope: Scope, *, at_least: float | None = None, at_most: float | None = None, limit: int = 10
) -> Query:
    """The newest rows with a value in the bounds given: time, trace and value."""
    picked, bound = picked_rows(metric.rows, scope, more="ts, trace_id, ")
    conditions = ["v IS NOT NULL"]
    limits = []
    for bound_value, comparison in ((at_least, ">="), (at_most, "<=")):
        if bound_value is not None:
            conditions.append(f"v {comparison} ?")
            limits.append(bound_value)
    sql = (
        f"SELECT ts, trace_id, v FROM {picked} AS valued\nWHERE {' AND '.join(conditions)}\n"
        f"ORDER BY ts DESC, trace_id\nLIMIT {int(limit)}"
    )
    return Query(sql=sql, parameters=(*bound, *limits), columns=("ts", "trace_id", "v"))


def valued(picked: str) -> str:
    """The rows that have a value, as what follows FROM."""
    return f"{picked} AS picked\nWHERE v IS NOT NULL"


def by_keys(keys: tuple[str, ...], asked: str, source: str) -> str:
    """A query grouped by keys; without any it has one row, and none where there is nothing. `source` is what follows FROM."""
    if not keys:
        return f"SELECT {asked}\nFROM {source}\nHAVING count(*) > 0"
    listed = ", ".join(keys)
    return f"SELECT {listed}, {asked}\nFROM {source}\nGROUP BY {listed}\nORDER BY {listed}"


def names_of(by: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of dimensions. Raises KeyError for what is no dimension: nothing else becomes SQL."""
    return tuple(DIMENSIONS[name] for name in by)


def picked_rows(rows: Rows, scope: Scope, *, more: str = "") -> tuple[str, tuple[Any, ...]]:
    """The rows as a table in brackets, with the columns of the dimensions, `w` and `v`; and its parameters in order."""
    names = names_of(scope.by)
    since, until = utc(scope.since), utc(scope.until)
    since_marks = rows.value.count(SINCE)
    value_marks = rows.value.count("?") - since_marks
    table, beside = _beside(rows, since, until)
    conditions = [rows.where, "ts >= ?", "ts < ?", "dt >= ?", "dt <= ?"]
    bound: list[Any] = [*rows.bound[:value_marks], *[since.date()] * since_marks, *beside]
    bound += [*rows.bound[value_marks:], since, until, since.date(), until.date()]
    for name, wanted in sorted(scope.where.items()):
        conditions.append(f"{DIMENSIONS[name]} IN ({', '.join('?' for _ in wanted)})")
        bound += wanted
    columns = "".join(f"{name}, " for name in names if f" {name} " not in f" {more.replace(',', ' ')} ")
    sql = f"(SELECT {columns}{more}weight AS w, {rows.value} AS v\nFROM {table}\nWHERE {' AND '.join(conditions)})"
    return sql, tuple(bound)


def _beside(rows: Rows, since: datetime, until: datetime) -> tuple[str, tuple[Any, ...]]:
    """The table that the rows come from: spans, with what else of their trace is looked up, and its parameters."""
    if rows.beside == "bills":  # a request's calls may start after the last request of the scope
        bills = (
            f"SELECT trace_id AS billed_trace, count(*) AS calls, count({rows.column}) AS known, sum({rows.column}) AS amount"
            f" FROM spans WHERE {IS_BILLED} AND dt >= ? AND dt <= ? GROUP BY trace_id"
        )
        return (
            f"spans LEFT JOIN ({bills}) AS bills ON trace_id = billed_trace",
            (since.date(), until.date() + timedelta(days=1)),
        )
    return "spans", ()
