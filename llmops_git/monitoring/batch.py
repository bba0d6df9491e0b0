"""One batch of rows into Parquet files by day, in DuckDB: without what is there already, with what traces' roots say."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.monitoring.columns import COLUMNS, INHERITED
from llmops_git.monitoring.manifest import Manifest, SpanFile
from llmops_git.monitoring.store import SPANS, Store, quoted
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DAY_NS = 86_400 * 1_000_000_000
ROW_GROUP = 61_440
WAITING = f"config = '' and not (root and operation = {quoted(names.INVOKE_WORKFLOW)})"  # a root may still come
_COMPUTED = ("root", "ts")
_NO_REQUEST = (names.GIVE_SIGNAL, names.EVALUATE)  # what is said of a request is none, also where its parent is unknown


_TOLD = f"trace_id, root, start_ns, {', '.join(INHERITED)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a batch became: files in the store that the manifest does not name yet, and how many spans were there already."""

    files: Mapping[str, SpanFile] = field(default_factory=dict)
    duplicates: int = 0


def write_batch(store: Store, manifest: Manifest, rows: Path, folder: Path, without: Iterable[str] = ()) -> Written:
    """Write a file of rows (JSON lines, sparse) into the store; `folder` is for temporary files, `without` are traces to leave
    out. The files count when they are committed."""
    with store.bare_connection() as connection:
        connection.execute(f"set temp_directory = {quoted(str(folder))}; set threads = 1")  # a second one saves little time
        _load(connection, rows)
        _leave_out(connection, without)
        duplicates = _drop_known(connection, store, manifest)
        _mark_roots(connection)
        if count(connection, "batch where config = ''"):
            _inherit(connection, store, manifest)
        return Written(files=_write_days(connection, store, folder), duplicates=duplicates)


def _load(connection: DuckDBPyConnection, rows: Path) -> None:
    given = {name: kind for name, kind in COLUMNS.items() if name not in _COMPUTED}
    read = ", ".join(f"{name}: '{kind}'" for name, kind in given.items())
    filled = {name: f"coalesce({name}, '') as {name}" for name, kind in given.items() if kind == "VARCHAR"}
    filled["weight"] = "case when config is null then weight else coalesce(weight, 1) end as weight"
    chosen = ", ".join(filled.get(name, name) for name in given)
    connection.execute(
        f"create temp table batch as select {chosen}, operation = {quoted(names.INVOKE_WORKFLOW)} is true as root "  # noqa: S608
        f"from read_json({quoted(str(rows))}, format = 'newline_delimited', columns = {{{read}}})"
    )


def _leave_out(connection: DuckDBPyConnection, traces: Iterable[str]) -> None:
    for trace in traces:
        connection.execute("delete from batch where trace_id = ?", [trace])


def _drop_known(connection: DuckDBPyConnection, store: Store, manifest: Manifest) -> int:
    """Delete what the store has. A span that comes again began when it began: only files of that time are looked at."""
    before = count(connection, "batch")
    first, last = connection.execute("select min(start_ns), max(start_ns) from batch").fetchone() or (None, None)
    known = files_near(store, manifest, first, last)
    if known:
        connection.execute(
            f"delete from batch where (trace_id, span_id) in "  # noqa: S608
            f"(select (trace_id, span_id) from read_parquet({known}) where start_ns between {first} and {last})"
        )
    return before - count(connection, "batch")


def files_near(store: Store, manifest: Manifest, first: int | None, last: int | None, margin: int = 0) -> str:
    """The files with spans of some time, as a list in SQL; "" where there are none."""
    if first is None or last is None:
        return ""
    found = [name for name, file in manifest.files.items() if file.first_ns <= last + margin and file.last_ns >= first - margin]
    return f"[{', '.join(quoted(store.files.address(name)) for name in found)}]" if found else ""


def _mark_roots(connection: DuckDBPyConnection) -> None:
    """What is a request. Other writers nest workflows in workflows, and some write none at all."""
    workflow = quoted(names.INVOKE_WORKFLOW)
    if count(connection, f"batch where operation = {workflow} and config = ''"):
        connection.execute(
            f"""update batch set root = false where operation = {workflow} and config = '' and (trace_id, span_id) not in (
              select (trace_id, arg_min(span_id, (config = '', parent_id <> '', start_ns)))
              from batch where operation = {workflow} group by trace_id)"""  # noqa: S608
        )
    odd = f"parent_id = '' and operation not in ({workflow}, {', '.join(map(quoted, _NO_REQUEST))})"
    if count(connection, f"batch where {odd}"):
        connection.execute(
            f"update batch set root = true where {odd} and trace_id not in "  # noqa: S608
            f"(select trace_id from batch where operation = {workflow})"
        )


