"""Which files may name which: a superset of the references of a tree, cheap to make, and verified before anything is said.

A file is looked up by its *key*, `<parent folder>/<name>`: the last two components of a path survive in the text that names
it, whichever folder the naming file is in. `*` stands for a parent that the text does not tell (`../x.j2`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from llmops_git.configs.glob import compile_glob, glob_folder

# what a name is made of where it can be told apart in a text without parsing it
NAME_BYTES = rb"A-Za-z0-9_\-./+@~=\x80-\xff"
ANY_GUARDRAIL = b"guardrails:"
ANY_NAME = b"*"

_PLAIN = re.compile(rb"[A-Za-z0-9_\-.+@~=\x80-\xff]*\.[A-Za-z][A-Za-z0-9_\-+@~=\x80-\xff]*")
_TAIL = re.compile(rb"[A-Za-z0-9_\-.+@~=\x80-\xff]*\.[A-Za-z][A-Za-z0-9_\-+@~=\x80-\xff]*\Z")
DOTS = frozenset({b"", b".", b".."})


class Mentions(Protocol):
    """Answers who may name a path. Paths are bytes, as git has them."""

    def keyed(self, keys: Iterable[bytes]) -> Iterator[bytes]:
        """The files that mention one of these keys."""

    def ending(self, name: bytes) -> Iterator[bytes]:
        """The files that mention a key that ends with `name`."""

    def patterns(self) -> Iterable[bytes]:
        """All globs."""

    def globbing(self, pattern: bytes) -> Iterable[bytes]:
        """The files that name this glob."""


class MentionTable:
    """Mentions in memory."""

    def __init__(self) -> None:
        self.keys: dict[bytes, list[bytes]] = {}
        self.globs: dict[bytes, list[bytes]] = {}

    def add(self, key: bytes, path: bytes) -> None:
        """The file at `path` mentions `key`."""
        paths = self.keys.setdefault(key, [])
        if not paths or paths[-1] is not path:
            paths.append(path)

    def add_glob(self, pattern: bytes, path: bytes) -> None:
        """The file at `path` names all files that fit `pattern`."""
        self.globs.setdefault(pattern, []).append(path)

    def keyed(self, keys: Iterable[bytes]) -> Iterator[bytes]:
        for key in keys:
            yield from self.keys.get(key, ())

    def ending(self, name: bytes) -> Iterator[bytes]:
        for key, paths in self.keys.items():
            if key.endswith(name):
                yield from paths

    def patterns(self) -> Iterable[bytes]:
        return self.globs

    def globbing(self, pattern: bytes) -> Iterable[bytes]:
        return self.globs.get(pattern, ())


class MentionChain:
    """Several sources of mentions as one."""

    def __init__(self, *sources: Mentions) -> None:
        self._sources = sources

    def keyed(self, keys: Iterable[bytes]) -> Iterator[bytes]:
        wanted = tuple(keys)
        for source in self._sources:
            yield from source.keyed(wanted)

    def ending(self, name: bytes) -> Iterator[bytes]:
        for source in self._sources:
            yield from source.ending(name)

    def patterns(self) -> Iterable[bytes]:
        return {pattern for source in self._sources for pattern in source.patterns()}

    def globbing(self, pattern: bytes) -> Iterable[bytes]:
        return [path for source in self._sources for path in source.globbing(pattern)]


def key_of(path: bytes) -> bytes:
    """The key of a path of the repository."""
    name = path.rfind(b"/")
    return path[path.rfind(b"/", 0, name) + 1 :] if name >= 0 else b"/" + path


def folder_name(path: bytes) -> bytes:
    """The name of the folder that a path is in; b"" at the top."""
    name = path.rfind(b"/")
    return path[path.rfind(b"/", 0, name) + 1 : name] if name >= 0 else b""


def key_of_text(text: bytes, folder: bytes) -> bytes:
    """The key that a relative path in a file means; `folder` is the name of the folder that file is in."""
    name = text.rfind(b"/")
    if name < 0:
        return folder + b"/" + text
    start = text.rfind(b"/", 0, name) + 1
    if text[start:name] in DOTS:
        return b"*" + text[name:]
    return text[start:] if start else text


def guardrails_folder(root: bytes) -> bytes:
    """The folder of guardrail packs, with its slash: a pack is named by its name alone."""
    return root + b"/guardrails/" if root else b"guardrails/"


def reach(mentions: Mentions, changed: Iterable[bytes], root: bytes = b"") -> set[bytes]:
    """Every file that may read one of the changed files, directly or through others."""
    guardrails = guardrails_folder(root)
    globs = _by_folder(mentions.patterns())
    found: set[bytes] = set()
    level = set(changed)
    while level:
        keys: set[bytes] = set()
        for path in level:
            keys.update(_keys(path, guardrails))
        naming = set(mentions.keyed(keys))
        for name in {tail for path in level if (tail := _weird_tail(path))}:
            naming.update(mentions.ending(name))
        for pattern in {pattern for path in level for pattern in _fitting(path, globs)}:
            naming.update(mentions.globbing(pattern))
        level = naming - found
        found |= level
    return found


def mentioned(mentions: Mentions, path: bytes, root: bytes = b"") -> bool:
    """Whether any file may name this path as a single file."""
    if next(iter(mentions.keyed(_keys(path, guardrails_folder(root)))), None) is not None:
        return True
    tail = _weird_tail(path)
    return bool(tail) and next(iter(mentions.ending(tail)), None) is not None


def _keys(path: bytes, guardrails: bytes) -> Iterator[bytes]:
    """Every key under which a text may mention `path`."""
    yield key_of(path)
    name = path.rpartition(b"/")[2]
    yield b"*/" + name
    if path.startswith(guardrails):
        yield ANY_GUARDRAIL
    if not _TAIL.search(name):
        yield ANY_NAME


def _weird_tail(path: bytes) -> bytes:
    """What a scan for names may see at least of a path with unusual bytes in its last two components; b"" when it sees all."""
    folder, _, name = path.rpartition(b"/")
    parent = folder.rpartition(b"/")[2]
    if _PLAIN.fullmatch(name) and not re.search(rb"[^" + NAME_BYTES + rb"]", parent):
        return b""
    tail = _TAIL.search(name)
    return tail[0] if tail else b""


def _by_folder(patterns: Iterable[bytes]) -> dict[str, list[str]]:
    folders: dict[str, list[str]] = {}
    for pattern in patterns:
        text = pattern.decode(errors="surrogateescape")
        folders.setdefault(glob_folder(text), []).append(text)
    return folders


def _fitting(path: bytes, globs: dict[str, list[str]]) -> Iterator[bytes]:
    text = path.decode(errors="surrogateescape")
    folder = text
    while folder:
        folder = folder.rpartition("/")[0]
        for pattern in globs.get(folder, ()):
            if compile_glob(pattern).fullmatch(text):
                yield pattern.encode(errors="surrogateescape")
