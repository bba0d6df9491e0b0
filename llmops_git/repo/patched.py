"""A tree that is another one with some files changed: the other side of a comparison, without reading it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from llmops_git.configs.tree import Entry, Tree
from llmops_git.repo.trees import CommitTree, read_entries

if TYPE_CHECKING:
    from llmops_git.repo.git import Git
    from llmops_git.repo.work_tree import DiskFiles


class PatchedTree:
    """`under`, with the entries of `patch` in place of its own (None: there is no such file). `on_disk` are read from disk."""

    def __init__(
        self,
        git: Git,
        under: Tree | None,
        patch: Mapping[str, Entry | None],
        *,
        name: str,
        disk: DiskFiles | None = None,
        on_disk: Iterable[str] = (),
    ) -> None:
        self.name = name
        self._git = git
        self._under = under
        self._patch = patch
        self._disk = disk
        self._on_disk = frozenset(on_disk)

    def entry(self, path: str) -> Entry | None:
        if path in self._patch:
            return self._patch[path]
        return self._under.entry(path) if self._under is not None else None

    def expect(self, paths: Iterable[str]) -> None:
        """These paths are about to be asked for."""
        if isinstance(self._under, CommitTree):
            self._under.expect(path for path in paths if path not in self._patch)

    def walk(self, folder: str = "") -> Mapping[str, Entry]:
        below = f"{folder}/" if folder else ""
        files = dict(self._under.walk(folder)) if self._under is not None else {}
        for path, entry in self._patch.items():
            if not path.startswith(below):
                continue
            if entry is None:
                files.pop(path, None)
            else:
                files[path] = entry
        return files

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        stored: dict[str, Entry] = {}
        contents: dict[str, bytes] = {}
        for path in paths:
            if path in self._on_disk and self._disk is not None:
                if (data := self._disk.read(path)) is not None:
                    contents[path] = data
            elif (entry := self.entry(path)) is not None:
                stored[path] = entry
        contents.update(read_entries(self._git, stored))
        return contents
