"""The files of a commit, of the index or of the work tree, as git knows them: nothing is checked out, no link is followed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from llmops_git.configs.tree import SUBMODULE_MODE, SYMLINK_MODE, Entry, Tree
from llmops_git.errors import LlmopsError, NotMeasured
from llmops_git.repo.commits import find_commit
from llmops_git.repo.partial import fetch_missing
from llmops_git.repo.reader import missing_blob

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

FOLDER_MODE = "40000"
_LISTED = re.compile(rb"(\d{6}) \w+ ([0-9a-f]+)\t([^\0]*)\0")
_STAGED = re.compile(rb"(\d{6}) ([0-9a-f]+) (\d)\t([^\0]*)\0")
_RAW = {  # object format -> the entries of a raw tree object: mode, name, binary id
    "sha1": re.compile(rb"(\d{5,6}) ([^\0]+)\0(.{20})", re.DOTALL),
    "sha256": re.compile(rb"(\d{5,6}) ([^\0]+)\0(.{32})", re.DOTALL),
}


def commit_tree(git: Git, revision: str) -> CommitTree:
    """The files of a commit. Raises LlmopsError when the revision names no commit in this clone."""
    commit = find_commit(git, revision)
    return CommitTree(git, commit.tree, name=commit.oid)


def index_tree(git: Git) -> IndexTree:
    """The files that are staged. Raises LlmopsError while a merge has conflicts."""
    return IndexTree(git)


def work_tree(git: Git) -> Tree:
    """The files of the work tree, tracked or not ignored. Raises LlmopsError in a bare repository."""
    from llmops_git.repo.work_tree import WorkTree  # noqa: PLC0415

    return WorkTree(git)


class CommitTree:
    """A tree object: folders are read when something in them is asked for, and the whole listing only by `walk()`."""

    def __init__(self, git: Git, oid: str, *, name: str = "") -> None:
        self.oid = oid
        self._git = git
        self._name = name or oid
        self._folders: dict[str, dict[str, Entry]] = {}
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

    def _list(self) -> dict[str, Entry]:
        out = self._git.run("ls-tree", "-r", "-z", "--full-tree", self.oid)
        return {_text(path): Entry(mode.decode(), oid.decode()) for mode, oid, path in _LISTED.findall(out)}

    def _folder(self, folder: str) -> dict[str, Entry]:
        """The entries of one folder by name, subfolders among them; none when there is no such folder."""
        if folder in self._folders:
            return self._folders[folder]
        path, oid = "", self.oid
        parts = folder.split("/") if folder else []
        for part in ["", *parts]:  # a loop: how deep a path goes is for whoever wrote it to say
            path = f"{path}/{part}" if path else part
            if path not in self._folders:
                self._folders[path] = self._read_folders([oid])[0]
            deeper = self._folders[path].get(parts[0]) if parts else None
            parts = parts[1:]
            if deeper is None or deeper.mode != FOLDER_MODE:
                break
            oid = deeper.oid
        return self._folders.setdefault(folder, {})

    def _read_folders(self, oids: list[str]) -> list[dict[str, Entry]]:
        entries = _RAW[self._git.location.object_format]
        folders = []
        for oid, item in zip(oids, self._git.objects.read(oids), strict=True):
            if item is None or item.kind != "tree":
                raise NotMeasured(f"git has no tree {oid}, though another one names it", hint="git fsck")
            found = entries.findall(item.data)
            folders.append({_text(name): Entry(mode.decode(), oid.hex()) for mode, name, oid in found})
        return folders

    def _walk_folder(self, folder: str) -> dict[str, Entry]:
        """Everything below a folder, one read for each level."""
        found: dict[str, Entry] = {}
        level = [(folder, self._folder(folder))]
        while level:
            deeper: list[tuple[str, str]] = []
            for path, entries in level:
                for name, entry in entries.items():
                    if entry.mode == FOLDER_MODE:
                        deeper.append((f"{path}/{name}", entry.oid))
                    else:
                        found[f"{path}/{name}"] = entry
            read = self._read_folders([oid for _, oid in deeper])
            level = [(path, entries) for (path, _), entries in zip(deeper, read, strict=True)]
            self._folders.update(level)
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
    for oid, item in zip(oids, git.objects.read(oids), strict=True):
        if item is None or item.kind != "blob":
            raise missing_blob(oid)
        contents[oid] = item.data
    return {path: contents[oid] for path, oid in files.items()}


def _text(path: bytes) -> str:
    return path.decode(errors="surrogateescape")
