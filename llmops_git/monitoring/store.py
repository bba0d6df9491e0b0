"""The store of live traces: Parquet by day, named by a manifest. Reading it needs no lock.

.llmops/traces/
  raw/*.jsonl                   what applications write
  spans/dt=2026-11-20/*.parquet what was read of it, by the day (UTC) on which a span began
  quarantine/*.jsonl            what could not be read, and why
  manifest/<generation>.json    which Parquet files count, and how far which file was read
"""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.monitoring.columns import COLUMNS, span_of_row
from llmops_git.monitoring.files import Files, LocalFiles, RemoteFiles, files_at
from llmops_git.monitoring.manifest import Manifest, decode, encode
from llmops_git.monitoring.tombstones import FILE as FORGOTTEN
from llmops_git.monitoring.tombstones import Tombstones
from llmops_git.monitoring.tombstones import decode as decode_tombstones
from llmops_git.monitoring.tombstones import encode as encode_tombstones

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from llmops_git.traces.span import Span

DEFAULT_FOLDER = ".llmops/traces"
OBSERVE = 'pip install "llmops-git[observe]"'
RAW, SPANS, QUARANTINE, MANIFEST, WORKING = "raw", "spans", "quarantine", "manifest", "working"
KEPT_GENERATIONS = 2
GRACE_SECONDS = 300  # how long a reader may take that began before a compaction


def open_store(where: str | Path) -> Store:
    """The store at a path or an fsspec URL; one that is not there yet is empty. Raises LlmopsError."""
    return Store(files_at(where))


def duckdb_module() -> Any:
    """DuckDB. Raises LlmopsError where the extra is not installed."""
    try:
        import duckdb
    except ModuleNotFoundError:
        raise LlmopsError("the store of traces needs DuckDB, which is not installed", hint=OBSERVE) from None
    return duckdb


class Store:
    """A store. It holds no state of its own: another process may write to it at any time."""

    def __init__(self, files: Files) -> None:
        self.files = files

    def manifest(self) -> Manifest:
        """The newest manifest. Raises LlmopsError when it is damaged."""
        for _ in range(10):
            generations = self._generations()
            if not generations:
                return Manifest()
            newest = max(generations)
            name = _manifest_name(newest)
            try:
                return decode(self.files.read(name), newest, path=name)
            except FileNotFoundError:  # others have gone on meanwhile
                continue
        raise NotMeasured(f"{self.files.where} changes faster than it can be read", hint="run it again")

    def commit(self, manifest: Manifest) -> None:
        """Make it the newest. Raises NotMeasured when somebody else has written one since it was read."""
        try:
            self.files.create(_manifest_name(manifest.generation), encode(manifest))
        except FileExistsError:
            raise NotMeasured(f"another process wrote to {self.files.where} meanwhile", hint="run it again") from None
        for generation in self._generations():
            if generation <= manifest.generation - KEPT_GENERATIONS:
                self.files.remove(_manifest_name(generation))

    def tombstones(self) -> Tombstones:
        """What is forgotten. Raises LlmopsError when that cannot be read."""
        try:
            return decode_tombstones(self.files.read(FORGOTTEN), path=FORGOTTEN)
        except FileNotFoundError:
            return Tombstones()

    def keep_tombstones(self, tombstones: Tombstones) -> None:
        """Write down what is forgotten."""
        self.files.write(FORGOTTEN, encode_tombstones(tombstones))

    def span_files(self, manifest: Manifest | None = None) -> tuple[str, ...]:
        """The Parquet files that count, as DuckDB opens them."""
        found = (manifest or self.manifest()).files
        return tuple(self.files.address(name) for name in sorted(found))

    def connection(self) -> DuckDBPyConnection:
        """A DuckDB connection with the view `spans` over everything that is in the store now. Close it when done."""
        connection = self.bare_connection()
        connection.execute(f"create view spans as {spans_query(self.span_files())}")
        return connection

    def bare_connection(self) -> DuckDBPyConnection:
        """A connection that can open the store's files, with no view."""
        connection: DuckDBPyConnection = duckdb_module().connect(":memory:")
        connection.execute("set parquet_metadata_cache = true; set timezone = 'UTC'; set preserve_insertion_order = false")
        # nothing is fetched from anywhere, and what does not fit into memory is no matter of the folder one stands in
        connection.execute("set enable_progress_bar = false; set autoinstall_known_extensions = false")
        connection.execute(f"set temp_directory = {quoted(f'{tempfile.gettempdir()}/llmops-git-{os.getpid()}')}")
        if isinstance(self.files, RemoteFiles):
            self.files.register(connection)
        return connection

    def read_trace(self, trace_id: str) -> tuple[Span, ...]:
        """The spans of a trace with all that they hold, in the order in which they began; () where there is none."""
        with self.connection() as connection:
            return read_trace(connection, trace_id)

    def append(self, spans: Iterable[Span]) -> None:
        """Add spans that this process made (scores, signals): a raw file, read in at once."""
        from llmops_git.monitoring.ingest import ingest
        from llmops_git.traces.otlp import to_otlp_line

        found = tuple(spans)
        if not found:
            return
        content = b"".join(to_otlp_line(group).encode() + b"\n" for group in _by_trace(found))
        name = f"{RAW}/appended-{secrets.token_hex(8)}.jsonl"
        if isinstance(self.files, LocalFiles):
            self.files.write(name, content)
            ingest(self, [self.files.folder / name], now_ns=time.time_ns())
        else:
            ingest(self, [], now_ns=time.time_ns(), extra=content)

    def _generations(self) -> list[int]:
        names = [name.rpartition("/")[2] for name in self.files.names(MANIFEST)]
        return [int(name.removesuffix(".json")) for name in names if name.removesuffix(".json").isdigit()]


def spans_query(addresses: Sequence[str]) -> str:
    """The SELECT behind the view `spans`."""
    if not addresses:
        empty = ", ".join(f"null::{kind} as {name}" for name, kind in {"dt": "DATE", **COLUMNS}.items())
        return f"select {empty} where false"
    listed = ", ".join(quoted(address) for address in addresses)
    source = f"read_parquet([{listed}], hive_partitioning = true, hive_types = {{'dt': DATE}})"
    return f"select dt, {', '.join(COLUMNS)} from {source}"  # noqa: S608  # names of our own


def quoted(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def read_trace(connection: DuckDBPyConnection, trace_id: str) -> tuple[Span, ...]:
    """The spans of a trace, from a connection of a store."""
    found = connection.execute("select * from spans where trace_id = ? order by start_ns, span_id", [trace_id])
    columns = [column[0] for column in found.description or ()]
    return tuple(span_of_row(dict(zip(columns, row, strict=True))) for row in found.fetchall())


def _manifest_name(generation: int) -> str:
    return f"{MANIFEST}/{generation:010}.json"


def _by_trace(spans: Sequence[Span]) -> Iterator[list[Span]]:
    groups: dict[str, list[Span]] = {}
    for span in spans:
        groups.setdefault(span.trace_id, []).append(span)
    yield from groups.values()
