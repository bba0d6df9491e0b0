"""The work tree: what git knows of clean files, and what is on disk of the others. No filter runs and no link is followed."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from llmops_git.configs.tree import EXECUTABLE_MODE, FILE_MODE, SUBMODULE_MODE, SYMLINK_MODE, Entry, blob_oid
from llmops_git.errors import LlmopsError
from llmops_git.repo.reader import MOST_BYTES
from llmops_git.repo.trees import read_entries, too_large

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

# `ls-files -t -s`: untracked files as `? path`; others as a tag, then mode, id and stage in the index, then the path
_LISTED = re.compile(rb"\? ([^\0]*)\0|(\w) (\d{6}) ([0-9a-f]+) (\d)\t([^\0]*)\0")


class WorkTree:
    """Tracked files, and untracked ones that are not ignored. A clean file is read from git, any other from disk as it is."""

    name = "worktree"

    def __init__(self, git: Git) -> None:
        if git.location.work_tree is None:
            raise LlmopsError("a bare repository has no work tree", hint="name a commit")
        self._git = git
        self._files = DiskFiles(git.location.work_tree, git.location.object_format)
        self._entries: _Entries | None = None

    def entry(self, path: str) -> Entry | None:
        return self._all().get(path)

    def walk(self, folder: str = "") -> Mapping[str, Entry]:
        return self._all().below(folder) if folder else self._all()

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        known = self._all()
        wanted = [path for path in paths if path in known]
        clean = {path: entry for path in wanted if (entry := known.clean.get(path)) is not None}
        contents = read_entries(self._git, clean)
        for path in wanted:
            if path not in clean and (data := self._files.read(path)) is not None:
                contents[path] = data
        return contents

    def _all(self) -> _Entries:
        if self._entries is None:
            clean, dirty = _list(self._git)
            self._entries = _Entries(self._files, clean, {path for path in dirty if self._files.exists(path)})
        return self._entries


class DiskFiles:
    """Files on disk below a folder. A path that leads through a symbolic link is not there."""

    def __init__(self, top: Path, object_format: str) -> None:
        self._top = top
        self._format = object_format
        self._folders: dict[str, bool] = {"": True}

    def entry(self, path: str) -> Entry | None:
        """Mode and blob id of what is on disk now; None when there is nothing that git could store."""
        found = self._stat(path)
        if found is None:
            return None
        if stat.S_ISLNK(found.st_mode):
            return Entry(SYMLINK_MODE, blob_oid(os.fsencode(self._place(path).readlink()), algorithm=self._format))
        oid = self._hashed(path)
        if oid is None:
            return None
        return Entry(EXECUTABLE_MODE if found.st_mode & stat.S_IXUSR else FILE_MODE, oid)

    def exists(self, path: str) -> bool:
        """Whether there is a file or a link that git could store."""
        found = self._stat(path)
        return found is not None and (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode))

    def read(self, path: str) -> bytes | None:
        """The content of a regular file; None for anything else. Raises InvalidInput where it is larger than any we read."""
        file = self._open(path)
        if file is None:
            return None
        with file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise too_large(path)
        return data

    def _hashed(self, path: str) -> str | None:
        """The blob id of a regular file of any size, of which only a part is in memory; None for anything else."""
        file = self._open(path)
        if file is None:
            return None
        with file:
            size = os.fstat(file.fileno()).st_size
            if size <= MOST_BYTES:
                return blob_oid(file.read(), algorithm=self._format)
            made = hashlib.new(self._format, b"blob %d\0" % size, usedforsecurity=False)
            while part := file.read(1 << 20):
                made.update(part)
            return made.hexdigest()

    def _open(self, path: str) -> IO[bytes] | None:
        found = self._stat(path)
        if found is None or not stat.S_ISREG(found.st_mode):
            return None
        try:
            descriptor = os.open(self._place(path), os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        except OSError:
            return None
        return os.fdopen(descriptor, "rb")

    def _stat(self, path: str) -> os.stat_result | None:
        if not self._is_folder(path.rpartition("/")[0]):
            return None
        try:
            return self._place(path).lstat()
        except OSError:
            return None

    def _is_folder(self, folder: str) -> bool:
        """Whether each part of `folder` is a real folder."""
        if folder not in self._folders:
            try:
                real = stat.S_ISDIR(self._place(folder).lstat().st_mode)
            except OSError:
                real = False
            self._folders[folder] = real and self._is_folder(folder.rpartition("/")[0])
        return self._folders[folder]

    def _place(self, path: str) -> Path:
        return self._top / os.fsdecode(path.encode(errors="surrogateescape"))


class _Entries(Mapping[str, Entry]):
    """Path -> entry, where the files that git has not stored are read and hashed when they are asked for."""

    def __init__(self, files: DiskFiles, clean: dict[str, Entry], dirty: set[str]) -> None:
        self.clean = clean
        self._files = files
        self._dirty: dict[str, Entry | None] = dict.fromkeys(dirty)
        self._hashed: set[str] = set()

    def __getitem__(self, path: str) -> Entry:
        if path in self.clean:
            return self.clean[path]
        if path not in self._hashed:
            if path not in self._dirty:
                raise KeyError(path)
            self._dirty[path] = self._files.entry(path)
            self._hashed.add(path)
        entry = self._dirty[path]
        if entry is None:
            raise KeyError(path)
        return entry

    def __contains__(self, path: object) -> bool:
        return path in self.clean or path in self._dirty

    def __iter__(self) -> Iterator[str]:
        yield from self.clean
        yield from self._dirty

    def __len__(self) -> int:
        return len(self.clean) + len(self._dirty)

    def below(self, folder: str) -> Mapping[str, Entry]:
        prefix = f"{folder}/"
        return {path: entry for path in self if path.startswith(prefix) and (entry := self.get(path)) is not None}


def _list(git: Git) -> tuple[dict[str, Entry], set[str]]:
    """Clean files with their entries, and the paths of all others, from one process."""
    out = git.run("ls-files", "-z", "-t", "-s", "--cached", "--modified", "--others", "--exclude-standard")
    tracked: dict[str, Entry] = {}
    modified: set[str] = set()
    untracked: set[str] = set()
    for other, tag, mode, oid, stage, name in _LISTED.findall(out):
        path = (other or name).decode(errors="surrogateescape")
        if other:
            untracked.add(path)
        elif tag == b"C" or stage != b"0":
            if mode != SUBMODULE_MODE.encode():
                modified.add(path)
        else:
            tracked[path] = Entry(mode.decode(), oid.decode())
    hidden = _below_links(tracked, untracked)
    clean = {path: entry for path, entry in tracked.items() if path not in modified and path not in hidden}
    return clean, (modified | {path for path in untracked if not path.endswith("/")}) - hidden


def _below_links(tracked: Mapping[str, Entry], untracked: Iterable[str]) -> set[str]:
    """Tracked paths that an untracked file (a symbolic link to a folder) has taken the place of."""
    hidden: set[str] = set()
    ordered = sorted(tracked)
    for path in untracked:
        prefix = f"{path}/"
        position = bisect_left(ordered, prefix)
        while position < len(ordered) and ordered[position].startswith(prefix):
            hidden.add(ordered[position])
            position += 1
    return hidden
