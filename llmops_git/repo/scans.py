"""What blobs name, remembered by their content: within one command, and where there is an index, for the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from llmops_git.configs.references import Mention, Scan, Syntax, scan
from llmops_git.configs.tree import Entry, Tree

if TYPE_CHECKING:
    from llmops_git.repo.index import Index

Files = Sequence[tuple[str, Entry, Syntax]]


class ScanCache:
    """Scans by (blob id, syntax). A scan with problems is not remembered: its problems are worded for one file."""

    def __init__(self, index: Index | None) -> None:
        self._index = index
        self._known: dict[tuple[str, str], Scan] = {}

    def scan_files(self, tree: Tree, files: Files) -> list[Scan]:
        """The scans of these files of a tree; those that are not known yet are read in one go."""
        asked = {entry.oid for _, entry, syntax in files if (entry.oid, syntax) not in self._known}
        if self._index is not None and asked:
            self._known.update({key: _from_json(value) for key, value in self._index.scans(sorted(asked)).items()})
        missing = [path for path, entry, syntax in files if (entry.oid, syntax) not in self._known]
        contents = tree.read(missing) if missing else {}
        return [
            self._known.get((entry.oid, syntax)) or self._scan(path, entry, syntax, contents) for path, entry, syntax in files
        ]

    def _scan(self, path: str, entry: Entry, syntax: Syntax, contents: Any) -> Scan:
        found = scan(contents.get(path, b""), syntax, path)
        if not found.problems and path in contents:
            self._known[entry.oid, syntax] = found
            if self._index is not None:
                self._index.keep_scan(entry.oid, syntax, _to_json(found))
        return found


def _to_json(found: Scan) -> list[list[Any]]:
    return [[item.text, item.role, list(item.pointer), item.line, item.optional] for item in found.mentions]


def _from_json(value: list[list[Any]]) -> Scan:
    return Scan(tuple(Mention(text, role, tuple(pointer), line, optional) for text, role, pointer, line, optional in value))
