"""Asks the store what rules need, each question once: answers are streams by group."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from llmops_git.monitoring import metrics_sql
from llmops_git.monitoring.metrics import Metric
from llmops_git.monitoring.metrics_sql import Query, Scope
from llmops_git.monitoring.streams import Histogram, Slot, Sums

Ask = Callable[[Query], Sequence[Sequence[Any]]]  # runs a query; a connection behind it
Key = tuple[str, ...]  # values of the dimensions, in the order of the scope
_WEIGHTS = "SELECT min(weight) AS low, max(weight) AS high FROM spans"


class Traffic:
    """The traffic of a store, for the length of one check. Questions that several rules have are asked once."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._answers: dict[Query, Sequence[Sequence[Any]]] = {}
        self.asked: list[Query] = []  # in order, those that reached the store

    def rows(self, query: Query) -> Sequence[Sequence[Any]]:
        """What the store answers."""
        if query not in self._answers:
            self._answers[query] = self._ask(query)
            self.asked.append(query)
        return self._answers[query]

    @property
    def weighted(self) -> bool:
        """Whether some spans stand for more requests than others."""
        ((low, high),) = self.rows(Query(sql=_WEIGHTS, parameters=(), columns=("low", "high")))
        return bool(low != high)

    def sums(self, metric: Metric, scope: Scope) -> dict[Key, Sums]:
        """By group, what rates and means follow from."""
        size = len(scope.by)
        return {
            tuple(row[:size]): Sums(
                n=row[size], w=float(row[size + 1]), wv=float(row[size + 2]), w2=float(row[size + 3]), w2v=float(row[size + 4]),
                w2vv=float(row[size + 5]), first=row[size + 6], last=row[size + 7],
            )
            for row in self.rows(metrics_sql.moments(metric, scope))
        }  # fmt: skip

    def histograms(self, metric: Metric, scope: Scope) -> dict[Key, Histogram]:
        """By group, how often which values are; categories under their names."""
        size = len(scope.by)
        parts: dict[Key, list[Sequence[Any]]] = {}
        query = metrics_sql.categories(metric, scope) if metric.categories else metrics_sql.histogram(metric, scope)
        for row in self.rows(query):
            parts.setdefault(tuple(row[:size]), []).append(row[size:])
        make = _of_categories if metric.categories else _of_slots
        return {key: make(rows) for key, rows in parts.items()}

    def quantiles(self, metric: Metric, scope: Scope) -> dict[Key, tuple[int, float]]:
        """By group, rows and the quantile of the metric."""
        size = len(scope.by)
        query = metrics_sql.quantiles(metric, scope, weighted=self.weighted)
        return {tuple(row[:size]): (int(row[size]), float(row[size + 1])) for row in self.rows(query)}

    def totals(self, metric: Metric, scope: Scope, split: datetime) -> dict[Key, tuple[int, float, int, float]]:
        """By group, rows and sum since `split`, and before it."""
        size = len(scope.by)
        found = self.rows(metrics_sql.totals(metric, scope, split=split))
        return {
            tuple(row[:size]): (int(row[size]), float(row[size + 1]), int(row[size + 2]), float(row[size + 3])) for row in found
        }

    def sample(self, metric: Metric, scope: Scope, size: int) -> list[str]:
        """Some of the texts of a scope."""
        return [str(row[0]) for row in self.rows(metrics_sql.sample(metric, scope, size=size))]


def _of_slots(rows: Sequence[Sequence[Any]]) -> Histogram:
    return Histogram(
        slots={float(row[0]): Slot(low=float(row[1]), high=float(row[2]), n=row[3], w=float(row[4])) for row in rows},
        w2=float(sum(row[5] for row in rows)),
        first=min(row[6] for row in rows),
        last=max(row[7] for row in rows),
    )


def _of_categories(rows: Sequence[Sequence[Any]]) -> Histogram:
    slots: Mapping[float | str, Slot] = {str(row[0]): Slot(low=0.0, high=0.0, n=row[1], w=float(row[2])) for row in rows}
    return Histogram(
        slots=slots,
        w2=float(sum(row[3] for row in rows)),
        first=min(row[4] for row in rows),
        last=max(row[5] for row in rows),
    )
