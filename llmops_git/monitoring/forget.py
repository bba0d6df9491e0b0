"""Forgets a user: every span of every trace of theirs, in Parquet, raw files and quarantine. `proof` then looks whether it did.

In the order in which a killed run can be run again: first the tombstones, by which what is left is still known, then the files.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from llmops_git.monitoring.batch import DAY_NS, copy_sorted, count, span_file_name
from llmops_git.monitoring.erase import Forgetting, traces_in, without
from llmops_git.monitoring.files import LocalFiles, writing
from llmops_git.monitoring.ingest import working_folder
from llmops_git.monitoring.manifest import Manifest, Source, SpanFile
from llmops_git.monitoring.sources import files_in, lines_from, source_key, tail_at
from llmops_git.monitoring.store import QUARANTINE, RAW, Store, quoted
from llmops_git.monitoring.tombstones import Tombstones

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(slots=True, kw_only=True)
class Forgotten:
    """What went: traces, spans of Parquet files, spans of raw files, entries of the quarantine. `traces` are their ids, for the
    proof; nobody keeps them."""

    traces: frozenset[str] = frozenset()
    stored_spans: int = 0
    raw_spans: int = 0
    quarantined: int = 0
    rewritten: list[str] = field(default_factory=list)


def raw_files(store: Store, also: Sequence[Path] = ()) -> list[Path]:
    """The raw files of a store on this machine, and other files that hold the same."""
    own = [store.files.folder / name for name in store.files.names(RAW)] if isinstance(store.files, LocalFiles) else []
    return [*own, *(path for path in files_in(also) if path not in own)]


def traces_of(store: Store, users: frozenset[str], also: Sequence[Path] = ()) -> frozenset[str]:
    """All traces in which one of the users is named, wherever they are."""
    manifest = store.manifest()
    found: set[str] = set()
    with store.bare_connection() as connection:
        _remember(connection, "users", users)
        for name in manifest.files:
            rows = connection.execute(
                f"select distinct trace_id from {_parquet(store, name)} where user_id in (select id from users)"  # noqa: S608
            )
            found |= {row[0] for row in rows.fetchall()}
    for path in raw_files(store, also):
        with path.open("rb") as file:
            for line in lines_from(file):
                found |= traces_in(line.content, users)
    for name in manifest.quarantined:
        for entry in _entries(store, name):
            found |= traces_in(entry["line"].encode(errors="replace"), users)
    return frozenset(found)


def forget(store: Store, users: frozenset[str], *, now_ns: int, also: Sequence[Path] = ()) -> Forgotten:
    """Forget users, by their ids as they stand in spans (as given, and hashed). Run again after it was killed, it goes on."""
    with writing(store.files), working_folder(store) as folder:
        traces = traces_of(store, users, also)
        tombstones = store.tombstones()
        if not tombstones.salt:
            tombstones = Tombstones(salt=secrets.token_hex(16))
        tombstones = tombstones.with_these(traces=traces, users=users, until_ns=now_ns)
        store.keep_tombstones(tombstones)
        return erase(store, Forgetting(trace=tombstones.holds_trace, users=users, traces=traces), folder, also)


def erase(store: Store, forgetting: Forgetting, folder: Path, also: Sequence[Path] = ()) -> Forgotten:
    """Rewrite every file that holds what is to go. Whoever calls it holds the lock."""
    result = Forgotten(traces=forgetting.traces)
    manifest = _erase_stored(store, store.manifest(), forgetting, folder, result)
    sources: dict[str, Source] = {}
    for path in raw_files(store, also):
        sources.update(_erase_raw(store, manifest, path, forgetting, result))
    quarantined = _erase_quarantine(store, manifest, forgetting, result)
    if sources or quarantined != dict(manifest.quarantined):
        store.commit(manifest.changed(sources=sources, quarantined=quarantined))
        for name in set(manifest.quarantined) - set(quarantined):
            store.files.remove(name)
    return result


def _erase_stored(store: Store, manifest: Manifest, forgetting: Forgetting, folder: Path, result: Forgotten) -> Manifest:
    """Parquet files, in one commit; those that were replaced are deleted at once, and so is what waited to be."""
    added: dict[str, SpanFile] = {}
    dropped: list[str] = []
    with store.bare_connection() as connection:
        _remember(connection, "traces", forgetting.traces)
        _remember(connection, "users", forgetting.users)
        goes = "trace_id in (select id from traces) or user_id in (select id from users)"
        for name, file in manifest.files.items():
            gone = count(connection, f"{_parquet(store, name)} where {goes}")
            if not gone:
                continue
            dropped.append(name)
            result.stored_spans += gone
            if gone < file.rows:
                part = folder / "kept.parquet"
                copy_sorted(connection, f"select * from {_parquet(store, name)} where not ({goes})", part)  # noqa: S608
                fresh = span_file_name(file.first_ns // DAY_NS)
                added[fresh] = SpanFile(
                    rows=file.rows - gone,
                    bytes=part.stat().st_size,
                    first_ns=file.first_ns,
                    last_ns=file.last_ns,
                    orphans=file.orphans,
                )
                store.files.take(part, fresh)
    if not dropped and not manifest.retired:
        return manifest
    changed = manifest.changed(add=added, drop=dropped, retired={})
    store.commit(changed)
    for name in (*dropped, *manifest.retired):
        store.files.remove(name)
    result.rewritten += dropped
    return changed


def _erase_raw(store: Store, manifest: Manifest, path: Path, forgetting: Forgetting, result: Forgotten) -> dict[str, Source]:
    """Lines are overwritten where they stand, with blanks after what stays: an application that writes to the file goes on."""
    left_over: list[bytes] = []
    gone = 0
    with path.open("r+b") as file:
        known = manifest.sources.get(source_key(file))
        for line in lines_from(file):
            if not line.whole:
                break  # somebody is writing it; the proof says so if it holds anything
            stays, spans = without(line.content, forgetting)
            if not spans:
                continue
            gone += spans
            if len(stays) > len(line.content):
                left_over.append(stays)
                stays = b""
            after = file.tell()
            file.seek(line.start)
            file.write(stays.ljust(line.end - line.start - 1, b" ") + b"\n")
            file.seek(after)
        file.flush()
        os.fsync(file.fileno())
        if left_over and isinstance(store.files, LocalFiles):
            store.files.write(f"{RAW}/kept-{secrets.token_hex(8)}.jsonl", b"".join(line + b"\n" for line in left_over))
        if not gone:
            return {}
        result.raw_spans += gone
        result.rewritten.append(str(path))
        if known is None:
            return {}
        return {source_key(file): Source(path=known.path, offset=known.offset, tail=tail_at(file, known.offset))}


def _erase_quarantine(store: Store, manifest: Manifest, forgetting: Forgetting, result: Forgotten) -> dict[str, int]:
    """The files of the quarantine as they are then: those that held something are written anew, under another name."""
    files: dict[str, int] = {}
    for name, entries in manifest.quarantined.items():
        kept, gone = [], 0
        for entry in _entries(store, name):
            stays, spans = without(entry["line"].encode(errors="replace"), forgetting)
            gone += bool(spans)
            if stays or not spans:
                kept.append({**entry, "line": stays.decode()} if spans else entry)
        if not gone:
            files[name] = entries
            continue
        result.quarantined += gone
        result.rewritten.append(name)
        if kept:
            fresh = f"{QUARANTINE}/{secrets.token_hex(8)}.jsonl"
            store.files.write(fresh, b"".join(json.dumps(entry).encode() + b"\n" for entry in kept))
            files[fresh] = len(kept)
    return files


def _entries(store: Store, name: str) -> Iterator[dict[str, str]]:
    for line in store.files.read(name).splitlines():
        yield json.loads(line)


def _parquet(store: Store, name: str) -> str:
    return f"read_parquet({quoted(store.files.address(name))}, hive_partitioning = false)"


def _remember(connection: DuckDBPyConnection, table: str, ids: Iterable[str]) -> None:
    connection.execute(f"create or replace temp table {table} as select unnest(?::varchar[]) as id", [sorted(ids)])
