"""A tree whose files have been read ahead, together with those of others: equal contents are read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from llmops_git.configs.tree import Entry, Tree


class SharedReads:
    """`tree`, reading from `contents` (blob id -> bytes) what is there."""

    def __init__(self, tree: Tree, contents: dict[str, bytes]) -> None:
        self._tree = tree
        self._contents = contents

    @property
    def name(self) -> str:
        return self._tree.name

    def entry(self, path: str) -> Entry | None:
        return self._tree.entry(path)

    def walk(self, folder: str = "") -> Mapping[str, Entry]:
        return self._tree.walk(folder)

    def read(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        others: list[str] = []
        for path in paths:
            entry = self._tree.entry(path)
            if entry is not None and entry.oid in self._contents:
                found[path] = self._contents[entry.oid]
            else:
                others.append(path)
        if others:
            found.update(self._tree.read(others))
        return found

    def read_ahead(self, files: Mapping[str, str]) -> None:
        """Put these files (path -> blob id) into the contents, in one read."""
        wanted = {oid: path for path, oid in files.items() if oid not in self._contents}
        contents = self._tree.read(wanted.values())
        self._contents.update({oid: contents[path] for oid, path in wanted.items() if path in contents})
