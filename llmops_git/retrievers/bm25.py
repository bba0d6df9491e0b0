"""BM25 over the config's own corpus: no index on disk, no service, the same result on every machine.

Okapi BM25 with the idf of Lucene, ln(1 + (N - n + 0.5) / (n + 0.5)), k1 = 1.2 and b = 0.75 (Robertson and Zaragoza 2009).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from llmops_git.configs.values import Document

DEFAULT_SIZE = 800
DEFAULT_OVERLAP = 80
_K1 = 1.2
_B = 0.75
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class _Chunk:
    id: str
    text: str
    length: int


@dataclass(frozen=True, slots=True)
class _Index:
    chunks: tuple[_Chunk, ...]
    mean_length: float
    postings: dict[str, tuple[tuple[int, int], ...]]  # word -> (chunk, how often)


def search(documents: tuple[Document, ...], query: str, *, size: int, overlap: int, top_k: int) -> list[dict[str, Any]]:
    """The best chunks: [{"id", "text", "score"}], best first, at most `top_k`, none that shares no word with the query.

    Neither the names nor the order of the files have a say: chunks are named by content, and equal scores by that name.
    """
    index = _index(documents, size, overlap)
    scores: dict[int, float] = {}
    for word in dict.fromkeys(_words(query)):
        postings = index.postings.get(word, ())
        idf = math.log1p((len(index.chunks) - len(postings) + 0.5) / (len(postings) + 0.5))
        for number, count in postings:
            stretch = _K1 * (1 - _B + _B * index.chunks[number].length / index.mean_length)
            scores[number] = scores.get(number, 0.0) + idf * count * (_K1 + 1) / (count + stretch)
    best = sorted(scores, key=lambda number: (-scores[number], index.chunks[number].id))[:top_k]
    return [{"id": index.chunks[number].id, "text": index.chunks[number].text, "score": scores[number]} for number in best]


def chunks_of(text: str, *, size: int, overlap: int) -> Iterator[str]:
    """Pieces of at most `size` characters, each starting `overlap` characters before the last one's end.

    A piece ends, and the next one starts, at white space where there is some near, so that words stay whole. An overlap of
    more than half a piece is one of half a piece.
    """
    start, overlap = 0, min(overlap, size // 2)
    while start < len(text):
        end = start + size
        if end < len(text):
            end = _break_before(text, start + max(size // 2, 1), end)
        if piece := text[start:end].strip():
            yield piece
        if end >= len(text):
            return
        start = max(_word_start(text, end - overlap, end), start + 1)


def _break_before(text: str, low: int, high: int) -> int:
    """The last place in `low..high` that comes after white space; `high` where there is none."""
    for place in range(high, low - 1, -1):
        if text[place - 1].isspace():
            return place
    return high


def _word_start(text: str, low: int, high: int) -> int:
    """The first place in `low..high` where a word starts; `low` where none does."""
    for place in range(max(low, 1), high + 1):
        if text[place - 1].isspace():
            return place
    return low


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


@lru_cache(maxsize=16)
def _index(documents: tuple[Document, ...], size: int, overlap: int) -> _Index:
    """The index of a corpus; kept, since every case of every repeat asks the same one."""
    texts = {piece for document in documents for piece in chunks_of(document.text, size=size, overlap=overlap)}
    found: dict[str, list[tuple[int, int]]] = {}
    chunks = []
    for number, text in enumerate(sorted(texts)):
        words = _words(text)
        chunks.append(_Chunk(id=hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12], text=text, length=len(words)))
        for word, count in Counter(words).items():
            found.setdefault(word, []).append((number, count))
    mean = sum(chunk.length for chunk in chunks) / len(chunks) if chunks else 0.0
    return _Index(chunks=tuple(chunks), mean_length=mean, postings={word: tuple(places) for word, places in found.items()})
