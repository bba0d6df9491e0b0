"""Finds requests in a store by what happened in them. Every value from outside is a parameter of the query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from llmops_git.errors import LlmopsError
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SHORTEST_PREFIX = 4
_COMPARISON = re.compile(r"\s*([A-Za-z0-9_.\- ]+?)\s*(<=|>=|<|>|=)\s*(-?\d+(?:\.\d+)?)\s*")
_NEAREST = 5
_TRACE_ID = re.compile(r"[0-9a-f]{1,32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A score held against a number, as `faithful<0.5`."""

    name: str
    operator: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which requests. Empty and None mean any; all that is given has to hold. Times are UTC without a zone."""

    config: str = ""
    release: str = ""
    environment: str = ""
    feature: str = ""
    users: tuple[str, ...] = ()
    score: Comparison | None = None
    guardrail: str = ""  # RULE, PACK/RULE, either with =RESULT; without a result: any but pass
    signal: str = ""
    failed: bool = False
    slow_seconds: float | None = None
    expensive_usd: float | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A request in one line. Sums are over all calls in it, None where nobody knows; `guardrails` are those that did not let it
    pass, as (pack, rule, result); `signals` as (name, value); `scores` as (scorer, value, label)."""

    trace_id: str
    time: datetime
    config: str
    release: str
    environment: str
    feature: str
    user: str
    name: str
    seconds: float
    error: str
    spans: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    ttft_seconds: float | None
    guardrails: tuple[tuple[str, str, str], ...]
    signals: tuple[tuple[str, float | None], ...]
    scores: tuple[tuple[str, float | None, str], ...]


def comparison_of(text: str) -> Comparison:
    """Read `faithful<0.5`. Raises ValueError."""
    found = _COMPARISON.fullmatch(text)
    if not found:
        raise ValueError("write SCORER<NUMBER, with <, <=, >, >= or =, as 'faithful<0.5'")
    return Comparison(name=found[1], operator=found[2], value=float(found[3]))


def listed(connection: DuckDBPyConnection, wanted: Wanted, limit: int) -> list[Listed]:
    """The newest requests that are wanted, the newest first."""
    conditions, parameters = _conditions(wanted)
    first = "select dt, ts, trace_id, span_id, config, release, environment, feature, user_id, name, duration_ms, error"
    connection.execute(
        f"create or replace temp table picked as {first} from spans where {' and '.join(conditions)} "
        "order by ts desc, trace_id limit ?",
        [*parameters, limit],
    )
    found = connection.execute(_TOLD)
    columns = [column[0] for column in found.description or ()]
    return [_listed(dict(zip(columns, row, strict=True))) for row in found.fetchall()]


_TOLD = """
with told as (
  select trace_id, count(*) as spans, sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
    sum(cost_usd) as cost_usd, arg_min(ttft_ms, start_ns) as ttft_ms, max(error) as error,
    list({'p': pack, 'r': rule, 'o': guard_result} order by start_ns)
      filter (guard_result not in ('', 'pass')) as guardrails,
    list({'n': signal, 'v': signal_value} order by start_ns) filter (signal <> '') as signals,
    list({'n': scorer, 'v': score, 'l': score_label} order by start_ns) filter (scorer <> '') as scores
  from spans where dt >= (select min(dt) from picked) and trace_id in (select trace_id from picked) group by trace_id
)
select picked.* exclude (error, dt), told.* exclude (trace_id, error),
  case when picked.error <> '' then picked.error else told.error end as error
from picked join told using (trace_id) order by ts desc, trace_id
"""


