"""Metrics over time: the rows of `metrics_sql`, grouped by hour, day, week or month as well."""

from __future__ import annotations

from typing import Literal

from llmops_git.monitoring.metrics import Metric
from llmops_git.monitoring.metrics_rows import IS_BILLED, IS_REQUEST, IS_SIGNAL, Rows
from llmops_git.monitoring.metrics_sql import MOMENTS, SUMS, Query, Scope, by_keys, names_of, picked_rows, quantiles_by, valued

Bucket = Literal["hour", "day", "week", "month"]
BUCKETS: tuple[Bucket, ...] = ("hour", "day", "week", "month")


def series(metric: Metric, scope: Scope, bucket: Bucket, *, weighted: bool = False) -> Query:
    """For each group and `bucket` (`moment` is its beginning) rows and the value; for rates, and means of rows, the sums of
    `moments` too, from which errors follow. Raises ValueError for drift, which compares two times, and for `unreleased`, which
    git decides.

    Looking up each request's calls and signals costs more than a page that is waited for should. So tokens and dollars of a
    request are the mean of a call times calls per request, and a signal counts in the bucket in which it was given, twice if
    it was given twice: what `moments` says where every call is known, but for that and for what comes after a bucket's end.
    """
    if bucket not in BUCKETS:
        raise ValueError(f"a bucket is one of {', '.join(BUCKETS)}, not {bucket}")
    if metric.kind == "drift" or metric.registry:
        raise ValueError(f"{metric.name} has no series")
    keys = (*names_of(scope.by), "moment")
    moment = f"date_trunc('{bucket}', ts) AS moment, "
    if metric.rows.beside == "bills":
        return _bills(metric.rows.column, scope, keys, moment)
    if metric.rows.beside == "signals":
        return _signals(metric.rows.bound, scope, keys, moment)
    picked, bound = picked_rows(metric.rows, scope, more=moment)
    if metric.kind == "quantile":
        sql = quantiles_by(keys, {"value": metric.quantile}, picked, weighted=weighted)
        return Query(sql=sql, parameters=bound, columns=(*keys, "n", "value"))
    value = "sum(w * v)" if metric.kind == "total" else "sum(w * v) / sum(w)"
    sql = by_keys(keys, f"count(*) AS n, {value} AS value, {SUMS}", valued(picked))
    return Query(sql=sql, parameters=bound, columns=(*keys, "n", "value", *MOMENTS[1:]))


def _bills(column: str, scope: Scope, keys: tuple[str, ...], moment: str) -> Query:
    counted = (
        f"{moment}CASE WHEN {IS_REQUEST} THEN 1 ELSE 0 END AS request, CASE WHEN {IS_BILLED} THEN 1 ELSE 0 END AS billed_call, "
    )
    either = Rows(
        where=f"({IS_REQUEST} OR {IS_BILLED})", value=f"CASE WHEN {IS_BILLED} THEN {column} END", dimensions=frozenset()
    )
    picked, bound = picked_rows(either, scope, more=counted)
    known = "sum(CASE WHEN v IS NULL THEN 0.0 ELSE w END)"
    asked = (
        f"sum(request) AS n, CASE WHEN sum(billed_call) = 0 THEN 0.0 WHEN {known} = 0 THEN NULL "
        f"ELSE sum(w * v) / {known} * sum(w * billed_call) / sum(w * request) END AS value"
    )
    listed = ", ".join(keys)
    sql = f"SELECT {listed}, {asked}\nFROM {picked} AS picked\nGROUP BY {listed}\nHAVING sum(request) > 0\nORDER BY {listed}"
    return Query(sql=sql, parameters=bound, columns=(*keys, "n", "value"))


def _signals(signal: tuple[str, ...], scope: Scope, keys: tuple[str, ...], moment: str) -> Query:
    """Requests by when they began, and signals by when they were given, in one scan."""
    given = f"CASE WHEN {IS_REQUEST} THEN 0.0 ELSE 1.0 END"
    either = Rows(where=f"({IS_REQUEST} OR ({IS_SIGNAL}))", value=given, dimensions=frozenset(), bound=signal)
    request = f"CASE WHEN {IS_REQUEST} THEN 1 ELSE 0 END AS request, "
    picked, bound = picked_rows(either, scope, more=moment + request)
    sums = (
        "sum(w * request) AS sum_w, sum(w * v) AS sum_wv, sum(w * w * request) AS sum_w2, sum(w * w * v) AS sum_w2v, "
        "sum(w * w * v) AS sum_w2vv"
    )
    listed = ", ".join(keys)
    value = f"sum(request) AS n, sum(w * v) / sum(w * request) AS value, {sums}"
    sql = f"SELECT {listed}, {value}\nFROM {picked} AS picked\nGROUP BY {listed}\nHAVING sum(request) > 0\nORDER BY {listed}"
    return Query(sql=sql, parameters=bound, columns=(*keys, "n", "value", *MOMENTS[1:]))
