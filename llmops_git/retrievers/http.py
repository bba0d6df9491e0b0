"""What a search service found. It is asked elsewhere; here its answer is read again, as it was kept."""

from __future__ import annotations

import json
from typing import Any

from llmops_git.errors import NotMeasured


def documents_of(reply: str, *, top_k: int) -> list[dict[str, Any]]:
    """The documents in a kept reply: [{"id", "text", "score"}], at most `top_k`. Raises NotMeasured where it holds none."""
    try:
        found = [
            {"id": str(item["id"]), "text": str(item["text"]), "score": float(item["score"])} for item in json.loads(reply)
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise NotMeasured(f"the search's reply holds no documents: {error}") from None
    return found[:top_k]
