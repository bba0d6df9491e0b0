"""Merges the small files of a day, and sets right what came in the wrong order: children that were read before their root."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.monitoring.batch import DAY_NS, WAITING, copy_sorted, count, files_near, inherit_from, span_file_name, told_by
from llmops_git.monitoring.columns import COLUMNS
from llmops_git.monitoring.files import LocalFiles, writing
from llmops_git.monitoring.ingest import working_folder
from llmops_git.monitoring.manifest import Manifest, SpanFile, day_of
from llmops_git.monitoring.store import GRACE_SECONDS, QUARANTINE, SPANS, Store, quoted
from llmops_git.traces import attributes as names

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BIG_BYTES = 256 << 20  # a file of that size is not merged again
MANY_FILES = 16  # of a day: then an ingest merges them itself
LATE_NS = 7 * DAY_NS  # a root that comes later than that is not waited for
_STRAY_SECONDS = 86_400


@dataclass(slots=True, kw_only=True)
class Compacted:
    """What was done: files before and after in the days that were rewritten, and spans that got what their root says."""

    days: int = 0
    files_before: int = 0
    files_after: int = 0
    duplicates: int = 0
    repaired: int = 0


def compact(store: Store, *, now_ns: int, days: Iterable[str] | None = None, at_least: int = 2) -> Compacted:
    """Rewrite the days (all, or those named) that have at least so many files, or spans whose root has come since.

    Each day is one commit: killed in between, the days before it are done. Raises LlmopsError.
    """
    result = Compacted()
    wanted = None if days is None else set(days)
    with writing(store.files), working_folder(store) as folder:
        manifest = _swept(store, store.manifest(), now_ns)
        for day in sorted({day_of(name) for name in manifest.files}):
            if wanted is not None and day not in wanted:
                continue
            names_of_day = [name for name in manifest.files if day_of(name) == day]
            small = [name for name in names_of_day if manifest.files[name].bytes < BIG_BYTES]
            late = [name for name in names_of_day if _waits(manifest.files[name], now_ns)]
            merged = sorted({*(small if len(small) >= at_least else ()), *_answered(store, manifest, late)})
            if merged:
                manifest = _rewrite(store, manifest, merged, folder, now_ns, result)
    return result


def _waits(file: SpanFile, now_ns: int) -> bool:
    return file.orphans > 0 and file.last_ns > now_ns - LATE_NS


def _answered(store: Store, manifest: Manifest, late: list[str]) -> list[str]:
    """Those of some files with spans that wait for a root, whose root is there now."""
    found = []
    with store.bare_connection() as connection:
        for name in late:
            file = manifest.files[name]
            near = files_near(store, manifest, file.first_ns, file.last_ns, margin=DAY_NS)
            here = f"read_parquet({quoted(store.files.address(name))})"
            answered = f"{here} where {WAITING} and trace_id in (select trace_id from ({told_by(near, here)}))"  # noqa: S608
            if count(connection, answered):
                found.append(name)
    return found


def _rewrite(store: Store, manifest: Manifest, merged: list[str], folder: Path, now_ns: int, result: Compacted) -> Manifest:
    first = min(manifest.files[name].first_ns for name in merged)
    last = max(manifest.files[name].last_ns for name in merged)
    listed = ", ".join(quoted(store.files.address(name)) for name in merged)
    near = files_near(store, manifest, first, last, margin=DAY_NS)
    with store.bare_connection() as connection:
        connection.execute(f"set temp_directory = {quoted(str(folder))}")
        # what a root says of its weight is for spans that say nothing themselves
        chosen = {"weight": "case when config = '' and weight = 1 then null else weight end as weight"}
        connection.execute(
            f"create temp table batch as select {', '.join(chosen.get(name, name) for name in COLUMNS)} "  # noqa: S608
            f"from read_parquet([{listed}], hive_partitioning = false) "
            "qualify row_number() over (partition by trace_id, span_id order by start_ns) = 1"
        )
        before = sum(manifest.files[name].rows for name in merged)
        rows = count(connection, "batch")
        if any(manifest.files[name].orphans for name in merged):
            result.repaired += _repair(connection, near)
        orphans = count(connection, f"batch where {WAITING}")
        part = folder / "day.parquet"
        copy_sorted(connection, "select * from batch", part)
    name = span_file_name(first // DAY_NS)
    file = SpanFile(rows=rows, bytes=part.stat().st_size, first_ns=first, last_ns=last, orphans=orphans)
    store.files.take(part, name)
    retired = {**manifest.retired, **dict.fromkeys(merged, now_ns / 1e9)}  # who reads them now may finish
    changed = manifest.changed(add={name: file}, drop=merged, retired=retired)
    store.commit(changed)
    result.days += 1
    result.files_before += len(merged)
    result.files_after += 1
    result.duplicates += before - rows
    return changed


def _repair(connection: DuckDBPyConnection, near: str) -> int:
    """Fill what is empty from roots that came later, and unmark what stood in for them; how many spans that changed."""
    workflow = quoted(names.INVOKE_WORKFLOW)
    waiting = count(connection, f"batch where {WAITING}")
    inherit_from(connection, "batch", told_by(near, "batch"))
    requests = f"select trace_id from read_parquet({near}) where operation = {workflow}"  # noqa: S608
    connection.execute(
        f"update batch set root = false where root and trace_id in ({requests} and config <> '') "  # noqa: S608
        f"and trace_id || span_id not in (select trace_id || span_id from read_parquet({near}) "
        f"where operation = {workflow} and config <> '')"
    )
    connection.execute(f"update batch set root = false where root and operation <> {workflow} and trace_id in ({requests})")  # noqa: S608
    return waiting - count(connection, f"batch where {WAITING}")


def _swept(store: Store, manifest: Manifest, now_ns: int) -> Manifest:
    """Delete what the manifest does not name: left by a writer that was killed, or replaced long enough ago."""
    now = now_ns / 1e9
    kept = {name: since for name, since in manifest.retired.items() if since > now - GRACE_SECONDS}
    local = isinstance(store.files, LocalFiles)
    known = {*manifest.files, *kept, *manifest.quarantined}
    for name in (*store.files.names(SPANS), *store.files.names(QUARANTINE)):
        # elsewhere another writer may have put it there a moment ago
        if name not in known and (local or store.files.modified(name) < now - _STRAY_SECONDS or name in manifest.retired):
            store.files.remove(name)
    if kept == dict(manifest.retired):
        return manifest
    changed = manifest.changed(retired=kept)
    store.commit(changed)
    return changed
