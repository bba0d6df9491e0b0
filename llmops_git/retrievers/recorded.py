"""Recorded retrieval: the documents that the eval set's row brings along, so that only the generation is measured."""

from __future__ import annotations

from typing import Any

from llmops_git.configs.values import Case
from llmops_git.errors import LlmopsError


def documents_of(case: Case | None, *, config: str, top_k: int) -> list[dict[str, Any]]:
    """The case's documents, at most `top_k`. Raises LlmopsError when it has none recorded."""
    if case is None or case.documents is None:
        which = f"case `{case.id}`" if case is not None else "this request"
        hint = 'add "documents": [{"id": "…", "text": "…"}] to the row'
        raise LlmopsError(f"config `{config}` retrieves recorded documents, and {which} has none", hint=hint)
    return [{"score": 0.0, **document} for document in case.documents[:top_k]]
