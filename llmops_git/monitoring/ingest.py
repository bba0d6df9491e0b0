"""Reads lines of OTLP JSON into the store. Killed at any moment it has lost nothing and kept nothing twice.

A batch is written to Parquet beside the others, then the manifest that names it and says how far each file was read takes the
place of the one before, in one step.
"""

from __future__ import annotations

import gc
import io
import json
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from llmops_git.monitoring.batch import write_batch
from llmops_git.monitoring.files import LocalFiles, writing
from llmops_git.monitoring.otlp_rows import NotOtlp, Refused, encoded, rows_of_line
from llmops_git.monitoring.sources import Line, files_in, lines_from, progress, resume, source_key
from llmops_git.monitoring.store import QUARANTINE, WORKING, Store

BATCH_SPANS = 200_000
BATCH_BYTES = 512 << 20
STANDARD_INPUT = "standard input"
ABANDONED_SECONDS = 86_400  # after that long nobody will finish a half-written line
_KEPT_LINE = 1 << 20  # bytes of a line in quarantine
_BUFFER = 1 << 20  # bytes: a line is longer than the usual one
_BEGINNINGS = (b'{"resourceSpans"', b'{"resource_spans"')


@dataclass(slots=True, kw_only=True)
class Ingested:
    """What was read in: `spans` are new ones; `left` are lines at the end of files whose writers had not finished them."""

    files: int = 0
    lines: int = 0
    spans: int = 0
    duplicates: int = 0
    quarantined: int = 0
    forgotten: int = 0
    left: int = 0
    days: set[str] = field(default_factory=set)


def ingest(store: Store, paths: Sequence[Path], *, now_ns: int, extra: bytes = b"", stream: BinaryIO | None = None) -> Ingested:
    """Read files and folders, each from where it was left; `extra` and `stream` are other lines. Raises LlmopsError."""
    files = files_in(paths)
    with writing(store.files), working_folder(store) as folder, _without_collector():
        run = _Run(store, folder, now_ns)
        try:
            for path in files:
                run.read_file(path)
            if extra:
                run.read_stream(io.BytesIO(extra))
            if stream is not None:
                run.read_stream(stream)
            run.commit()
            run.forget_again()
        finally:
            run.close()
        return run.result


