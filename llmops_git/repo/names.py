"""Finds in the bytes of many files what may name other files: every name is found, and some that are none.

Nothing is parsed: configs are searched for words with a dot, templates for include tags. A file in which a name could hide
(escapes, anchors, values over several lines) is given back as unsure, for its references to be read exactly.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING

from llmops_git.configs.glob import is_glob
from llmops_git.configs.paths import join
from llmops_git.repo.mentions import ANY_GUARDRAIL, ANY_NAME, NAME_BYTES, MentionTable, folder_name, key_of_text
from llmops_git.repo.reader import Blobs

if TYPE_CHECKING:
    import mmap

_NAME = re.compile(rb"[" + NAME_BYTES + rb"]")
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WORDS = bytes(byte if _NAME.match(bytes([byte])) else 0x20 for byte in range(256))
_COMMENT = ord("#")
# YAML escapes that can write a letter or a slash, or join two lines
_ESCAPE = re.compile(rb"\\[xuU/\r\n]")
_EXPLICIT_KEY = re.compile(rb"(?:\A|[\n\[{,-])[ \t]*\?[ \t\r\n]")

_TAG = re.compile(rb"\{%[-+]?[\s\x80-\xff]*(?:include|extends|import|from)\b")
_NAMED = re.compile(rb"""\s+(?:"([^"\\\n]*)"|'([^'\\\n]*)')\s*(?=ignore\s+missing\b|with\b|without\b|import\b|as\b|[-+]?%\})""")

_GLOBBING = (b"corpus", b"dataset")
_COLON = re.compile(rb"[\"']?[ \t]*:")
_QUOTED = rb"""(?:"[^"\\\n]*"|'[^'\n]*')"""
_ITEM = rb"(?:" + _QUOTED + rb"|[A-Za-z0-9_.~/+@=\x80-\xff-][A-Za-z0-9_.~/+@=\x80-\xff*?!^-]*)"
_END = rb"(?:[ \t]+#[^\n]*|[ \t]*)(?:\r?\n|\Z)"
# a line that does not go on with the value of the line before
_NEXT = rb"""(?=(?:[ \t]*\r?\n)*[ \t]*(?:\Z|#|\w[\w-]*[ \t]*:|["'][^"'\n]*["'][ \t]*:|\}))"""
# the values of `corpus` and `dataset` that are as simple as they look: one item, a list on one line, a list of lines
_SIMPLE = re.compile(
    rb"""\w+["']?[ \t]*:(?:[ \t]+(?P<one>"""
    + (_ITEM + rb")(?:" + _END + _NEXT + rb"|(?<=[\"'])[ \t]*[,}]|[ \t]*[,}](?=[^\n*?\[]*(?:\n|\Z)))")
    + (rb"|[ \t]*\[[ \t]*(?P<row>" + _ITEM + rb"(?:[ \t]*,[ \t]*" + _ITEM + rb")*)[ \t]*,?[ \t]*\]")
    + (rb"|" + _END + rb"(?P<lines>(?P<indent>[ \t]*)-[ \t]+" + _ITEM + _END)
    + (rb"(?:(?P=indent)-[ \t]+" + _ITEM + _END + rb")*)" + _NEXT + rb")")
)
_EACH = re.compile(_ITEM)
# by far the commonest of them: a plain name, and another field on the next line
_PLAIN_VALUE = re.compile(rb"dataset: ?[A-Za-z0-9_./-]+\n *[a-z_]+:")


def scan_configs(blobs: Blobs, paths: Sequence[bytes], table: MentionTable) -> list[int]:
    """Put the names in these configs into `table`; the numbers of those that are unsure."""
    begins = [_after_comments(blobs.buffer, start, end) for start, end in zip(blobs.starts, blobs.ends, strict=True)]
    scan = _ConfigScan(blobs, begins, paths, table)
    table.keys.setdefault(ANY_NAME, []).extend(paths)
    scan.words()
    scan.guardrails()
    scan.globs()
    scan.escapes()
    scan.explicit_keys()
    return sorted(scan.unsure)


def scan_templates(blobs: Blobs, paths: Sequence[bytes], table: MentionTable) -> list[int]:
    """Put the includes in these templates into `table`; the numbers of those that are unsure."""
    ends, add, match = blobs.ends, table.add, _NAMED.match
    buffer = blobs.buffer
    number, end, path, folder = -1, 0, b"", b""
    unsure: set[int] = set()
    for tag in _TAG.finditer(buffer):
        place = tag.end()
        while place > end:
            number += 1
            end, path = ends[number], paths[number]
            folder = folder_name(path)
        named = match(buffer, place, end)
        if named is None:
            unsure.add(number)
        else:
            add(key_of_text(named[1] or named[2] or b"", folder), path)
    return sorted(unsure)


