"""A search service behind HTTP, for `retriever: http`: `POST {"query", "top_k"}` to the provider's address.

It answers with {"documents": [{"id", "text", "score"}]}, best first, or with that list alone. Only the policy names addresses.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from llmops_git.providers.base import ProviderError, Reply, Request, Usage
from llmops_git.providers.wire import NO_JSON, Incoming, encoded, error_words, no_reply, refusal_of, whole

MOST_DOCUMENTS = 100


class SearchDialect:
    """One search: the request's only message is the query, the reply's text is a JSON list of documents."""

    name = "search"
    example = "https://search.example.com/v1/query"

    def path(self, request: Request, *, stream: bool) -> str:  # noqa: ARG002
        return ""

    def headers(self, key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def body(self, request: Request, *, stream: bool) -> bytes:  # noqa: ARG002
        return encoded({"query": request.messages[0]["content"], "top_k": request.parameters["top_k"]})

    def reply(self, content: bytes, request: Request) -> Reply:
        try:
            document = json.loads(content)
            found = document["documents"] if isinstance(document, dict) else document
            documents = [_document(item) for item in found[: min(request.parameters["top_k"], MOST_DOCUMENTS)]]
        except NO_JSON:
            no_reply(content, "a list of documents")
        return Reply(text=json.dumps(documents, ensure_ascii=False), usage=Usage(input_tokens=0, output_tokens=0))

    def incoming(self, request: Request) -> Incoming:  # noqa: ARG002
        raise ProviderError("bad_request", "documents do not come in events")

    def refused(self, status: int, content: bytes) -> Reply | ProviderError:
        return refusal_of(status, error_words(content))


def _document(item: Any) -> dict[str, Any]:
    """A document of the service, held to the form that templates see. Raises what reading foreign JSON raises."""
    score = float(item.get("score") or 0.0)
    if not math.isfinite(score):
        raise ValueError("a score is no finite number")
    return {"id": whole(str(item.get("id", ""))), "text": whole(item["text"]), "score": score}
