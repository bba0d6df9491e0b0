"""Looks for what was forgotten, in everything that a store has: the columns of every Parquet file, the spans of every line, and
the raw bytes of every file. It trusts neither the manifest nor what the deletion says of itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from llmops_git.monitoring.erase import Forgetting, without
from llmops_git.monitoring.files import LocalFiles
from llmops_git.monitoring.forget import raw_files
from llmops_git.monitoring.manifest import Manifest
from llmops_git.monitoring.sources import lines_from
from llmops_git.monitoring.store import QUARANTINE, SPANS, Store, quoted

_CHUNK = 4 << 20
_ID = 32  # hex digits
_RUN = re.compile(rb"[0-9a-fA-F]{32,}")


@dataclass(slots=True, kw_only=True)
class Proof:
    """What was looked at, and what is left: file -> what is in it. `mentions` are other texts with the user's id in them, as
    a whole value: somebody else's request may name a user."""

    files: int = 0
    bytes: int = 0
    spans: int = 0
    left: dict[str, str] = field(default_factory=dict)
    mentions: dict[str, int] = field(default_factory=dict)

    def found(self, name: str, what: str) -> None:
        """Something is left."""
        self.left[name] = f"{self.left[name]}; {what}" if name in self.left else what


def prove(store: Store, forgetting: Forgetting, also: Sequence[Path] = ()) -> Proof:
    """Scan everything: what is in the store, files named, and files that were read in from elsewhere and are still there."""
    proof = Proof()
    manifest = store.manifest()
    _columns(store, forgetting, proof)
    for path in [*raw_files(store, also), *_elsewhere(store, manifest, also)]:
        _lines(path, forgetting, proof)
    for name in store.files.names(QUARANTINE):
        for line in store.files.read(name).splitlines():
            if without(json.loads(line)["line"].encode(errors="replace"), forgetting)[1]:
                proof.found(name, "an entry")
    traces = frozenset(trace.encode() for trace in forgetting.traces)
    needles = tuple({needle for needle in forgetting.needles() if needle not in traces})
    for name, file in _all_files(store, also):
        with file:
            _raw_bytes(name, file, traces, needles, proof)
    return proof


def _columns(store: Store, forgetting: Forgetting, proof: Proof) -> None:
    """Every Parquet file that is there, whether the manifest names it or not."""
    with store.bare_connection() as connection:
        connection.execute("create temp table traces as select unnest(?::varchar[]) as id", [sorted(forgetting.traces)])
        connection.execute("create temp table users as select unnest(?::varchar[]) as id", [sorted(forgetting.users)])
        for name in store.files.names(SPANS):
            if not name.endswith(".parquet"):
                continue
            found = connection.execute(
                "select count(*), count(*) filter (trace_id in (select id from traces) or user_id in (select id from users)) "  # noqa: S608
                f"from read_parquet({quoted(store.files.address(name))}, hive_partitioning = false)"
            ).fetchone() or (0, 0)
            proof.spans += found[0]
            if found[1]:
                proof.found(name, f"{found[1]} spans")


def _lines(path: Path, forgetting: Forgetting, proof: Proof) -> None:
    spans = 0
    with path.open("rb") as file:
        for line in lines_from(file):
            spans += without(line.content, forgetting)[1]
    if spans:
        proof.found(str(path), f"{spans} spans")


def _elsewhere(store: Store, manifest: Manifest, also: Sequence[Path]) -> list[Path]:
    """Files outside of the store that were read in, and still are where they were."""
    known = {path.absolute() for path in raw_files(store, also)}
    found = {Path(source.path) for source in manifest.sources.values()}
    return sorted(path for path in found - known if path.is_file())


def _all_files(store: Store, also: Sequence[Path]) -> Iterator[tuple[str, BinaryIO]]:
    import io

    for name in store.files.names(""):
        if isinstance(store.files, LocalFiles):
            yield name, (store.files.folder / name).open("rb")
        else:
            yield name, io.BytesIO(store.files.read(name))
    for path in raw_files(store, also):
        if not isinstance(store.files, LocalFiles) or not path.is_relative_to(store.files.folder):
            yield str(path), path.open("rb")


def _raw_bytes(name: str, file: BinaryIO, traces: frozenset[bytes], needles: tuple[bytes, ...], proof: Proof) -> None:
    proof.files += 1
    before = b""
    mentions = ids = 0
    longest = max((_ID, *map(len, needles))) - 1
    while chunk := file.read(_CHUNK):
        proof.bytes += len(chunk)
        window = before + chunk
        for run in _RUN.finditer(window):
            text = run.group().lower()
            ids += any(text[start : start + _ID] in traces for start in range(len(text) - _ID + 1))
        mentions += sum(window.count(needle) for needle in needles)
        before = window[-longest:]
    if ids:
        proof.found(name, f"{ids} ids of traces in its bytes")
    if mentions:
        proof.mentions[name] = mentions