class _ConfigScan:
    """One pass over many configs in one buffer, for one kind of thing after the other."""

    def __init__(self, blobs: Blobs, begins: list[int], paths: Sequence[bytes], table: MentionTable) -> None:
        self._buffer = blobs.buffer
        self._begins = begins
        self._ends = blobs.ends
        self._paths = paths
        self._table = table
        self._fields: dict[tuple[bytes, bytes], list[bytes]] = {}  # globs by folder and value
        self.unsure: set[int] = set()

    def words(self) -> None:
        """Every word with an ending of letters, as the key it would be."""
        text = self._buffer[:].translate(_WORDS)
        find, rfind, letters = text.find, text.rfind, _LETTERS
        begins, ends, paths, add = self._begins, self._ends, self._paths, self._table.add
        number, begin, end, path, folder = -1, 0, 0, b"", b""
        position = find(b".")
        while position >= 0:
            if text[position + 1] not in letters:
                position = find(b".", position + 1)
                continue
            while position >= end:
                number += 1
                begin, end, path = begins[number], ends[number], paths[number]
                folder = folder_name(path)
            if position < begin:
                position = find(b".", begin)
                continue
            stop = find(b" ", position)
            dot = rfind(b".", position, stop)
            if text[dot + 1] in letters and find(b"/", dot, stop) < 0:
                add(key_of_text(text[rfind(b" ", 0, position) + 1 : stop], folder), path)
            position = find(b".", stop)

    def guardrails(self) -> None:
        for number in self._having(b"guardrails"):
            self._table.add(ANY_GUARDRAIL, self._paths[number])

    def globs(self) -> None:
        """The globs among the values of the fields that take them."""
        plain = {found.start() for found in _PLAIN_VALUE.finditer(self._buffer)}
        for word in _GLOBBING:
            if word == b"dataset" and self._buffer[:].count(word) == len(plain):
                continue
            for number, position in self._places(word):
                if position not in plain:
                    self._glob_field(number, position, position + len(word))

    def _glob_field(self, number: int, position: int, after: int) -> None:
        if self._buffer[max(self._begins[number], position - 3) : position].rstrip(b" \t\"'").endswith(b"?"):
            self.unsure.add(number)
        elif _COLON.match(self._buffer, after, self._ends[number]):
            simple = _SIMPLE.match(self._buffer, position, self._ends[number])
            if simple is None:
                self.unsure.add(number)
            else:
                self._items(number, simple)

    def escapes(self) -> None:
        """Names can be written with escapes: in YAML with some of them, in the includes of an inline template with any."""
        for found in _ESCAPE.finditer(self._buffer):
            self.unsure.add(bisect_right(self._ends, found.start()))
        for number in self._having(b"\\"):
            if number not in self.unsure and _TAG.search(self._buffer, self._begins[number], self._ends[number]):
                self.unsure.add(number)

    def explicit_keys(self) -> None:
        """`? corpus` on a line of its own, its value on the next."""
        for number in self._having(b"?"):
            if _EXPLICIT_KEY.search(self._buffer, self._begins[number], self._ends[number]):
                self.unsure.add(number)

    def _items(self, number: int, simple: re.Match[bytes]) -> None:
        path = self._paths[number]
        field = path.rpartition(b"/")[0], simple["one"] or simple["row"] or simple["lines"]
        if field not in self._fields:
            items = (item.strip(b"\"'").decode(errors="surrogateescape") for item in _EACH.findall(field[1]))
            self._fields[field] = [target for item in items if is_glob(item) and (target := _target(path, item))]
        for target in self._fields[field]:
            self._table.add_glob(target, path)

    def _having(self, word: bytes) -> list[int]:
        return list(dict.fromkeys(number for number, _ in self._places(word)))

    def _places(self, word: bytes) -> list[tuple[int, int]]:
        """(number, position) of each place of a word; leading comments do not count."""
        places = []
        find = self._buffer.find
        number = 0
        position = find(word)
        while position >= 0:
            while self._ends[number] <= position:
                number += 1
            if position >= self._begins[number]:
                places.append((number, position))
            position = find(word, position + 1)
        return places


def _target(path: bytes, text: str) -> bytes:
    try:
        return join(path.decode(errors="surrogateescape"), text).encode(errors="surrogateescape")
    except ValueError:
        return b""


def _after_comments(buffer: bytes | mmap.mmap, start: int, end: int) -> int:
    """Where a file goes on after the comments it begins with (an editor's schema line names a file that is not read)."""
    while start < end and buffer[start] == _COMMENT:
        line_end = buffer.find(b"\n", start, end)
        start = end if line_end < 0 else line_end + 1
    return start
