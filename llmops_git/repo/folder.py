"""One tree object: the entries of a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmops_git.configs.tree import Entry

_RAW = {  # bytes of an object id -> mode, name and id of each entry, one after the other as git stores them
    20: re.compile(rb"(\d{5,6}) ([^\0]+)\0(.{20})", re.DOTALL),
    32: re.compile(rb"(\d{5,6}) ([^\0]+)\0(.{32})", re.DOTALL),
}


class Folder:
    """The entries of a tree object by name, subfolders among them; `width` is the length of an id in bytes."""

    __slots__ = ("_entries",)

    def __init__(self, data: bytes, width: int) -> None:
        self._entries = {name: (mode, oid) for mode, name, oid in _RAW[width].findall(data)}

    def get(self, name: str) -> Entry | None:
        found = self._entries.get(name.encode(errors="surrogateescape"))
        return None if found is None else Entry(found[0].decode(), found[1].hex())

    def items(self) -> Iterator[tuple[str, Entry]]:
        for name, (mode, oid) in self._entries.items():
            yield name.decode(errors="surrogateescape"), Entry(mode.decode(), oid.hex())


NO_FOLDER = Folder(b"", 20)
