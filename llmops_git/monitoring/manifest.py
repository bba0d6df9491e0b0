"""What a store holds and what it has read: one value, replaced as a whole. A Parquet file counts when the manifest names it.

So every change (an ingest, a compaction, a deletion) is one step: before it the old files count, after it the new ones. What a
killed writer left behind is named by nothing, and swept up by the next one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from llmops_git.errors import LlmopsError

FORMAT = "llmops-git/trace-store/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanFile:
    """A Parquet file. Times are nanoseconds since 1970, of the starts of its spans; `orphans` are spans that wait for a root:
    other writers' spans whose request was not read yet."""

    rows: int
    bytes: int
    first_ns: int
    last_ns: int
    orphans: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """How far a file was read. It is known by a hash of its first line, whatever it is called now; `tail` is a hash of the last
    bytes before `offset`, by which one sees that it is still the same file."""

    path: str
    offset: int
    tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """`files` by their names in the store, `sources` by the hash of their first line. `retired` are files that others took the
    place of, with the second since when: who had begun to read them may still do so, and a later writer deletes them."""

    generation: int = 0
    files: Mapping[str, SpanFile] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    retired: Mapping[str, float] = field(default_factory=dict)
    quarantined: Mapping[str, int] = field(default_factory=dict)  # name of a file -> how many entries it has

    def changed(
        self,
        *,
        add: Mapping[str, SpanFile] | None = None,
        drop: Iterable[str] = (),
        sources: Mapping[str, Source] | None = None,
        retired: Mapping[str, float] | None = None,
        quarantined: Mapping[str, int] | None = None,
    ) -> Manifest:
        """The next one: `add` comes, `drop` goes, `sources` are read further; `retired` and `quarantined` are all of them."""
        gone = set(drop)
        kept = {name: file for name, file in self.files.items() if name not in gone}
        return replace(
            self,
            generation=self.generation + 1,
            files={**kept, **(add or {})},
            sources={**self.sources, **(sources or {})},
            retired=self.retired if retired is None else retired,
            quarantined=self.quarantined if quarantined is None else quarantined,
        )


def day_of(name: str) -> str:
    """`2026-11-20`, of a span file's name."""
    return name.partition("dt=")[2].partition("/")[0]


def encode(manifest: Manifest) -> bytes:
    """The manifest as a file."""
    document = {
        "format": FORMAT,
        "files": {name: asdict(file) for name, file in sorted(manifest.files.items())},
        "sources": {key: asdict(source) for key, source in sorted(manifest.sources.items())},
        "retired": dict(manifest.retired),
        "quarantined": dict(manifest.quarantined),
    }
    return json.dumps(document, indent=1).encode() + b"\n"


def decode(content: bytes, generation: int, *, path: str) -> Manifest:
    """Read it back. Raises LlmopsError."""
    try:
        document: Any = json.loads(content)
        if document["format"] != FORMAT:
            raise LlmopsError(
                f"{path} is of the format {document['format']!r}, this version reads {FORMAT}", hint="upgrade llmops-git"
            )
        return Manifest(
            generation=generation,
            files={name: SpanFile(**file) for name, file in document["files"].items()},
            sources={key: Source(**source) for key, source in document["sources"].items()},
            retired=document["retired"],
            quarantined=document["quarantined"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LlmopsError(
            f"{path} is damaged: {type(error).__name__}: {str(error)[:200]}",
            hint="restore it, or delete `spans` and `manifest` beside it and ingest the raw files again",
        ) from None
