"""Texts made comparable, however they were disguised: compatibility forms, case, invisible characters, white space; and the way
back from a place in what came out to the place in the text."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

PIECE = 256  # characters that are folded at once
_JOINED = 32  # combining marks that a piece waits for, so that it does not end inside of a letter
# characters that are not seen: soft hyphen, joiners, direction marks, variation selectors, tags
_HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\U000e0000-\U000e0fff"
)
_UNSEEN = re.compile(f"[{_HIDDEN}]+")
_GAP = re.compile(rf"[\s{_HIDDEN}]*")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """`text` is `source` folded piece by piece; piece i begins at `sources[i]` there and at `places[i]` here."""

    source: str
    text: str
    sources: tuple[int, ...]
    places: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the source that the folded characters from `start` to `end` (exclusive) came from."""
        return self._origin(start)[0], self._origin(end - 1)[1]

    def _origin(self, place: int) -> tuple[int, int]:
        """The smallest part of the source, of whole letters, that the character at `place` came from."""
        piece = bisect_right(self.places, place) - 1
        first = self.sources[piece]
        last = self.sources[piece + 1] if piece + 1 < len(self.sources) else len(self.source)
        starts, lengths = _units(self.source[first:last])
        unit = bisect_right(lengths, place - self.places[piece])
        if unit >= len(starts):
            return first, last
        return first + starts[unit], first + starts[unit + 1] if unit + 1 < len(starts) else last


def fold(text: str) -> Folded:
    """The text in NFKC and without case, invisible characters left out, each white space one blank."""
    sources, places, parts = [], [], []
    start = place = 0
    while start < len(text):
        end = _end_of_piece(text, start + PIECE)
        sources.append(start)
        places.append(place)
        parts.append(_folded(text[start:end]))
        place += len(parts[-1])
        start = end
    return Folded(source=text, text="".join(parts), sources=tuple(sources), places=tuple(places))


def _folded(text: str) -> str:
    plain = text if text.isascii() else unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
    plain = plain.casefold()
    plain = plain if plain.isascii() else unicodedata.normalize("NFKC", plain)
    return _SPACE.sub(" ", plain)


def _end_of_piece(text: str, end: int) -> int:
    """The first place from `end` on that is neither inside of a letter nor inside of a gap."""
    if end >= len(text):
        return len(text)
    marks = 0
    while marks < _JOINED and end < len(text) and unicodedata.combining(text[end]):
        end, marks = end + 1, marks + 1
    gap = _GAP.match(text, end)
    return gap.end() if gap else end


@lru_cache(maxsize=8)
def _units(piece: str) -> tuple[list[int], list[int]]:
    """Where the letters and gaps of a piece begin, and how long it is folded up to the end of each. Nothing where they fold
    otherwise together than one by one (as parts of Korean syllables do): then a place is known no nearer than the piece."""
    starts: list[int] = []
    start = 0
    while start < len(piece):
        starts.append(start)
        gap = _GAP.match(piece, start)
        start = gap.end() if gap and gap.end() > start else start + 1
        while start < len(piece) and unicodedata.combining(piece[start]):
            start += 1
    lengths: list[int] = []
    length = 0
    for begin, end in zip(starts, [*starts[1:], len(piece)], strict=True):
        length += len(_folded(piece[begin:end]))
        lengths.append(length)
    return (starts, lengths) if length == len(_folded(piece)) else ([], [])
