"""Exact search by meaning: the pieces of the corpus whose vectors point most nearly where the query's does.

Every piece is compared with every query; no index is approximated, so the same vectors find the same pieces everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from llmops_git.configs.values import Document
from llmops_git.errors import LlmopsError
from llmops_git.retrievers.bm25 import chunks_of

_DIGITS = 6  # of a similarity: what follows differs between processors, and may not decide


@lru_cache(maxsize=16)
def pieces_of(documents: tuple[Document, ...], size: int, overlap: int) -> tuple[str, ...]:
    """The distinct pieces of a corpus, sorted: neither the names nor the order of the files have a say."""
    return tuple(sorted({piece for item in documents for piece in chunks_of(item.text, size=size, overlap=overlap)}))


class Index:
    """The vectors of pieces, each brought to length 1. Raises LlmopsError where numpy is not installed."""

    def __init__(self, pieces: Sequence[str], vectors: Sequence[Sequence[float]]) -> None:
        self._pieces = tuple(pieces)
        self._ids = tuple(hashlib.sha256(piece.encode(errors="replace")).hexdigest()[:12] for piece in pieces)
        self._matrix = _unit(vectors)

    def search(self, vector: Sequence[float], top_k: int) -> list[dict[str, Any]]:
        """The best pieces: [{"id", "text", "score"}], best first; the score is the cosine, -1 to 1. Equal ones by id."""
        if not self._pieces:
            return []
        scores = [round(float(score), _DIGITS) for score in self._matrix @ _unit([vector])[0]]
        best = sorted(range(len(scores)), key=lambda place: (-scores[place], self._ids[place]))[:top_k]
        return [{"id": self._ids[place], "text": self._pieces[place], "score": scores[place]} for place in best]


def _unit(vectors: Sequence[Sequence[float]]) -> Any:
    try:
        import numpy as np
    except ImportError:
        raise LlmopsError("the retriever `embedding` needs numpy", hint='pip install "llmops-git[semantic]"') from None
    matrix = np.asarray(vectors, dtype=np.float32)
    if not matrix.size:
        return matrix
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(lengths == 0, 1, lengths)
