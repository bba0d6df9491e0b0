"""Who may read what in one tree, from the bytes of its configs and templates: what a first `diff` knows before it parses.

Every true reference is in the table this makes, and a few that are none: whoever uses it verifies. A property test holds it
to the full parse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from llmops_git.configs.paths import CONFIG_ENDINGS
from llmops_git.configs.references import DATA_ENDINGS, Syntax, resolve, scan
from llmops_git.repo.mentions import ANY_GUARDRAIL, MentionTable, guardrails_folder, key_of
from llmops_git.repo.names import scan_configs, scan_templates
from llmops_git.repo.reader import Blobs, read_blobs

if TYPE_CHECKING:
    from llmops_git.repo.git import Git

ScanGroup = Callable[[Blobs, Sequence[bytes], MentionTable], list[int]]

_YAML = tuple(ending.encode() for ending in CONFIG_ENDINGS)
_DATA = tuple(ending.encode() for ending in DATA_ENDINGS)
# a path whose name a scan for words sees as a whole: an ending of letters, nothing that YAML could write as an escape
_USUAL = re.compile(
    rb"(?:(?:.*/)?[A-Za-z0-9_\-.+@~=\x80-\xff]+/)?[A-Za-z0-9_\-.+@~=\x80-\xff]*\.[A-Za-z][A-Za-z0-9_\-+@~=\x80-\xff]*",
    re.DOTALL,
)
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]|\xc2[\x80-\xa0]|\xe2\x80[\xa8\xa9]")
_FEW = 30
_RUN = re.compile(rb"[A-Za-z0-9_\-.+@~=\x80-\xff]+")


class Listing(NamedTuple):
    """What a tree holds, as git lists it: files (path -> blob id in hex), and the paths of symbolic links."""

    oids: dict[bytes, bytes]
    links: list[bytes]

    @staticmethod
    def parse(listed: bytes, object_format: str = "sha1") -> Listing:
        """From what `ls-tree -r -z` prints: `<mode> blob <id> TAB <path> NUL`."""
        path = len("100644 blob ") + (64 if object_format == "sha256" else 40) + 1
        lines = listed.split(b"\0")
        files = {
            line[path:]: line[12 : path - 1] for line in lines if line[:12] == b"100644 blob " or line[:12] == b"100755 blob "
        }
        return Listing(files, [line[path:] for line in lines if line[:7] == b"120000 "] if len(files) < len(lines) - 1 else [])


def mentions_of(git: Git, listing: Listing, configs: Sequence[bytes], root: str = "") -> MentionTable:
    """The mentions of a tree whose config files are `configs`: they are read, then whatever they may name, and so on."""
    return _Prefilter(git, listing, root).run(configs)


class _Prefilter:
    """Configs first, then the files they may name, then the files those may name."""

    def __init__(self, git: Git, listing: Listing, root: str) -> None:
        self._git = git
        self._oids = listing.oids
        self._root = root
        self._table = MentionTable()
        self._seen: set[bytes] = set()
        self._bare: list[bytes] = []  # files whose name has no ending that the words of a config could show

    def run(self, configs: Sequence[bytes]) -> MentionTable:
        names = self._by_key(set(configs))
        asked: set[bytes] = set()
        level = list(configs)
        while level:
            self._seen.update(level)
            found = self._scan(level)
            new = self._table.keys.keys() - asked
            asked |= new
            for key in new & names.keys():
                found += names[key]
            if ANY_GUARDRAIL in new:
                found += self._packs()
            if endings := tuple(key[1:] for key in new if key.startswith(b"*/")):
                found += [path for key in names if key.endswith(endings) for path in names[key]]
            level = [path for path in dict.fromkeys(found) if path not in self._seen]
        return self._table

    def _packs(self) -> list[bytes]:
        """The guardrail packs, which configs name by their names alone."""
        folder = guardrails_folder(self._root.encode(errors="surrogateescape"))
        return [path for path in self._oids if path.startswith(folder) and path.endswith(b".yaml")]

    def _by_key(self, configs: set[bytes]) -> dict[bytes, list[bytes]]:
        """The files that could name others."""
        names: dict[bytes, list[bytes]] = {}
        for path in self._oids:
            if path not in configs and not path.endswith(_DATA):
                names.setdefault(key_of(path), []).append(path)
        self._bare = [path for paths in names.values() for path in paths if not _USUAL.fullmatch(path)]
        return names

    def _scan(self, paths: Sequence[bytes]) -> list[bytes]:
        """Put what these files mention into the table; the unusual files that they may mention besides."""
        yaml = [path for path in paths if path.endswith(_YAML)]
        others = [path for path in paths if not path.endswith(_YAML)]
        found: list[bytes] = []
        for group, scan_group, syntax in _groups(yaml, others):
            blobs = read_blobs(self._git, [self._oids[path].decode() for path in group])
            for number in scan_group(blobs, group, self._table):
                add_exactly(self._table, group[number], blobs[number], syntax, self._root)
            if syntax == "config":
                found += self._bare_in(blobs)
        return found

    def _bare_in(self, blobs: Blobs) -> list[bytes]:
        """The unusual files whose name, or what a text would show of it, stands in one of these configs."""
        if len(self._bare) <= _FEW:
            return [path for path in self._bare if blobs.buffer.find(_longest_run(path)) >= 0]
        runs = set(_RUN.findall(blobs.buffer))
        return [path for path in self._bare if _longest_run(path) in runs or not _longest_run(path)]


def _groups(yaml: list[bytes], others: list[bytes]) -> Iterable[tuple[list[bytes], ScanGroup, Syntax]]:
    if yaml:
        yield yaml, scan_configs, "config"
    if others:
        yield others, scan_templates, "template"


def _longest_run(path: bytes) -> bytes:
    """The longest part of a file's name that stands in a text as it is, however the text is quoted; b"" for none."""
    name = path.rpartition(b"/")[2]
    return b"" if _CONTROL.search(name) else max(_RUN.findall(name), key=len, default=b"")


def add_exactly(table: MentionTable, path: bytes, data: bytes, syntax: Syntax, root: str) -> None:
    """Put the references of a file into the table as a parser sees them."""
    name = path.decode(errors="surrogateescape")
    for item in resolve(name, scan(data, syntax, name), root).items:
        target = item.path.encode(errors="surrogateescape")
        if item.glob:
            table.add_glob(target, path)
        else:
            table.add(key_of(target), path)
