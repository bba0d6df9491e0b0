"""The metrics in ClickHouse's dialect: the same SQL, translated by sqlglot; few functions that mean another thing are mended.

Values stay parameters: `{p0: String}` in the text, escaped as ClickHouse reads them (TabSeparated).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from llmops_git.errors import LlmopsError
from llmops_git.monitoring.columns import COLUMNS
from llmops_git.monitoring.metrics_sql import Query, utc

EXTRA = 'pip install "llmops-git[clickhouse]"'
SETTINGS = {
    "join_use_nulls": "1",  # what a LEFT JOIN does not find is NULL, and not an empty value
    "aggregate_functions_null_for_empty": "1",  # a sum of nothing is NULL
    "prefer_column_name_to_alias": "1",  # an alias hides no column
    "output_format_json_quote_64bit_integers": "0",
    "output_format_json_quote_decimals": "0",
    "output_format_json_quote_denormals": "0",
}
# counts of tokens are Float64 too: ClickHouse has no type that holds both a whole number and a fraction
_TYPES = {"VARCHAR": "String", "BOOLEAN": "Bool", "DOUBLE": "Nullable(Float64)", "BIGINT": "Nullable(Float64)"}
_NEVER_NULL = {"ts": "DateTime64(6, 'UTC')", "start_ns": "Int64", "duration_ms": "Float64", "weight": "Float64"}
_FEW_VALUES = frozenset(
    {"operation", "service", "environment", "config", "release", "digest", "feature", "provider", "model", "response_model"}
    | {"finish_reason", "pack", "pack_version", "rule", "guard_side", "guard_result", "tool", "signal", "scorer"}
    | {"score_label", "eval_digest"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query as ClickHouse takes it: the text, and its parameters by name, escaped."""

    sql: str
    parameters: dict[str, str]


def asked(query: Query) -> Asked:
    """A query of the metrics, translated. Raises LlmopsError where sqlglot is not installed."""
    types = tuple(_type_of(value) for value in query.parameters)
    values = {f"p{number}": _escaped(value) for number, value in enumerate(query.parameters)}
    return Asked(sql=_translated(query.sql, types), parameters=values)


def table_ddl(name: str = "spans") -> str:
    """The table that holds the columns of the store's view."""
    lines = ["    dt Date"]
    for column, kind in COLUMNS.items():
        known = _NEVER_NULL.get(column) or ("LowCardinality(String)" if column in _FEW_VALUES else _TYPES[kind])
        lines.append(f"    {column} {known}")
    columns = ",\n".join(lines)
    order = "(dt, config, operation, ts)"
    return (
        f"CREATE TABLE IF NOT EXISTS {name}\n(\n{columns}\n)\nENGINE = MergeTree\nPARTITION BY toYYYYMM(dt)\nORDER BY {order}"
    )


def load_sql(files: str, name: str = "spans") -> str:
    """Loads Parquet files of a store; `files` is a table function of ClickHouse, as `s3('https://…/spans/dt=*/*.parquet')`."""
    columns = ", ".join(COLUMNS)
    return f"INSERT INTO {name} (dt, {columns})\nSELECT toDate(ts) AS dt, {columns}\nFROM {files}"


@lru_cache(maxsize=512)
def _translated(sql: str, types: tuple[str, ...]) -> str:
    try:
        from sqlglot import exp, parse_one
    except ModuleNotFoundError:
        raise LlmopsError("ClickHouse needs sqlglot, which is not installed", hint=EXTRA) from None

    tree = parse_one(_numbered(sql), read="duckdb")
    for mark in list(tree.find_all(exp.Placeholder)):
        kind = exp.DataType.build(types[int(mark.name.removeprefix("p"))], dialect="clickhouse")
        mark.replace(exp.Placeholder(this=mark.name, kind=kind))
    for found in list(tree.find_all(exp.PercentileCont)):
        # DuckDB's quantile_cont: linear between the two nearest of n - 1 steps. ClickHouse's `quantile` draws a sample.
        exact = exp.ParameterizedAgg(this="quantileExactInclusive", expressions=[found.expression], params=[found.this])
        found.replace(exact)
    for cut in list(tree.find_all(exp.TimestampTrunc, exp.DateTrunc)):  # weeks and months come as days without a time
        moment = exp.Anonymous(this="toDateTime64", expressions=[cut.copy(), exp.Literal.number(6), exp.Literal.string("UTC")])
        cut.replace(moment)
    return tree.sql(dialect="clickhouse")


def _numbered(sql: str) -> str:
    """The question marks as `:p0`, `:p1` and so on: a parsed tree does not keep their order. No constant of ours holds one."""
    first, *rest = sql.split("?")
    return first + "".join(f":p{number}{part}" for number, part in enumerate(rest))


def _type_of(value: Any) -> str:
    if isinstance(value, datetime):
        return "DateTime64(6, 'UTC')"
    if isinstance(value, date):
        return "Date"
    if isinstance(value, bool):
        return "Bool"
    if isinstance(value, int):
        return "Int64"
    return "Float64" if isinstance(value, float) else "String"


def _escaped(value: Any) -> str:
    if isinstance(value, datetime):
        return utc(value).strftime("%Y-%m-%d %H:%M:%S.%f")
    text = str(value)
    for character, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), ("\0", "\\0")):
        text = text.replace(character, written)
    return text
