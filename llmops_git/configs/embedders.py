"""Which model makes vectors of texts: written as `embedder: {provider, model}`, by default the small one that runs here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LOCAL_MODEL = "all-minilm-l6-v2-int8"
EMBEDS = frozenset({"embedding_similarity"})  # the scorers that compare vectors
LANE = "embeddings:"  # how requests for vectors name their provider, apart from those for words


def embedder_of(written: Mapping[str, Any] | None) -> dict[str, str]:
    """The embedder with its defaults filled in."""
    return {"provider": "local", "model": LOCAL_MODEL, **(written or {})}


def lane_of(embedder: Mapping[str, str]) -> str:
    """The name by which a run knows the provider of vectors."""
    return f"{LANE}{embedder['provider']}"
