"""Takes spans out of lines of OTLP JSON: those of some traces and of some users. Pure.

Whatever is in a line that cannot be read, or holds what is to be forgotten anywhere but in a span, goes as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmops_git.monitoring.fast_json import dumps, loads
from llmops_git.monitoring.otlp_rows import NotOtlp, camel, trace_id_of
from llmops_git.traces import attributes as names

USER_NAMES = frozenset({names.USER, "enduser.id", "langfuse.user.id"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """What is to go: traces by a predicate, users by their ids as they stand in spans (as given, and hashed)."""

    trace: Callable[[str], bool]
    users: frozenset[str]
    traces: frozenset[str] = field(default_factory=frozenset)  # those of which the ids are known

    def needles(self) -> Iterator[bytes]:
        """How ids stand in a line that cannot be read."""
        for user in self.users:
            yield json.dumps(user).encode()
            yield json.dumps(user, ensure_ascii=False).encode(errors="replace")
        for trace in self.traces:
            yield trace.encode()


def traces_in(line: bytes, users: frozenset[str]) -> set[str]:
    """The traces in a line that name one of some users. Empty for a line that cannot be read."""
    try:
        return {trace for span in _spans(_document(line)) if _user_in(span) in users and (trace := _trace(span))}
    except NotOtlp:
        return set()


def without(line: bytes, forgetting: Forgetting) -> tuple[bytes, int]:
    """The line as it may stay, b"" where nothing may, and how many spans went (1 for a line that cannot be read)."""
    try:
        document = _document(line)
    except NotOtlp:
        touched = any(needle in line for needle in forgetting.needles())
        return (b"", 1) if touched else (line, 0)
    gone = kept = 0
    for resource in document["resourceSpans"]:
        for scope in _scopes(resource):
            spans = scope.get("spans") or []
            scope["spans"] = [span for span in spans if not _goes(span, forgetting)]
            gone += len(spans) - len(scope["spans"])
            kept += len(scope["spans"])
    if not gone:
        return line, 0
    return (dumps(document) if kept else b""), gone


def _document(line: bytes) -> Any:
    """A line, with the standard's field names. Raises NotOtlp."""
    try:
        document = loads(line)
        document = document if "resourceSpans" in document else camel(document)
        list(_spans(document))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NotOtlp("not a line of OTLP JSON") from None
    return document


def _spans(document: Any) -> Iterator[Any]:
    for resource in document["resourceSpans"]:
        for scope in _scopes(resource):
            yield from scope.get("spans") or ()


def _scopes(resource: Any) -> Sequence[Any]:
    found: Sequence[Any] = resource.get("scopeSpans") or resource.get("instrumentationLibrarySpans") or ()
    return found


def _goes(span: Any, forgetting: Forgetting) -> bool:
    trace = _trace(span)
    return _user_in(span) in forgetting.users or (bool(trace) and forgetting.trace(trace))


def _trace(span: Any) -> str:
    return trace_id_of(span.get("traceId")) if isinstance(span, dict) else ""


def _user_in(span: Any) -> str:
    """The user that a span names; "" for none."""
    found = span.get("attributes") if isinstance(span, dict) else None
    for item in found if isinstance(found, list) else ():
        if isinstance(item, dict) and item.get("key") in USER_NAMES and isinstance(value := item.get("value"), dict):
            for inner in value.values():
                return str(inner)
    return ""