@contextmanager
def working_folder(store: Store) -> Iterator[Path]:
    """A folder for what is being made: on the disk of a local store, so that moving is renaming."""
    parent = store.files.folder / WORKING if isinstance(store.files, LocalFiles) else None
    if parent is not None:
        parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        yield Path(folder)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Nothing that is read holds itself, and looking for what does takes a tenth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _Run:
    """One ingest: fills batches, and commits each."""

    def __init__(self, store: Store, folder: Path, now_ns: int) -> None:
        self.store, self.folder, self.now_ns = store, folder, now_ns
        self.manifest = store.manifest()
        self.result = Ingested()
        self._tombstones = store.tombstones()
        self._forgotten: dict[str, bool] = {}  # trace -> whether it is not to be kept
        self._late: set[str] = set()  # traces of which only now is known whose they are
        self._start_batch()

    def close(self) -> None:
        """Close the file of the batch that was begun last."""
        self._stack.close()

    def _start_batch(self) -> None:
        self._stack = ExitStack()
        self._rows_file = self.folder / f"{secrets.token_hex(4)}.ndjson"
        self._rows = self._stack.enter_context(self._rows_file.open("wb", buffering=_BUFFER))
        self._keys: set[str] = set()
        self._bytes = 0
        self._offsets: dict[str, tuple[str, int]] = {}  # file -> what it is known by, and how far it was read
        self._refused: list[dict[str, Any]] = []

    def read_file(self, path: Path) -> None:
        with path.open("rb", buffering=_BUFFER) as file:
            key = source_key(file)
            if not key:
                return
            self.result.files += 1
            offset = resume(file, self.manifest.sources.get(key))
            name, finished = str(path), _is_abandoned(path, self.now_ns)
            for line in lines_from(file, offset):
                if not self._take(line, name, finished=finished):
                    self.result.left += 1
                    break
                self._offsets[name] = (key, line.end)
                if len(self._keys) >= BATCH_SPANS or self._bytes >= BATCH_BYTES:
                    self.commit()

    def read_stream(self, stream: BinaryIO) -> None:
        for line in lines_from(stream):
            self._take(line, STANDARD_INPUT, finished=True)
            if len(self._keys) >= BATCH_SPANS or self._bytes >= BATCH_BYTES:
                self.commit()

    def _take(self, line: Line, path: str, *, finished: bool) -> bool:
        """Take a line, into the batch or into quarantine; False where its writer has not finished it."""
        if not line.content or line.content.isspace():
            return True
        refused: list[Refused] = []
        rows: list[dict[str, Any]] = []
        try:
            if not line.fits:
                raise NotOtlp(f"it is longer than a line may be ({line.end - line.start:,} bytes)")
            rows, refused = rows_of_line(line.content, self.now_ns)
        except NotOtlp as error:
            if not line.whole and not finished:
                return False
            rows, refused = self._salvage(line, str(error))
        self.result.lines += 1
        self._add(rows)
        self._refused += [
            {"file": path, "offset": line.start, "reason": one.reason, "line": one.line[:_KEPT_LINE]} for one in refused
        ]
        return True

    def _salvage(self, line: Line, reason: str) -> tuple[list[dict[str, Any]], list[Refused]]:
        """What is whole at the end of a damaged line: a writer that came after one that was killed wrote on in its line."""
        for beginning in _BEGINNINGS:
            if (place := line.content.rfind(beginning)) > 0 and line.fits:
                try:
                    rows, refused = rows_of_line(line.content[place:], self.now_ns)
                except NotOtlp:
                    continue
                return rows, [*refused, _damaged(line.content[:place], reason)]
        return [], [_damaged(line.content, reason)]

    def _add(self, rows: list[dict[str, Any]]) -> None:
        fresh = []
        for row in rows if not self._tombstones else self._remembered(rows):
            key = row["trace_id"] + row["span_id"]
            if key in self._keys:
                self.result.duplicates += 1
            else:
                self._keys.add(key)
                fresh.append(row)
        if fresh:
            content = b"\n".join(encoded(fresh))
            self._rows.write(content)
            self._rows.write(b"\n")
            self._bytes += len(content)

    def _remembered(self, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The rows without those that are forgotten."""
        for row in rows:
            trace = row["trace_id"]
            if trace not in self._forgotten:
                self._forgotten[trace] = self._tombstones.holds_trace(trace)
            if not self._forgotten[trace] and self._tombstones.holds_user(row.get("user_id", ""), row["start_ns"]):
                self._forgotten[trace] = True
                self._late.add(trace)
            if self._forgotten[trace]:
                self.result.forgotten += 1
            else:
                yield row

    def forget_again(self) -> None:
        """Take out what was kept of traces before a span said that they are a forgotten user's."""
        if self._late:
            from llmops_git.monitoring.erase import Forgetting
            from llmops_git.monitoring.forget import erase

            self._tombstones = self._tombstones.with_these(traces=self._late)
            self.store.keep_tombstones(self._tombstones)
            late = frozenset(self._late)
            erase(self.store, Forgetting(trace=late.__contains__, users=frozenset(), traces=late), self.folder)

    def commit(self) -> None:
        """Make the batch part of the store, and begin the next one."""
        self._stack.close()
        sources = {key: progress(Path(path), offset) for path, (key, offset) in self._offsets.items()}
        if self._keys or self._refused or sources:
            written = write_batch(self.store, self.manifest, self._rows_file, self.folder)
            quarantined = self._write_quarantine()
            self.manifest = self.manifest.changed(
                add=written.files, sources=sources, quarantined={**self.manifest.quarantined, **quarantined}
            )
            self.store.commit(self.manifest)
            self.result.spans += sum(file.rows for file in written.files.values())
            self.result.duplicates += written.duplicates
            self.result.quarantined += len(self._refused)
            self.result.days |= {name.split("/")[1].removeprefix("dt=") for name in written.files}
        self._rows_file.unlink()
        self._start_batch()

    def _write_quarantine(self) -> dict[str, int]:
        if not self._refused:
            return {}
        name = f"{QUARANTINE}/{secrets.token_hex(8)}.jsonl"
        self.store.files.write(name, b"".join(json.dumps(entry).encode() + b"\n" for entry in self._refused))
        return {name: len(self._refused)}


def _damaged(content: bytes, reason: str) -> Refused:
    return Refused(reason=reason, line=content[:_KEPT_LINE].decode(errors="replace"))


def _is_abandoned(path: Path, now_ns: int) -> bool:
    return now_ns / 1e9 - path.stat().st_mtime > ABANDONED_SECONDS
