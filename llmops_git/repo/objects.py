"""Reads objects in one `git cat-file --batch` process, in as many rounds as are needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Self

from llmops_git.errors import NotMeasured

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from llmops_git.repo.git import Git

TOO_LARGE = "too large"  # the kind of an object whose content was not read
_SKIPPED_AT_ONCE = 1 << 20
_CHUNK = 100  # names written before their answers are read: must fit into a pipe, or both sides wait for ever


@dataclass(frozen=True, slots=True)
class GitObject:
    """One object: its id, its type (commit, tag, tree, blob) and its content; none where it is `TOO_LARGE`."""

    oid: str
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One entry of a tree object: git mode (octal digits as git stores them), name and object id."""

    mode: str
    name: str
    oid: str


class ObjectReader:
    """A context in which objects are read by name (`<oid>`, `<commit>:<path>`, …). The process starts with the first one.

    With `most_bytes` a larger object is left out: a gigabyte of zeros is a megabyte when it is pushed.
    """

    def __init__(self, git: Git, *, most_bytes: int | None = None) -> None:
        self._git = git
        self._most_bytes = most_bytes
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is not None:
            with self._process:
                if kind is not None:
                    self._process.kill()

    def read(self, names: Sequence[str]) -> list[GitObject | None]:
        """The objects of these names, in order; None where there is none."""
        found: list[GitObject | None] = []
        for start in range(0, len(names), _CHUNK):
            found.extend(self._read_chunk(names[start : start + _CHUNK]))
        return found

    def _read_chunk(self, names: Sequence[str]) -> Iterable[GitObject | None]:
        if self._process is None:
            self._process = self._git.start("cat-file", "--batch")
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None  # noqa: S101  # both are pipes: `Git.start` says so
        assert stdout is not None  # noqa: S101
        stdin.write("".join(f"{name}\n" for name in names).encode())
        stdin.flush()
        for _ in names:
            header = stdout.readline().decode(errors="replace").split()
            if not header:
                raise NotMeasured("git cat-file ended early", hint="git fsck")
            if len(header) != 3 or not header[2].isdigit():  # noqa: PLR2004
                yield None
                continue
            size = int(header[2])
            if self._most_bytes is not None and size > self._most_bytes:
                _skip(stdout, size + 1)
                yield GitObject(header[0], TOO_LARGE, b"")
                continue
            yield GitObject(header[0], header[1], stdout.read(size + 1)[:-1])


def _skip(stream: IO[bytes], count: int) -> None:
    while count > 0:
        read = len(stream.read(min(count, _SKIPPED_AT_ONCE)))
        if not read:
            return
        count -= read


def read_objects(git: Git, names: Sequence[str]) -> list[GitObject | None]:
    """The objects of these names, in order; None where there is none. No process when there are no names."""
    with ObjectReader(git) as reader:
        return reader.read(names)


def tree_entries(data: bytes, object_format: str) -> list[TreeEntry]:
    """The entries of a raw tree object: `<mode> <name> NUL <binary id>`, one after the other."""
    width = 32 if object_format == "sha256" else 20
    entries = []
    position = 0
    while position < len(data):
        space = data.index(b" ", position)
        end = data.index(b"\0", space)
        oid = data[end + 1 : end + 1 + width].hex()
        name = data[space + 1 : end].decode(errors="surrogateescape")
        entries.append(TreeEntry(data[position:space].decode(), name, oid))
        position = end + 1 + width
    return entries
