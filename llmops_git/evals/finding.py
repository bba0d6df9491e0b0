"""Finds documents with what a run has: its cache, its lanes and its budget. What is found by asking is asked for once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from llmops_git.configs.embedders import embedder_of, lane_of
from llmops_git.configs.values import Case, Config, JsonObject
from llmops_git.errors import NotMeasured
from llmops_git.providers.base import Request
from llmops_git.providers.vectors import decoded_vectors
from llmops_git.retrievers.embedding import Index, pieces_of
from llmops_git.retrievers.http import documents_of
from llmops_git.retrievers.table import DEFAULT_TOP_K, chunk_of, retrieve

BATCH = 32  # texts of a corpus that one request embeds

Ask = Callable[[Request], str]  # the reply's text; raises NotMeasured when there is none


class NotKnown(NotMeasured):
    """Only asking would tell, and nothing is asked yet."""


class NotFound(NotMeasured):
    """A search that gave no answer; `kind` is the class of what went wrong."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Finder:
    """Finds the documents of samples. Indexes are made once and kept; shared by all threads of a run."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._indexes: dict[str, Index] = {}

    def find(self, config: Config, query: str, case: Case | None) -> list[JsonObject]:
        """[{"id", "text", "score"}], best first. Raises LlmopsError, and what `ask` raises."""
        settings = config.resolved.get("retrieval") or {}
        top_k = settings.get("top_k", DEFAULT_TOP_K)
        match settings.get("retriever"):
            case "embedding":
                if not query.strip():
                    return []
                index = self._index(config, settings)
                return list(index.search(embed(self._ask, settings.get("embedder"), [query])[0], top_k))
            case "http":
                return list(documents_of(self._ask(search_request(settings, query)), top_k=top_k))
            case _:
                return retrieve(config, query, case)

    def _index(self, config: Config, settings: JsonObject) -> Index:
        with self._lock:
            if config.digest not in self._indexes:
                pieces = pieces_of(config.documents, *chunk_of(settings))
                self._indexes[config.digest] = Index(pieces, embed(self._ask, settings.get("embedder"), pieces))
            return self._indexes[config.digest]


def search_request(settings: JsonObject, query: str) -> Request:
    """The request of a search over HTTP."""
    parameters = {"top_k": settings.get("top_k", DEFAULT_TOP_K)}
    messages = ({"role": "query", "content": query},)
    return Request(provider=settings["provider"], model="", messages=messages, parameters=parameters)


def embed(ask: Ask, embedder: Any, texts: Sequence[str]) -> list[tuple[float, ...]]:
    """A vector for each text, in requests of at most 32 texts. Raises NotMeasured when one cannot be had."""
    chosen = embedder_of(embedder)
    vectors: list[tuple[float, ...]] = []
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        messages = tuple({"role": "text", "content": text} for text in batch)
        reply = ask(Request(provider=lane_of(chosen), model=chosen["model"], messages=messages))
        try:
            vectors += decoded_vectors(reply, len(batch))
        except ValueError as error:
            raise NotMeasured(f"embeddings of `{chosen['model']}`: {error}") from None
    if len({len(vector) for vector in vectors}) > 1:
        raise NotMeasured(f"embeddings of `{chosen['model']}` have different lengths")
    return vectors
