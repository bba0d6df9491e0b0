"""What one dashboard shows of each metric: lines of points, the table of releases, and examples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from llmops_git.monitoring.board import asking
from llmops_git.monitoring.board.asking import Span
from llmops_git.monitoring.board.bounds import effective, mean_bounds, rate_bounds
from llmops_git.monitoring.board.values import Example, Line, Panel, Point, ReleaseRow
from llmops_git.monitoring.metrics import Metric, metric_of
from llmops_git.monitoring.metrics_series import Bucket, series
from llmops_git.monitoring.metrics_sql import MOMENTS, Query, Scope, moments, quantiles

Ask = Callable[[Query], list[dict[str, Any]]]


def aware(moment: datetime) -> datetime:
    """A time of the store, which is UTC, as one that says so."""
    return moment.replace(tzinfo=UTC)


class Reader:
    """Asks for what one dashboard shows."""

    def __init__(
        self,
        ask: Ask,
        span: Span,
        bucket: Bucket,
        *,
        weighted: bool,
        configs: Sequence[str],
        features: frozenset[tuple[str, str]],
    ) -> None:
        self._ask, self._span, self._bucket = ask, span, bucket
        self._weighted = weighted
        self._configs = frozenset(configs)
        self._features = features

    def lines(self, number: int, panel: Panel) -> Iterator[Line]:
        where = {**self._span.where}
        if panel.rule is not None:
            where |= {"pack": (panel.rule[0],), "rule": (panel.rule[1],)}
        for name in panel.metrics:
            metric = metric_of(name)
            for by in (("config", "release"), ("config", "release", "feature")):
                scope = Scope(since=self._span.since, until=self._span.until, by=by, where=where)
                rows = self._ask(series(metric, scope, self._bucket, weighted=self._weighted))
                yield from self._grouped(number, metric, rows, with_feature=len(by) > 2)  # noqa: PLR2004

    def _grouped(self, number: int, metric: Metric, rows: Iterable[Mapping[str, Any]], *, with_feature: bool) -> Iterator[Line]:
        found: dict[tuple[str, str, str | None], list[Point]] = {}
        for row in rows:
            key = (row["config"], row["release"], row["feature"] if with_feature else None)
            shown = key[0] in self._configs and (key[2] is None or (key[0], key[2]) in self._features)
            if shown and (point := _point(metric, row)) is not None:
                found.setdefault(key, []).append(point)
        for (config, release, feature), points in found.items():
            if metric.name == "guardrail.shadow_rate" and not any(point.value for point in points):
                continue  # a rule that is not in shadow
            yield Line(panel=number, metric=metric.name, config=config, release=release, feature=feature, points=tuple(points))

    def examples(self, panel: Panel) -> Iterator[Example]:
        for row in self._ask(asking.examples(panel, self._bucket, self._span)):
            if row["config"] in self._configs:
                yield Example(
                    pick=panel.pick,
                    moment=aware(row["moment"]),
                    config=row["config"],
                    release=row["release"],
                    feature=row["feature"],
                    trace_id=row["trace_id"],
                    ts=aware(row["ts"]),
                    value=row["v"],
                )

    def releases(
        self, traffic: Sequence[Mapping[str, Any]], metrics: Sequence[str], lines: Sequence[Line]
    ) -> tuple[ReleaseRow, ...]:
        values = {name: self._by_release(metric_of(name), lines) for name in metrics}
        spans: dict[tuple[str, str], list[Any]] = {}
        for row in traffic:
            first, last, requests = spans.get((row["config"], row["release"]), (row["first_ts"], row["last_ts"], 0.0))
            key = (row["config"], row["release"])
            spans[key] = [min(first, row["first_ts"]), max(last, row["last_ts"]), requests + row["requests"]]
        return tuple(
            ReleaseRow(
                config=config,
                release=release,
                first=aware(first),
                last=aware(last),
                requests=requests,
                values={name: values[name].get((config, release)) for name in metrics},
            )
            for (config, release), (first, last, requests) in sorted(
                spans.items(), key=lambda item: (item[0][0], item[1][0]), reverse=True
            )
            if config in self._configs
        )

    def _by_release(self, metric: Metric, lines: Sequence[Line]) -> dict[tuple[str, str], float]:
        if metric.rows.beside == "bills":  # what the points say already; asking again would look up the calls of each request
            return {
                (line.config, line.release): sum(point.n * point.value for point in line.points)
                / sum(point.n for point in line.points)
                for line in lines
                if line.metric == metric.name and line.feature is None
            }
        by = ("config", "release")
        scope = Scope(since=self._span.since, until=self._span.until, by=by, where=self._span.where)
        if metric.kind == "quantile":
            rows = self._ask(quantiles(metric, scope, weighted=self._weighted))
            return {(row["config"], row["release"]): row["q0"] for row in rows}
        rows = self._ask(moments(metric, scope))
        return {(row["config"], row["release"]): row["sum_wv"] / row["sum_w"] for row in rows if row["sum_w"]}


def _point(metric: Metric, row: Mapping[str, Any]) -> Point | None:
    if row["value"] is None or not math.isfinite(row["value"]):
        return None  # only spans that stand for no request, as traces that a late signal brought back
    value, bounds = float(row["value"]), None
    if metric.kind == "rate":
        bounds = rate_bounds(value, effective(row["sum_w"], row["sum_w2"]))
    elif metric.kind == "mean" and "sum_w" in row:
        bounds = mean_bounds(tuple(float(row[name]) for name in MOMENTS[1:]))  # type: ignore[arg-type]
    low, high = bounds or (None, None)
    return Point(moment=aware(row["moment"]), n=int(row["n"]), value=value, low=low, high=high)