def _inherit(connection: DuckDBPyConnection, store: Store, manifest: Manifest) -> None:
    """Give the spans of other writers what the root of their trace says: one of this batch, or one that was read before."""
    first, last = connection.execute("select min(start_ns), max(start_ns) from batch where config = ''").fetchone() or (0, 0)
    sources = [f"select {_TOLD} from batch where root or config <> ''"]  # noqa: S608
    if known := files_near(store, manifest, first, last, margin=DAY_NS):
        sources.append(told_by(known, "batch"))
    inherit_from(connection, "batch", " union all ".join(sources))


def told_by(files: str, waiting: str) -> str:
    """The query for what spans in some files say of the traces that wait in a table: roots, and spans that know a config."""
    knows = f"config <> '' or (root and operation = {quoted(names.INVOKE_WORKFLOW)})"
    waits = f"select trace_id from {waiting} where config = ''"  # noqa: S608
    return f"select {_TOLD} from read_parquet({files}) where ({knows}) and trace_id in ({waits})"  # noqa: S608


def inherit_from(connection: DuckDBPyConnection, table: str, sources: str) -> None:
    """Fill what is empty in a table from the rows of a query: those of a trace's root, or of its first span that knows."""
    packed = ", ".join(f"{name} := {name}" for name in INHERITED)
    connection.execute(
        f"create or replace temp table told as select trace_id, "  # noqa: S608
        f"arg_min(struct_pack({packed}), (config = '', not root, start_ns)) as said from ({sources}) group by trace_id"
    )
    filled = ", ".join(
        f"{name} = case when {table}.{name} = '' then told.said.{name} else {table}.{name} end"
        for name in INHERITED
        if COLUMNS[name] == "VARCHAR"
    )
    connection.execute(
        f"update {table} set {filled}, weight = coalesce({table}.weight, told.said.weight) from told "  # noqa: S608
        f"where told.trace_id = {table}.trace_id and {table}.config = ''"
    )


def _write_days(connection: DuckDBPyConnection, store: Store, folder: Path) -> dict[str, SpanFile]:
    days = connection.execute(
        f"select start_ns // {DAY_NS}, count(*), min(start_ns), max(start_ns), "  # noqa: S608
        f"count(*) filter ({WAITING}) from batch group by 1 order by 1"
    ).fetchall()
    written: dict[str, SpanFile] = {}
    for day, rows, first, last, orphans in days:
        name = span_file_name(day)
        part = folder / name.rpartition("/")[2]
        copy_sorted(connection, f"select * from batch where start_ns between {first} and {last}", part)  # noqa: S608
        size = part.stat().st_size
        store.files.take(part, name)
        written[name] = SpanFile(rows=rows, bytes=size, first_ns=first, last_ns=last, orphans=orphans)
    return written


def span_file_name(day: int) -> str:
    """A new name for spans of a day, which is counted from 1970."""
    moment = datetime.fromtimestamp(day * 86_400, tz=UTC)
    return f"{SPANS}/dt={moment:%Y-%m-%d}/{secrets.token_hex(8)}.parquet"


def copy_sorted(connection: DuckDBPyConnection, query: str, file: Path) -> None:
    """Write the rows of a query (all columns but the computed ones) as Parquet, in the order of time."""
    chosen = {
        "ts": "make_timestamp(start_ns // 1000) as ts",
        "weight": "coalesce(weight, 1) as weight",
    }
    columns = ", ".join(chosen.get(name, name) for name in COLUMNS)
    connection.execute(
        f"copy (select {columns} from ({query}) order by start_ns) to {quoted(str(file))} "  # noqa: S608
        f"(format parquet, compression zstd, row_group_size {ROW_GROUP})"
    )


def count(connection: DuckDBPyConnection, what: str) -> int:
    """How many rows a table has, where a condition holds if `what` has one."""
    found = connection.execute(f"select count(*) from {what}").fetchone()  # noqa: S608
    return int(found[0]) if found else 0
