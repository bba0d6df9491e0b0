"""What a search gave back, whatever library it is from, as documents: {"id", "text", "score"?} and the rest of a mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

MOST = 1_000  # documents of one search
_MOST_MEMBERS = 200  # of one document

_TEXTS = ("text", "content", "page_content", "body", "chunk")
_IDS = ("id", "id_", "doc_id", "node_id", "document_id", "url", "source")


def documents_of(found: Any) -> tuple[dict[str, Any], ...]:
    """The documents of a search's result; one that is no list is one document. A mapping keeps all that it holds, so that
    templates see it."""
    if found is None:
        return ()
    several = isinstance(found, Iterable) and not isinstance(found, str | bytes | Mapping)
    return tuple(_document(item, number) for number, item in enumerate(islice(found if several else [found], MOST), start=1))


def spoken(documents: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Documents as a span holds them."""
    written = []
    for document in documents:
        one = {"id": document.get("id", ""), "content": document.get("text", "")}
        if document.get("score") is not None:
            one["score"] = document["score"]
        written.append(one)
    return written


def _document(item: Any, number: int) -> dict[str, Any]:
    if isinstance(item, str):
        return {"id": str(number), "text": item}
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], int | float):  # noqa: PLR2004  # (document, score)
        return {**_document(item[0], number), "score": float(item[1])}
    given: Mapping[str, Any] = item if isinstance(item, Mapping) else _Members(item)
    document = dict(islice(item.items(), _MOST_MEMBERS)) if isinstance(item, Mapping) else {}
    found = next((given[name] for name in _TEXTS if given.get(name) is not None), "")
    document["text"] = found if isinstance(found, str) else str(found)
    document["id"] = str(next((given[name] for name in _IDS if given.get(name) is not None), number))
    if given.get("score") is not None:
        document["score"] = given["score"]
    return document


class _Members(dict[str, Any]):
    """What an object of a retrieval library holds under the usual names."""

    def __init__(self, item: Any) -> None:
        super().__init__({name: getattr(item, name, None) for name in (*_TEXTS, *_IDS, "score")})
        if not any(self[name] is not None for name in _TEXTS):
            self["text"] = str(item)
