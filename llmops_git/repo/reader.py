"""Reads git objects: through one process that lives as long as its repository, or many blobs at once as one buffer."""

from __future__ import annotations

import mmap
import os
import threading
from typing import IO, TYPE_CHECKING

from llmops_git.errors import NotMeasured
from llmops_git.repo.objects import TOO_LARGE, ObjectReader
from llmops_git.repo.partial import fetch_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmops_git.repo.git import Git
    from llmops_git.repo.objects import GitObject


MOST_BYTES = 128 << 20  # of one object; no file that has a meaning to us is nearly that large
FEW = 1_000  # blobs for which starting another process costs more than it saves


class Objects:
    """Objects by name, from one `git cat-file --batch` that starts with the first question. Threads may share it.

    A process whose answers were not read to the end (an interrupt, an error) is killed, and the next question starts another:
    no answer is ever taken for that of another question, and nothing waits for a full pipe.
    """

    def __init__(self, git: Git) -> None:
        self._git = git
        self._lock = threading.Lock()
        self._reader: ObjectReader | None = None

    def read(self, names: Sequence[str]) -> list[GitObject | None]:
        """The objects of these names (`<oid>`, `<revision>^{commit}`, …), in order; None where there is none."""
        with self._lock:
            if self._reader is None:
                self._reader = ObjectReader(self._git, most_bytes=MOST_BYTES)
            try:
                return self._reader.read(names)
            except BaseException as error:
                reader, self._reader = self._reader, None
                reader.__exit__(type(error), error, error.__traceback__)
                raise

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            reader, self._reader = self._reader, None
        if reader is not None:
            reader.__exit__(None, None, None)


class Blobs:
    """Many blobs in one buffer: the i-th is `buffer[starts[i]:ends[i]]`. Between two of them stands a line of git's."""

    __slots__ = ("buffer", "ends", "starts")

    def __init__(self, buffer: bytes | mmap.mmap, starts: list[int], ends: list[int]) -> None:
        self.buffer = buffer
        self.starts = starts
        self.ends = ends

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> bytes:
        return self.buffer[self.starts[index] : self.ends[index]]


def read_blobs(git: Git, oids: Sequence[str]) -> Blobs:
    """The blobs of these ids, in order: many by a process of their own. Raises NotMeasured when one is missing.

    One that is too large to mean anything is empty here, where there are few.
    """
    if not oids:
        return Blobs(b"", [], [])
    fetch_missing(git, oids)
    if len(oids) <= FEW:
        buffer: bytes | mmap.mmap = b"".join(
            _with_header(oid, item) for oid, item in zip(oids, git.objects.read(oids), strict=True)
        )
    else:
        buffer = _read_through_files(git, "".join(f"{oid}\n" for oid in oids).encode())
    starts, ends = [], []
    position = 0
    between = len(oids[0])  # `<id> blob <size>`, a newline, the content, a newline
    for oid in oids:
        size_at = position + between + 6
        if buffer[position + between : size_at] != b" blob ":
            raise missing_blob(oid)
        start = buffer.find(b"\n", size_at) + 1
        position = start + int(buffer[size_at : start - 1]) + 1
        starts.append(start)
        ends.append(position - 1)
    return Blobs(buffer, starts, ends)


def _with_header(oid: str, item: GitObject | None) -> bytes:
    if item is None:
        raise missing_blob(oid)
    kind = "blob" if item.kind == TOO_LARGE else item.kind
    return f"{oid} {kind} {len(item.data)}\n".encode() + item.data + b"\n"


def _read_through_files(git: Git, names: bytes) -> mmap.mmap:
    """What `git cat-file --batch` answers to these names, mapped: unnamed files cost half of what pipes do."""
    with _unnamed_file() as source, _unnamed_file() as target:
        source.write(names)
        source.seek(0)
        git.run_between(source, target, "cat-file", "--batch", "--buffer")
        return mmap.mmap(target.fileno(), 0, access=mmap.ACCESS_READ)


def _unnamed_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("llmops-git"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def missing_blob(oid: str) -> NotMeasured:
    """The error for a blob that a tree names and the object store does not have."""
    return NotMeasured(f"git has no blob {oid}, though a tree names it", hint="git fsck")
