"""A trace as a tree of spans, and what was said in it read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmops_git.traces.span import Span

MOST_DEPTH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A span and those below it, in the order in which they began."""

    span: Span
    below: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One part of a message: who said it, and the text; `call` is the name of the tool that it calls."""

    who: str
    text: str
    call: str = ""


def trees_of(spans: Iterable[Span]) -> tuple[Node, ...]:
    """The roots of some spans. One whose parent is not there is a root; spans that are their own ancestors are left out."""
    found = {span.span_id: span for span in spans}
    below: dict[str, list[Span]] = {}
    for span in found.values():
        below.setdefault(span.parent_id if span.parent_id in found else "", []).append(span)
    return tuple(_node(span, below, MOST_DEPTH) for span in _in_order(below.get("", ())))


def said_in(messages: Any) -> tuple[Said, ...]:
    """The parts of messages as a span holds them; none where they are not messages."""
    try:
        read = json.loads(messages) if isinstance(messages, str) else messages
        return tuple(_part(str(message["role"]), part) for message in read for part in message["parts"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def _part(who: str, part: Mapping[str, Any]) -> Said:
    match part.get("type"):
        case "tool_call":
            return Said(who=who, text=str(part.get("arguments", "")), call=str(part.get("name", "")))
        case "tool_call_response":
            return Said(who=who, text=str(part.get("response", "")))
        case _:
            return Said(who=who, text=str(part.get("content", "")))


def _node(span: Span, below: Mapping[str, Sequence[Span]], depth: int) -> Node:
    children = _in_order(below.get(span.span_id, ())) if depth else []
    return Node(span=span, below=tuple(_node(child, below, depth - 1) for child in children))


def _in_order(spans: Sequence[Span]) -> list[Span]:
    """By when they began; what began at once, as it was written."""
    return sorted(spans, key=lambda span: span.start_ns)
