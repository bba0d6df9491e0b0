"""What `llmops-git traces` does to the store: reading in, merging, deleting by age."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json
from llmops_git.errors import EXIT_OK, LlmopsError
from llmops_git.reports.clean import clean
from llmops_git.reports.numbers import count

if TYPE_CHECKING:
    from llmops_git.monitoring.ingest import Ingested
    from llmops_git.monitoring.prune import Pruned
    from llmops_git.monitoring.store import Store

FORMAT = "llmops-git/traces-{}/1"
STANDARD_INPUT = "-"


def store_at(where: str | None) -> Store:
    """The store that is named, which needs no repository, or the project's. Raises LlmopsError without DuckDB."""
    from llmops_git.commands.project import open_project
    from llmops_git.commands.stored import place_of
    from llmops_git.monitoring.store import duckdb_module, open_store

    duckdb_module()
    return open_store(where or place_of(open_project(), None))


def ingest_into(where: str | None, paths: Sequence[str], form: str) -> int:
    """Read in, merge days that have many files by now, and say what came."""
    from llmops_git.monitoring.compact import MANY_FILES, compact
    from llmops_git.monitoring.files import LocalFiles
    from llmops_git.monitoring.ingest import ingest
    from llmops_git.monitoring.store import RAW

    store = store_at(where)
    stream = sys.stdin.buffer if STANDARD_INPUT in paths else None
    chosen = [Path(path) for path in paths if path != STANDARD_INPUT]
    if not paths:
        if not isinstance(store.files, LocalFiles):
            raise LlmopsError(f"{store.files.where} has no raw files", hint="llmops-git traces ingest FOLDER --store URL")
        chosen = [store.files.folder / RAW]
        chosen[0].mkdir(parents=True, exist_ok=True)
    started = time.process_time()
    done = ingest(store, chosen, now_ns=time.time_ns(), stream=stream)
    if done.days:
        compact(store, now_ns=time.time_ns(), days=done.days, at_least=MANY_FILES)
    if form == "json":
        emit_json(_ingested(done, store))
    else:
        click.echo("\n".join(_ingest_lines(done, store)))
        if not paths and not any(chosen[0].glob("*.jsonl")):
            click.echo(
                clean(f"there is no file in {chosen[0]}, where the runtime writes unless LLMOPS_TRACES says where"), err=True
            )
        click.echo(f"took {time.process_time() - started:.2f} s of CPU", err=True)
    return EXIT_OK


def _ingested(done: Ingested, store: Store) -> dict[str, Any]:
    return {
        "format": FORMAT.format("ingest"),
        "store": store.files.where,
        "files": done.files,
        "lines": done.lines,
        "spans": done.spans,
        "duplicates": done.duplicates,
        "quarantined": done.quarantined,
        "forgotten": done.forgotten,
        "unfinished": done.left,
        "days": sorted(done.days),
    }


def _ingest_lines(done: Ingested, store: Store) -> list[str]:
    days = f" of {count(len(done.days), 'day')}" if done.days else ""
    lines = [clean(f"{count(done.spans, 'new span')}{days} from {count(done.lines, 'line')} in {store.files.where}")]
    notes = (
        (done.duplicates, f"{count(done.duplicates, 'span')} were there already"),
        (done.forgotten, f"{count(done.forgotten, 'span')} were refused: they are forgotten"),
        (done.left, f"{count(done.left, 'line')} at the end of files not written to their end yet: left for the next time"),
        (done.quarantined, f"{count(done.quarantined, 'line or span', 'lines or spans')} could not be read: see quarantine/"),
    )
    return lines + [text for number, text in notes if number]


def compact_store(where: str | None, form: str) -> int:
    """Merge, and say what changed."""
    from llmops_git.monitoring.compact import compact

    done = compact(store_at(where), now_ns=time.time_ns())
    document = {
        "format": FORMAT.format("compact"),
        "days": done.days,
        "files_before": done.files_before,
        "files_after": done.files_after,
        "duplicates": done.duplicates,
        "repaired": done.repaired,
    }
    if form == "json":
        emit_json(document)
        return EXIT_OK
    if not done.days:
        click.echo("nothing to merge")
        return EXIT_OK
    click.echo(f"{count(done.days, 'day')}: {count(done.files_before, 'file')} became {done.files_after}")
    if done.repaired:
        click.echo(f"{count(done.repaired, 'span')} got the config, release, feature and user of a root that came later")
    if done.duplicates:
        click.echo(f"{count(done.duplicates, 'span')} were there twice")
    return EXIT_OK


def prune_store(where: str | None, spans_age: float | None, raw_age: float | None, *, dry_run: bool, form: str) -> int:
    """Delete by age, and say what went."""
    from llmops_git.monitoring.prune import prune

    done = prune(store_at(where), now=time.time(), spans_seconds=spans_age, raw_seconds=raw_age, dry_run=dry_run)
    if form == "json":
        emit_json(
            {
                "format": FORMAT.format("prune"),
                "dry_run": dry_run,
                "days": done.days,
                "spans": done.spans,
                "bytes": done.bytes,
                "files": done.files,
                "unread": done.unread,
            }
        )
    else:
        click.echo("\n".join(_prune_lines(done, dry_run=dry_run)))
    return EXIT_OK


def _prune_lines(done: Pruned, *, dry_run: bool) -> list[str]:
    if not done.files and not done.unread:
        return ["nothing is that old"]
    deleted = "would delete" if dry_run else "deleted"
    lines = [f"{deleted} {count(len(done.files), 'file')} ({done.bytes / 1e6:,.1f} MB), {count(done.spans, 'span')}"]
    if done.days:
        lines.append(f"days {done.days[0]} to {done.days[-1]}")
    return lines + [clean(f"kept {name}: it is old, but was not read to its end") for name in done.unread]