def _conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    """What holds of a root, and of its trace."""
    conditions: list[str] = ["root"]
    parameters: list[Any] = []

    def where(condition: str, *values: Any) -> None:
        conditions.append(condition)
        parameters.extend(values)

    # nothing of a trace is before the day its root began on, clocks aside
    later = "" if wanted.since is None else f"dt >= date '{wanted.since:%Y-%m-%d}' - 1 and "

    def has(condition: str, *values: Any) -> None:
        where(f"trace_id in (select trace_id from spans where {later}{condition})", *values)  # noqa: S608

    if wanted.since is not None:
        where("dt >= ? and ts >= ?", wanted.since.date(), wanted.since)
    if wanted.until is not None:
        where("dt <= ? and ts < ?", wanted.until.date(), wanted.until)
    if wanted.config:
        where("config = ?", wanted.config)
    if wanted.release:
        where("(release = ? or ends_with(release, ?))", wanted.release, f"/{wanted.release}")
    if wanted.environment:
        where("environment = ?", wanted.environment)
    if wanted.feature:
        where("feature = ?", wanted.feature)
    if wanted.users:
        where(f"user_id in ({', '.join('?' * len(wanted.users))})", *wanted.users)
    if wanted.slow_seconds is not None:
        where("duration_ms >= ?", wanted.slow_seconds * 1000)
    if wanted.failed:
        has("error <> ''")
    if wanted.signal:
        has("signal = ?", wanted.signal)
    if wanted.score is not None:
        has(f"scorer = ? and score {wanted.score.operator} ?", wanted.score.name, wanted.score.value)
    if wanted.guardrail:
        has(*_guardrail(wanted.guardrail))
    if wanted.expensive_usd is not None:
        has("cost_usd is not null group by trace_id having sum(cost_usd) >= ?", wanted.expensive_usd)
    return conditions, parameters


def _guardrail(text: str) -> tuple[str, ...]:
    rule, _, result = text.partition("=")
    pack, slash, name = rule.rpartition("/")
    conditions = [f"operation = '{names.APPLY_GUARDRAIL}'", "rule = ?"]
    values = [name]
    if slash:
        conditions.append("pack = ?")
        values.append(pack)
    if result:
        conditions.append("guard_result = ?")
        values.append(result)
    else:
        conditions.append("guard_result <> 'pass'")
    return (" and ".join(conditions), *values)


def _listed(row: dict[str, Any]) -> Listed:
    return Listed(
        trace_id=row["trace_id"],
        time=row["ts"],
        config=row["config"],
        release=row["release"],
        environment=row["environment"],
        feature=row["feature"],
        user=row["user_id"],
        name=row["name"],
        seconds=row["duration_ms"] / 1000,
        error=row["error"],
        spans=row["spans"],
        input_tokens=None if row["input_tokens"] is None else int(row["input_tokens"]),
        output_tokens=None if row["output_tokens"] is None else int(row["output_tokens"]),
        cost_usd=row["cost_usd"],
        ttft_seconds=None if row["ttft_ms"] is None else row["ttft_ms"] / 1000,
        guardrails=tuple((one["p"], one["r"], one["o"]) for one in row["guardrails"] or ()),
        signals=tuple((one["n"], one["v"]) for one in row["signals"] or ()),
        scores=tuple((one["n"], one["v"], one["l"]) for one in row["scores"] or ()),
    )


def trace_id_of(connection: DuckDBPyConnection, prefix: str) -> str:
    """The id of the one trace that begins so. Raises LlmopsError where there is none, or more than one."""
    wanted = prefix.strip().lower()
    if not _TRACE_ID.fullmatch(wanted):
        raise LlmopsError(f"{prefix[:80]!r} is no id of a trace", hint="llmops-git traces list shows ids")
    if len(wanted) < SHORTEST_PREFIX:
        raise LlmopsError(f"{wanted!r} is too short for the beginning of an id", hint=f"give at least {SHORTEST_PREFIX} digits")
    rows = connection.execute(
        "select distinct trace_id from spans where starts_with(trace_id, ?) order by 1 limit ?", [wanted, _NEAREST]
    ).fetchall()
    found = [row[0] for row in rows]
    if wanted in found:
        return wanted
    if not found:
        raise LlmopsError(f"there is no trace {wanted}", hint="llmops-git traces ingest reads in what is new")
    if len(found) > 1:
        raise LlmopsError(
            f"several traces begin with {wanted}", hint="they are: " + ", ".join(one[: len(wanted) + 4] for one in found)
        )
    return str(found[0])
