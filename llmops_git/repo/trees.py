"""The files of a commit, of the index or of the work tree, as git knows them: nothing is checked out, no link is followed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from llmops_git.configs.tree import SUBMODULE_MODE, SYMLINK_MODE, Entry, Tree
from llmops_git.errors import InvalidInput, LlmopsError, NotMeasured, Problem
from llmops_git.repo.commits import find_commit
from llmops_git.repo.folder import NO_FOLDER, Folder
from llmops_git.repo.objects import TOO_LARGE
from llmops_git.repo.partial import fetch_missing
from llmops_git.repo.reader import MOST_BYTES, missing_blob

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

FOLDER_MODE = "40000"
MOST_BYTES_AT_ONCE = 512 << 20  # of the files that are in memory for one question
_READ_AT_ONCE = 1_000  # files between two looks at the sum
_LISTED = re.compile(rb"(\d{6}) \w+ ([0-9a-f]+)\t([^\0]*)\0")
_STAGED = re.compile(rb"(\d{6}) ([0-9a-f]+) (\d)\t([^\0]*)\0")


def commit_tree(git: Git, revision: str) -> CommitTree:
    """The files of a commit. Raises LlmopsError when the revision names no commit in this clone."""
    commit = find_commit(git, revision)
    return CommitTree(git, commit.tree, name=commit.oid)


def index_tree(git: Git) -> IndexTree:
    """The files that are staged. Raises LlmopsError while a merge has conflicts."""
    return IndexTree(git)


def work_tree(git: Git) -> Tree:
    """The files of the work tree, tracked or not ignored. Raises LlmopsError in a bare repository."""
    from llmops_git.repo.work_tree import WorkTree

    return WorkTree(git)


class CommitTree:
    """A tree object: folders are read when something in them is asked for, and the whole listing only by `walk()`."""

    def __init__(self, git: Git, oid: str, *, name: str = "") -> None:
        self.oid = oid
        self._git = git
        self._name = name or oid
        self._folders: dict[str, Folder] = {}
        self._all: dict[str, Entry] | None = None

    @property
    def name(self) -> str:
        return self._name

    def entry(self, path: str) -> Entry | None:
        if self._all is not None:
            return self._all.get(path)
        folder, slash, name = path.rpartition("/")
        if slash and not folder:
            return None
        entry = self._folder(folder).get(name)
        return None if entry is None or entry.mode == FOLDER_MODE else entry

    def walk(self, folder: str = "") -> Mapping[str, Entry]:
        if folder and self._all is None:
            return self._walk_folder(folder)
        if self._all is None:
            self._all = self._list()
        below = f"{folder}/"
        return {path: entry for path, entry in self._all.items() if path.startswith(below)} if folder else self._all

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        return read_entries(self._git, {path: entry for path in paths if (entry := self.entry(path)) is not None})

    def expect(self, paths: Iterable[str]) -> None:
        """Read the folders of these paths, one read for each level."""
        level = {("", self.oid)} if "" not in self._folders else set()
        wanted = {tuple(path.split("/")[:-1]) for path in paths}
        for depth in range(1, 1 + max(map(len, wanted), default=0)):
            self._read_into(level)
            folders = {("/".join(parts[:depth]), parts[depth - 1]) for parts in wanted if len(parts) >= depth}
            level = {
                (folder, entry.oid)
                for folder, name in folders
                if folder not in self._folders
                and (entry := self._folders.get(folder[: -len(name) - 1], NO_FOLDER).get(name)) is not None
                and entry.mode == FOLDER_MODE
            }
        self._read_into(level)

    def _list(self) -> dict[str, Entry]:
        out = self._git.run("ls-tree", "-r", "-z", "--full-tree", self.oid)
        return {_text(path): Entry(mode.decode(), oid.decode()) for mode, oid, path in _LISTED.findall(out)}

    def _folder(self, folder: str) -> Folder:
        """A folder of the tree; an empty one where there is none."""
        if folder not in self._folders:
            self.expect([f"{folder}/"])
        return self._folders.setdefault(folder, NO_FOLDER)

    def _read_into(self, level: Iterable[tuple[str, str]]) -> None:
        folders = list(level)
        width = 32 if self._git.location.object_format == "sha256" else 20
        for (path, oid), item in zip(folders, self._git.objects.read([oid for _, oid in folders]), strict=True):
            if item is None or item.kind != "tree":
                raise NotMeasured(f"git has no tree {oid}, though another one names it", hint="git fsck")
            self._folders[path] = Folder(item.data, width)

    def _walk_folder(self, folder: str) -> dict[str, Entry]:
        """Everything below a folder, one read for each level."""
        found: dict[str, Entry] = {}
        level = {folder: self._folder(folder)}
        while level:
            entries = {f"{path}/{name}": entry for path, inside in level.items() for name, entry in inside.items()}
            deeper = {path: entry.oid for path, entry in entries.items() if entry.mode == FOLDER_MODE}
            found.update({path: entry for path, entry in entries.items() if path not in deeper})
            self._read_into((path, oid) for path, oid in deeper.items() if path not in self._folders)
            level = {path: self._folders[path] for path in deeper}
        return found


class IndexTree:
    """What is staged for the next commit."""

    name = "index"

    def __init__(self, git: Git) -> None:
        self._git = git
        self._entries: dict[str, Entry] | None = None

    def entry(self, path: str) -> Entry | None:
        return self._all().get(path)

    def walk(self, folder: str = "") -> Mapping[str, Entry]:
        below = f"{folder}/"
        return {path: entry for path, entry in self._all().items() if path.startswith(below)} if folder else self._all()

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        return read_entries(self._git, {path: entry for path in paths if (entry := self.entry(path)) is not None})

    def _all(self) -> dict[str, Entry]:
        if self._entries is None:
            self._entries = {}
            for mode, oid, stage, path in _STAGED.findall(self._git.run("ls-files", "-s", "-z")):
                if stage != b"0":
                    raise LlmopsError(f"{_text(path)} has merge conflicts", hint="resolve them and git add the file")
                self._entries[_text(path)] = Entry(mode.decode(), oid.decode())
        return self._entries


def read_entries(git: Git, entries: Mapping[str, Entry]) -> dict[str, bytes]:
    """The contents of files, by path; links and submodules have none. In a partial clone all are fetched at once."""
    files = {path: entry.oid for path, entry in entries.items() if entry.mode not in (SYMLINK_MODE, SUBMODULE_MODE)}
    oids = list(dict.fromkeys(files.values()))
    fetch_missing(git, oids)
    contents: dict[str, bytes] = {}
    total = 0
    for start in range(0, len(oids), _READ_AT_ONCE):
        some = oids[start : start + _READ_AT_ONCE]
        for oid, item in zip(some, git.objects.read(some), strict=True):
            total += len(item.data) if item is not None else 0
            if item is not None and (item.kind == TOO_LARGE or total > MOST_BYTES_AT_ONCE):
                raise too_large(next(path for path, other in files.items() if other == oid))
            if item is None or item.kind != "blob":
                raise missing_blob(oid)
            contents[oid] = item.data
    return {path: contents[oid] for path, oid in files.items()}


def too_large(path: str) -> InvalidInput:
    """The error for a file that is not read because of its size, or of that of the files before it."""
    message = f"larger than {MOST_BYTES >> 20} MB, or one of many that are larger than {MOST_BYTES_AT_ONCE >> 20} MB together"
    return InvalidInput([Problem(path=path, message=message, hint="keep such files out of configs and corpora")])


def _text(path: bytes) -> str:
    return path.decode(errors="surrogateescape")
