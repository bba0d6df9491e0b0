"""Where lines of traces come from: files that may still be written to, each read on from where it was left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from llmops_git.errors import LlmopsError
from llmops_git.monitoring.manifest import Source

MOST_LINE = 64 << 20  # bytes
ENDINGS = (".jsonl", ".json", ".ndjson")
_HEAD = 64 << 10
_TAIL = 4 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line without its newline. `end` is where the next one begins; `whole` is False for the last one of a file that has
    no newline yet, `fits` for one that is too long, of which this is the beginning."""

    start: int
    end: int
    content: bytes
    whole: bool = True
    fits: bool = True


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Files, and those in folders that look like lines of JSON, in the order of their names. Raises LlmopsError.

    What lies in hidden folders below (`.git`, and `.llmops` with the traces of evaluations) is no live traffic, unless named.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(
                file for file in path.rglob("*") if file.suffix in ENDINGS and _is_open(file, path) and file.is_file()
            )
        elif path.is_file():
            found.append(path)
        else:
            raise LlmopsError(f"{path} is no file and no folder")
    return found


def _is_open(file: Path, folder: Path) -> bool:
    return file.suffix in ENDINGS and not any(part.startswith(".") for part in file.relative_to(folder).parts[:-1])


def source_key(file: BinaryIO) -> str:
    """What a file is known by, whatever its name: a hash of its first line. "" for an empty file."""
    file.seek(0)
    head = file.readline(_HEAD)
    return hashlib.sha256(head.rstrip(b"\r\n")).hexdigest()[:32] if head else ""


def resume(file: BinaryIO, source: Source | None) -> int:
    """Where to read on. From the start, where what was read is not what is there: nothing is kept twice by that."""
    if source is None or tail_at(file, source.offset) != source.tail:
        return 0
    return source.offset


def tail_at(file: BinaryIO, offset: int) -> str:
    """A hash of the bytes before an offset."""
    start = max(offset - _TAIL, 0)
    file.seek(start)
    found = file.read(offset - start)
    return hashlib.sha256(found).hexdigest()[:32] if len(found) == offset - start else ""


def lines_from(file: BinaryIO, offset: int = 0) -> Iterator[Line]:
    """The lines from an offset on; a stream that cannot be moved is read from where it is."""
    if offset or file.seekable():
        file.seek(offset)
    while content := file.readline(MOST_LINE):
        start, offset = offset, offset + len(content)
        if content.endswith(b"\n"):
            yield Line(start=start, end=offset, content=content.rstrip(b"\r\n"))
        elif len(content) < MOST_LINE:
            yield Line(start=start, end=offset, content=content, whole=False)
        else:
            rest = content
            while rest and not rest.endswith(b"\n"):
                rest = file.readline(MOST_LINE)
                offset += len(rest)
            yield Line(start=start, end=offset, content=content[:_HEAD], fits=False, whole=rest.endswith(b"\n"))


def progress(path: Path, offset: int) -> Source:
    """That a file was read so far."""
    with path.open("rb") as file:
        return Source(path=str(path.absolute()), offset=offset, tail=tail_at(file, offset))
