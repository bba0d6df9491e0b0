"""What a dashboard asks the store besides the series of its metrics: what there is, who used it, and which traces to look at.

Like all SQL here: constants of the program, with every value from outside as a parameter.
"""

# ruff: noqa: S608  # what becomes SQL are constants of these modules
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from llmops_git.monitoring.board.values import Panel
from llmops_git.monitoring.metrics_rows import IS_BILLED, IS_CALL, IS_GUARD, IS_SCORE, IS_SIGNAL, IS_TOOL, REFUSED
from llmops_git.monitoring.metrics_sql import Query, utc
from llmops_git.traces import attributes as names

USERS = 200
EXAMPLES = 2  # of each point
MOST_EXAMPLES = 1_500  # of one kind; what is newest
_REFUSED = f"finish_reason IN ({', '.join(repr(word) for word in REFUSED)})"

_NEWEST = ("max_by", "ts")

_PICKS = {  # name -> which spans, what is shown of them, which come first
    "newest": ("root", "duration_ms", _NEWEST),
    "slow": ("root", "duration_ms", ("max_by", "duration_ms")),
    "error": ("root AND error <> ''", "duration_ms", _NEWEST),
    "first token": (f"{IS_CALL} AND ttft_ms IS NOT NULL", "ttft_ms", ("max_by", "ttft_ms")),
    "cost": (f"{IS_BILLED} AND cost_usd IS NOT NULL", "cost_usd", ("max_by", "cost_usd")),
    "input": (f"{IS_BILLED} AND input_tokens IS NOT NULL", "input_tokens", ("max_by", "input_tokens")),
    "output": (f"{IS_BILLED} AND output_tokens IS NOT NULL", "output_tokens", ("max_by", "output_tokens")),
    "refused": (f"{IS_CALL} AND {_REFUSED}", "duration_ms", _NEWEST),
    "tool": (f"{IS_TOOL} AND error <> ''", "duration_ms", _NEWEST),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time that is looked at, of one environment or ("") of all."""

    since: datetime
    until: datetime
    environment: str = ""

    @property
    def where(self) -> Mapping[str, tuple[str, ...]]:
        """The filter of a metric's scope."""
        return {"environment": (self.environment,)} if self.environment else {}

    @property
    def condition(self) -> str:
        times = "ts >= ? AND ts < ? AND dt >= ? AND dt <= ?"
        return f"{times} AND environment = ?" if self.environment else times

    @property
    def bound(self) -> tuple[Any, ...]:
        """The parameters of `condition`."""
        since, until = utc(self.since), utc(self.until)
        times = (since, until, since.date(), until.date())
        return (*times, self.environment) if self.environment else times


def overview(span: Span) -> Query:
    """One row: spans, whether weights differ, and how many first tokens, costs and tool calls are known."""
    sql = (
        "SELECT count(*) AS spans, min(weight) <> max(weight) AS weighted, count(ttft_ms) AS first_tokens,"
        f" count(CASE WHEN {IS_BILLED} THEN cost_usd END) AS costs, sum(CASE WHEN {IS_TOOL} THEN 1 ELSE 0 END) AS tools"
        f" FROM spans WHERE {span.condition}"
    )
    return Query(sql=sql, parameters=span.bound, columns=("spans", "weighted", "first_tokens", "costs", "tools"))


def first(span: Span) -> Query:
    """One row: when the first span began; null where there is none."""
    return Query(sql=f"SELECT min(ts) AS ts FROM spans WHERE {span.condition}", parameters=span.bound, columns=("ts",))


def found(span: Span) -> Query:
    """What there is of scorers, signals and rules, busiest first."""
    wanted = (names.EVALUATE, names.GIVE_SIGNAL, names.APPLY_GUARDRAIL)
    sql = (
        "SELECT operation, scorer, signal, pack, rule, count(*) AS n FROM spans"
        f" WHERE operation IN (?, ?, ?) AND {span.condition}"
        " GROUP BY operation, scorer, signal, pack, rule ORDER BY n DESC, scorer, signal, pack, rule"
    )
    columns = ("operation", "scorer", "signal", "pack", "rule", "n")
    return Query(sql=sql, parameters=(*wanted, *span.bound), columns=columns)


def traffic(span: Span) -> Query:
    """Requests of each config, release and feature: how many, the first and the last."""
    sql = (
        "SELECT config, release, feature, sum(weight) AS requests, min(ts) AS first_ts, max(ts) AS last_ts FROM spans"
        f" WHERE root AND {span.condition} GROUP BY config, release, feature ORDER BY config, first_ts, release, feature"
    )
    columns = ("config", "release", "feature", "requests", "first_ts", "last_ts")
    return Query(sql=sql, parameters=span.bound, columns=columns)


def users(span: Span) -> Query:
    """The users that cost most, then those that asked most. Tokens and dollars are of billed calls only."""
    sql = (
        "SELECT config, user_id, sum(CASE WHEN root THEN weight ELSE 0 END) AS requests,"
        " sum(CASE WHEN root AND error <> '' THEN weight ELSE 0 END) AS errors,"
        f" sum(CASE WHEN {IS_BILLED} THEN weight * cost_usd END) AS usd,"
        f" sum(CASE WHEN {IS_BILLED} AND coalesce(input_tokens, output_tokens) IS NOT NULL"
        "  THEN weight * (coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) END) AS tokens,"
        f" sum(CASE WHEN {IS_SIGNAL} THEN weight ELSE 0 END) AS downs FROM spans"
        f" WHERE user_id <> '' AND {span.condition} GROUP BY config, user_id"
        f" ORDER BY coalesce(usd, 0) DESC, requests DESC, config, user_id LIMIT {USERS}"
    )
    columns = ("config", "user_id", "requests", "errors", "usd", "tokens", "downs")
    return Query(sql=sql, parameters=("thumbs_down", *span.bound), columns=columns)


def examples(panel: Panel, bucket: str, span: Span) -> Query:
    """For each bucket, config, release and feature the traces that a point of the panel leads to, newest buckets first."""
    where, value, first, bound = _pick(panel)
    cell = "config, release, feature, moment"
    best = f"{first[0]}(struct_pack(trace_id := trace_id, ts := ts, v := {value}), {first[1]}, {EXAMPLES}) AS best"
    inner = (
        f"SELECT config, release, feature, date_trunc('{bucket}', ts) AS moment, {best} FROM spans"
        f" WHERE {where} AND {span.condition} GROUP BY {cell}"
    )
    flat = f"SELECT {cell}, unnest(best) AS one FROM ({inner}) AS chosen"
    sql = (
        f"SELECT {cell}, one.trace_id, one.ts, one.v FROM ({flat}) AS listed"
        f" ORDER BY moment DESC, config, release, feature, one.ts DESC, one.trace_id LIMIT {MOST_EXAMPLES}"
    )
    columns = ("config", "release", "feature", "moment", "trace_id", "ts", "v")
    return Query(sql=sql, parameters=(*bound, *span.bound), columns=columns)


def _pick(panel: Panel) -> tuple[str, str, tuple[str, str], tuple[str, ...]]:
    if panel.rule is not None:
        return f"{IS_GUARD} AND pack = ? AND rule = ? AND guard_result <> 'pass'", "duration_ms", _NEWEST, panel.rule
    family, _, name = panel.pick.partition(":")
    if family == "score":
        return IS_SCORE, "score", ("min_by", "score"), (name,)
    if family == "signal":
        return IS_SIGNAL, "signal_value", _NEWEST, (name,)
    where, value, first = _PICKS[panel.pick]
    return where, value, first, ()


def steps(count: int) -> str:
    """The spans of `count` traces, whose ids are the parameters: no texts, so that a page can be shown to many."""
    marks = ", ".join("?" for _ in range(count))
    return (
        "SELECT trace_id, span_id, parent_id, name, duration_ms, error, input_tokens, output_tokens, cost_usd, ttft_ms,"
        " guard_result, score, signal_value, finish_reason, operation"
        f" FROM spans WHERE trace_id IN ({marks}) AND dt >= ? AND dt <= ? ORDER BY trace_id, start_ns, span_id"
    )
