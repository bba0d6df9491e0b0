"""The table of retrievers: which file finds documents for which `retrieval.retriever` of a config."""

from __future__ import annotations

from llmops_git.configs.values import Case, Config, JsonObject
from llmops_git.errors import LlmopsError
from llmops_git.retrievers import bm25, recorded

DEFAULT_TOP_K = 4


def retrieve(config: Config, query: str, case: Case | None) -> list[JsonObject]:
    """The documents for a query: [{"id", "text", "score"}], best first. An empty list where the config retrieves nothing.

    Of retrievers that ask nobody; `embedding` and `http` are in `evals.finding`, where there is somebody to ask.

    `case` is the row of the eval set, None outside of evaluations. Raises LlmopsError when the retriever cannot answer.
    """
    settings = config.resolved.get("retrieval")
    if not settings:
        return []
    top_k = settings.get("top_k", DEFAULT_TOP_K)
    match settings["retriever"]:
        case "bm25":
            size, overlap = chunk_of(settings)
            return list(bm25.search(config.documents, query, size=size, overlap=overlap, top_k=top_k))
        case "recorded":
            return list(recorded.documents_of(case, config=config.name, top_k=top_k))
        case other:
            raise LlmopsError(f"config `{config.name}`: there is no retriever `{other}` here", hint="bm25 or recorded")


def chunk_of(settings: JsonObject) -> tuple[int, int]:
    """Size and overlap of the pieces that a corpus is cut into, in characters."""
    chunk = settings.get("chunk") or {}
    return chunk.get("size", bm25.DEFAULT_SIZE), chunk.get("overlap", bm25.DEFAULT_OVERLAP)
