"""A tree: the files of one commit, of the index or of the work tree. Everything else is computed from trees."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE_MODE = "100644"
EXECUTABLE_MODE = "100755"
SYMLINK_MODE = "120000"
SUBMODULE_MODE = "160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree: git mode (six octal digits) and blob id (hex)."""

    mode: str
    oid: str


class Tree(Protocol):
    """Files by repository-relative POSIX path. Implementations read git, the work tree or a dict."""

    @property
    def name(self) -> str:
        """What to call this tree in messages: a commit id, `index` or `worktree`."""

    def entry(self, path: str) -> Entry | None:
        """The entry at `path`, or None when there is no such file (folders have no entry)."""

    def walk(self, folder: str = "") -> Mapping[str, Entry]:
        """All entries, or those anywhere below `folder`: path -> entry."""

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """Contents of the files at `paths`; paths that do not exist are left out."""


class DictTree:
    """A tree made of a dict, for tests and for values that never touched git."""

    def __init__(self, files: Mapping[str, str | bytes], *, name: str = "dict", modes: Mapping[str, str] | None = None) -> None:
        self._files = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self._modes = dict(modes or {})
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def entry(self, path: str) -> Entry | None:
        if path not in self._files:
            return None
        return Entry(self._modes.get(path, FILE_MODE), blob_oid(self._files[path]))

    def walk(self, folder: str = "") -> Mapping[str, Entry]:
        below = f"{folder}/" if folder else ""
        return {
            path: Entry(self._modes.get(path, FILE_MODE), blob_oid(data))
            for path, data in self._files.items()
            if path.startswith(below)
        }

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        return {path: self._files[path] for path in paths if path in self._files}


def blob_oid(data: bytes, *, algorithm: str = "sha1") -> str:
    """The id git gives to a blob with this content (`git hash-object`)."""
    return hashlib.new(algorithm, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
