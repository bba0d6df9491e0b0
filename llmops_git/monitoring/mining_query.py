"""Reads from the store what mining has to know: the requests that something speaks against, and what is usual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from llmops_git.monitoring.columns import span_of_row
from llmops_git.monitoring.mining import FEWEST, NEGATIVE, Fence, Live, Wish, upper_fence
from llmops_git.traces.span import Span

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST = 20_000  # failing requests that are looked at, the newest first
_AT_ONCE = 40  # traces that are read with one query
_REQUESTS = """
with per as (
  select trace_id, max(config) as config, max(release) as release, max(digest) as digest, max(environment) as environment,
    coalesce(max(model) filter (where operation in ('chat', 'generate_content', 'text_completion')), '') as model,
    min(start_ns) filter (where root) as start_ns, max(duration_ms) filter (where root) as duration_ms,
    coalesce(max(error) filter (where root), '') as error, sum(cost_usd) as cost_usd,
    list([signal, signal_value::VARCHAR]) filter (where signal <> '') as signals,
    coalesce(list(distinct signal) filter (where signal <> ''), []) as signal_names, min(signal_value) as signal_value,
    list([scorer, score::VARCHAR, score_label]) filter (where scorer <> '' and score is not null) as scores,
    min(score) filter (where scorer <> '' and not list_contains(?, scorer)) as score,
    list(distinct [pack || '/' || rule, guard_side, guard_result]) filter (where guard_result not in ('', 'pass')) as guards,
    count(*) filter (where guard_result in ('flag', 'shadow', 'error')) as odd_guards
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
_FOUND = "select * from per where list_contains(?, trace_id) or {failing} order by start_ns desc, trace_id limit ?"


def read_live(
    connection: DuckDBPyConnection,
    configs: Sequence[str],
    *,
    since_day: str,
    since_ns: int,
    wishes: Sequence[Wish],
    also: Sequence[str] = (),
    lower_is_better: frozenset[str] = frozenset(),
) -> tuple[tuple[Live, ...], dict[str, Fence]]:
    """The requests of these configs that began at `since_ns` (nanoseconds since 1970, on the day `since_day`) or later and
    against which one of the wishes may speak, or whose trace is among `also`; and what is usual, by config. Scorers in
    `lower_is_better` count only where a wish names them."""
    ignored = sorted(lower_is_better - {wish.name for wish in wishes})
    chosen: list[Any] = [ignored, since_day, since_day, since_ns, list(configs)]
    fences = {}
    for config, costs, cost, times, latency in connection.execute(_REQUESTS + _FENCES, chosen).fetchall():
        fences[config] = Fence(
            cost=(cost[0], cost[1]) if costs >= FEWEST else None, latency=(latency[0], latency[1]) if times >= FEWEST else None
        )
    terms, bounds = _failing(wishes, fences)
    query = _REQUESTS + _FOUND.format(failing=" or ".join(terms))
    rows = connection.execute(query, [*chosen, list(also), *bounds, MOST])
    columns = [column[0] for column in rows.description or ()]
    return tuple(_live(dict(zip(columns, row, strict=True))) for row in rows.fetchall()), fences


def read_traces(
    connection: DuckDBPyConnection, traces: Sequence[str], *, since_day: str
) -> Iterator[tuple[str, tuple[Span, ...]]]:
    """The spans of traces that began on that day or later, in the order asked for; read some at a time, as they are needed."""
    for start in range(0, len(traces), _AT_ONCE):
        group = traces[start : start + _AT_ONCE]
        query = "select * from spans where dt >= cast(? as DATE) and list_contains(?, trace_id) order by start_ns, span_id"
        rows = connection.execute(query, [since_day, list(group)])
        columns = [column[0] for column in rows.description or ()]
        found: dict[str, list[Span]] = {trace: [] for trace in group}
        for row in rows.fetchall():
            span = span_of_row(dict(zip(columns, row, strict=True)))
            found[span.trace_id].append(span)
        yield from ((trace, tuple(spans)) for trace, spans in found.items())


def _failing(wishes: Sequence[Wish], fences: Mapping[str, Fence]) -> tuple[list[str], list[Any]]:
    """The conditions under which a wish may speak against a request, with their parameters. `mining` decides."""
    terms = ["false"]
    bounds: list[Any] = []
    for wish in wishes:
        if wish.kind == "error":
            terms.append("error <> ''")
        elif wish.kind == "guardrail":
            terms.append("odd_guards > 0")
        elif wish.kind == "score":
            terms.append("score < ?")
            bounds.append(wish.below)
        elif wish.kind == "signal":
            terms.append("list_has_any(signal_names, ?)" if wish.name else "list_has_any(signal_names, ?) or signal_value < 0")
            bounds.append([wish.name] if wish.name else list(NEGATIVE))
        else:
            column = "cost_usd" if wish.kind == "cost" else "duration_ms"
            for config, fence in fences.items():
                quartiles = fence.cost if wish.kind == "cost" else fence.latency
                if quartiles is not None:
                    terms.append(f"(config = ? and {column} > ?)")
                    bounds += [config, upper_fence(*quartiles)]
    return terms, bounds


def _live(row: Mapping[str, Any]) -> Live:
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
