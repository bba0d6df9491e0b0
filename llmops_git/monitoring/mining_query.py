"""Reads from the store what mining has to know: the requests that something speaks against, and what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmops_git.monitoring.mining import FEWEST, Fence, Live, Wish, upper_fence

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST = 20_000  # requests that are looked at, the newest first
_REQUESTS = """
with per as (
  select trace_id, max(config) as config, max(release) as release, max(digest) as digest, max(environment) as environment,
    coalesce(max(model) filter (where operation in ('chat', 'generate_content', 'text_completion')), '') as model,
    min(start_ns) filter (where root) as start_ns, max(duration_ms) filter (where root) as duration_ms,
    coalesce(max(error) filter (where root), '') as error, sum(cost_usd) as cost_usd,
    list([signal, signal_value::VARCHAR]) filter (where signal <> '') as signals,
    list([scorer, score::VARCHAR, score_label]) filter (where scorer <> '' and score is not null) as scores,
    list(distinct [pack || '/' || rule, guard_side, guard_result]) filter (where guard_result not in ('', 'pass')) as guards
  from spans where dt >= cast(? as DATE) and trace_id in
    (select trace_id from spans where root and dt >= cast(? as DATE) and start_ns >= ? and list_contains(?, config))
  group by trace_id
)
"""
_FENCES = """
select config, count(cost_usd), quantile_cont(cost_usd, [0.25, 0.75]),
  count(duration_ms), quantile_cont(duration_ms, [0.25, 0.75])
from per where error = '' group by config
"""
_FOUND = """
select * from per where error <> '' or signals is not null or scores is not null or guards is not null
  or list_contains(?, trace_id) or {outliers}
order by start_ns desc, trace_id limit ?
"""


def read_live(
    connection: DuckDBPyConnection,
    configs: Sequence[str],
    *,
    since_day: str,
    since_ns: int,
    wishes: Sequence[Wish],
    also: Sequence[str] = (),
) -> tuple[tuple[Live, ...], dict[str, Fence]]:
    """The requests of these configs that began at `since_ns` (nanoseconds since 1970, on the day `since_day`) or later and
    of which there is more to say than that they were served, or whose trace is among `also`; and what is usual, by config."""
    chosen: list[Any] = [since_day, since_day, since_ns, list(configs)]
    fences = {}
    for config, costs, cost, times, latency in connection.execute(_REQUESTS + _FENCES, chosen).fetchall():
        fences[config] = Fence(
            cost=(cost[0], cost[1]) if costs >= FEWEST else None, latency=(latency[0], latency[1]) if times >= FEWEST else None
        )
    outliers, bounds = _outliers(fences, wishes)
    query = _REQUESTS + _FOUND.format(outliers=outliers)
    rows = connection.execute(query, [*chosen, list(also), *bounds, MOST])
    columns = [column[0] for column in rows.description or ()]
    return tuple(_live(dict(zip(columns, row, strict=True))) for row in rows.fetchall()), fences


def _outliers(fences: dict[str, Fence], wishes: Sequence[Wish]) -> tuple[str, list[Any]]:
    """The condition of costing or taking more than is usual, with its parameters."""
    terms = ["false"]
    bounds: list[Any] = []
    for kind, column in (("cost", "cost_usd"), ("latency", "duration_ms")):
        if not any(wish.kind == kind for wish in wishes):
            continue
        for config, fence in fences.items():
            quartiles = fence.cost if kind == "cost" else fence.latency
            if quartiles is not None:
                terms.append(f"(config = ? and {column} > ?)")
                bounds += [config, upper_fence(*quartiles)]
    return " or ".join(terms), bounds


def _live(row: dict[str, Any]) -> Live:
    return Live(
        trace_id=row["trace_id"],
        config=row["config"],
        start_ns=row["start_ns"],
        release=row["release"],
        digest=row["digest"],
        environment=row["environment"],
        model=row["model"],
        error=row["error"],
        cost_usd=row["cost_usd"],
        duration_ms=row["duration_ms"],
        signals=tuple((name, None if value is None else float(value)) for name, value in row["signals"] or ()),
        scores=tuple((name, float(value), label) for name, value, label in row["scores"] or ()),
        guards=tuple((rule, side, result) for rule, side, result in sorted(row["guards"] or ())),
    )
