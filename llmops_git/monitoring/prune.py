"""Deletes what is older than it may be: whole days of spans, and raw files that were read and are not written to any more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from llmops_git.monitoring.files import LocalFiles, writing
from llmops_git.monitoring.manifest import Manifest, day_of
from llmops_git.monitoring.sources import resume, source_key
from llmops_git.monitoring.store import RAW, Store

_DAY_SECONDS = 86_400


@dataclass(slots=True, kw_only=True)
class Pruned:
    """What went. `unread` are raw files that are old enough but were not read to their end: they stay."""

    days: list[str] = field(default_factory=list)
    spans: int = 0
    files: list[str] = field(default_factory=list)
    bytes: int = 0
    unread: list[str] = field(default_factory=list)


def prune(
    store: Store, *, now: float, spans_seconds: float | None = None, raw_seconds: float | None = None, dry_run: bool = False
) -> Pruned:
    """Delete days of which every moment is older than `spans_seconds`, with quarantine that old, and raw files not written to
    for `raw_seconds`. Times are seconds; `now` since 1970."""
    result = Pruned()
    with writing(store.files):
        manifest = store.manifest()
        quarantined = dict(manifest.quarantined)
        dropped: list[str] = []
        if spans_seconds is not None:
            last_day = datetime.fromtimestamp(now - spans_seconds - _DAY_SECONDS, tz=UTC).strftime("%Y-%m-%d")
            dropped = [name for name in manifest.files if day_of(name) <= last_day]
            result.days = sorted({day_of(name) for name in dropped})
            result.spans = sum(manifest.files[name].rows for name in dropped)
            result.bytes = sum(manifest.files[name].bytes for name in dropped)
            old = [name for name in quarantined if store.files.modified(name) < now - spans_seconds]
            dropped += old
            for name in old:
                del quarantined[name]
        raw = [] if raw_seconds is None else _old_raw(store, manifest, now - raw_seconds, result)
        result.files = [*dropped, *raw]
        if dry_run:
            return result
        if dropped:  # nothing counts that is not there: the manifest goes first
            manifest = manifest.changed(drop=dropped, quarantined=quarantined)
            store.commit(manifest)
        for name in result.files:
            store.files.remove(name)
        if raw:  # and how far they were read is forgotten last: what is read again would be there again
            gone = {store.files.address(name) for name in raw}
            kept = {key: source for key, source in manifest.sources.items() if source.path not in gone}
            store.commit(replace(manifest, generation=manifest.generation + 1, sources=kept))
    return result


def _old_raw(store: Store, manifest: Manifest, before: float, result: Pruned) -> list[str]:
    if not isinstance(store.files, LocalFiles):
        return []
    found = []
    for name in store.files.names(RAW):
        path = store.files.folder / name
        if path.stat().st_mtime >= before:
            continue
        if _is_read(path, manifest):
            found.append(name)
            result.bytes += path.stat().st_size
        else:
            result.unread.append(name)
    return found


def _is_read(path: Path, manifest: Manifest) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        source = manifest.sources.get(source_key(file))
        return size == 0 or (source is not None and resume(file, source) == size)
