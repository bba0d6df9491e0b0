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
from llmops_git.repo.mentions import ANY_GUARDRAIL, ANY_NAME, DOTS, NAME_BYTES, MentionTable, folder_name, key_of_text
from llmops_git.repo.reader import Blobs

if TYPE_CHECKING:
    import mmap

_NAME = re.compile(rb"[" + NAME_BYTES + rb"]")
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LETTER_AFTER_DOT = re.compile(rb"\.[A-Za-z]")
_WORDS = bytes(byte if _NAME.match(bytes([byte])) else 0x20 for byte in range(256))
_COMMENT = ord("#")
# YAML escapes that can write a letter or a slash, or join two lines
_ESCAPE = re.compile(rb"\\[xuU/\r\n]")
_EXPLICIT_KEY = re.compile(rb"(?:\A|[\n\[{,-])[ \t]*\?[ \t\r\n]")

_TAG = re.compile(rb"\{%[-+]?[\s\x80-\xff]*(?:include|extends|import|from)\b")
_NAMED = re.compile(rb"""\s+(?:"([^"\\\n]*)"|'([^'\\\n]*)')\s*(?=ignore\s+missing\b|with\b|without\b|import\b|as\b|[-+]?%\})""")

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
# all but by far the commonest of them: a plain name, and another field on the next line
_OTHER_DATASET = re.compile(rb"dataset(?!: ?[A-Za-z0-9_./-]+\n *[a-z_]+:)")


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
        self._lines: dict[tuple[bytes, bytes], list[bytes]] = {}  # globs by folder and line
        self.unsure: set[int] = set()

    def words(self) -> None:
        """Every word with an ending of letters, as the key it would be (`key_of_text`, written out: most time goes here)."""
        text = self._buffer[:].translate(_WORDS)
        find, rfind = text.find, text.rfind
        begins, ends, paths, keys = self._begins, self._ends, self._paths, self._table.keys
        number, begin, end, path, folder = -1, 0, 0, b"", b""
        stop = 0
        for found in _LETTER_AFTER_DOT.finditer(text):
            dot = found.start()
            if dot < stop:
                continue
            while dot >= end:
                number += 1
                begin, end, path = begins[number], ends[number], paths[number]
                folder = folder_name(path)
            if dot < begin:
                continue
            start, stop = rfind(b" ", 0, dot) + 1, find(b" ", dot)
            slash, last = rfind(b"/", start, stop), rfind(b".", dot, stop)
            if slash > last or (last > dot and text[last + 1] not in _LETTERS):
                continue  # the ending of a folder, or of digits
            if slash < 0:
                key = folder + b"/" + text[start:stop]
            else:
                parent = rfind(b"/", start, slash) + 1 or start
                key = b"*" + text[slash:stop] if text[parent:slash] in DOTS else text[parent:stop]
            mentioning = keys.get(key)
            if mentioning is None:
                keys[key] = [path]
            elif mentioning[-1] is not path:
                mentioning.append(path)

    def guardrails(self) -> None:
        for number in self._having(b"guardrails"):
            self._table.add(ANY_GUARDRAIL, self._paths[number])

    def globs(self) -> None:
        """The globs among the values of the fields that take them."""
        for number, position in self._places(b"corpus"):
            self._glob_field(number, position, position + len(b"corpus"))
        for field in _OTHER_DATASET.finditer(self._buffer):
            number = bisect_right(self._ends, field.start())
            if field.start() >= self._begins[number]:
                self._glob_field(number, field.start(), field.end())

    def _glob_field(self, number: int, position: int, after: int) -> None:
        buffer = self._buffer
        folder = self._paths[number].rpartition(b"/")[0]
        line = folder, buffer[position : buffer.find(b"\n", position)].rstrip()  # what a list on one line means, it means again
        if line not in self._lines:
            if buffer[max(self._begins[number], position - 3) : position].rstrip(b" \t\"'").endswith(b"?"):
                self.unsure.add(number)
                return
            if not _COLON.match(buffer, after, self._ends[number]):
                return
            simple = _SIMPLE.match(buffer, position, self._ends[number])
            if simple is None:
                self.unsure.add(number)
                return
            targets = self._targets(number, simple["one"] or simple["row"] or simple["lines"])
            if not line[1].endswith(b"]"):
                self._add_globs(number, targets)
                return
            self._lines[line] = targets
        self._add_globs(number, self._lines[line])

    def _targets(self, number: int, values: bytes) -> list[bytes]:
        items = (item.strip(b"\"'").decode(errors="surrogateescape") for item in _EACH.findall(values))
        return [target for item in items if is_glob(item) and (target := _target(self._paths[number], item))]

    def _add_globs(self, number: int, targets: list[bytes]) -> None:
        for target in targets:
            self._table.add_glob(target, self._paths[number])

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
