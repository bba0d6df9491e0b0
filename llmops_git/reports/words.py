"""What differs between two texts, word by word, in bounded time."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Kind = Literal["same", "removed", "added"]

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")

# difflib needs time in the product of the lengths when the texts are made to be hard; beyond these, blocks are replaced whole
MAX_PARTS = 3000
MAX_MATCHES = 100_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text. The `same` and `removed` pieces of a diff spell the first text, `same` and `added` the second."""

    kind: Kind
    text: str


@lru_cache(maxsize=64)  # a shared include makes the same difference in every config that reaches it
def word_diff(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces of the change from `before` to `after`: lines first, then the words of lines that differ."""
    pieces: list[Piece] = []
    for old, new in _blocks(_LINE.findall(before), _LINE.findall(after)):
        if old == new:
            pieces.append(Piece("same", "".join(old)))
        else:
            pieces += _changed("".join(old), "".join(new))
    return tuple(_tidy(pieces))


@lru_cache(maxsize=64)
def line_diff(before: str, after: str) -> tuple[Piece, ...]:
    """The same in whole lines, each line one piece without its newline."""
    pieces: list[Piece] = []
    for old, new in _blocks(before.split("\n"), after.split("\n")):
        if old == new:
            pieces += [Piece("same", line) for line in old]
        else:
            pieces += [Piece("removed", line) for line in old] + [Piece("added", line) for line in new]
    return tuple(pieces)


def _changed(old: str, new: str) -> Iterator[Piece]:
    for before, after in _blocks(_TOKEN.findall(old), _TOKEN.findall(new)):
        if before == after:
            yield Piece("same", "".join(before))
        else:
            yield Piece("removed", "".join(before))
            yield Piece("added", "".join(after))


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Pairs of stretches that cover both sides in order; a pair is either equal or a replacement.

    Blanks only match beside something that does, which keeps them from driving the search.
    """
    start = _common(zip(old, new, strict=False))
    rest = min(len(old), len(new)) - start
    end = _common(islice(zip(reversed(old), reversed(new), strict=False), rest))
    yield old[:start], new[:start]
    left, right = old[start : len(old) - end], new[start : len(new) - end]
    if _affordable(left, right):
        for _, i1, i2, j1, j2 in SequenceMatcher(str.isspace, left, right, autojunk=False).get_opcodes():
            yield left[i1:i2], right[j1:j2]
    else:
        yield left, right
    yield old[len(old) - end :], new[len(new) - end :]


def _common(pairs: Iterable[tuple[str, str]]) -> int:
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _affordable(left: Sequence[str], right: Sequence[str]) -> bool:
    if len(left) + len(right) > MAX_PARTS:
        return False
    counts = Counter(right)
    return sum(count * counts[token] for token, count in Counter(left).items() if not token.isspace()) <= MAX_MATCHES


def _tidy(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Join neighbours, removed before added; a blank between two changes belongs to both."""
    removed = added = pending = ""
    for piece in pieces:
        if piece.kind == "removed":
            removed, added, pending = removed + pending + piece.text, added + pending, ""
        elif piece.kind == "added":
            removed, added, pending = removed + pending, added + pending + piece.text, ""
        elif (removed or added) and not pending and piece.text.isspace() and "\n" not in piece.text:
            pending = piece.text
        elif piece.text:
            yield from _flush(removed, added, "")
            yield Piece("same", pending + piece.text)
            removed = added = pending = ""
    yield from _flush(removed, added, pending)


def _flush(removed: str, added: str, same: str) -> Iterator[Piece]:
    pieces: tuple[Piece, ...] = (Piece("removed", removed), Piece("added", added), Piece("same", same))
    return (piece for piece in pieces if piece.text)
