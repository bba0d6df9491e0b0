"""The steps that an application told of itself, as spans below the call to it, one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from llmops_git.traces import attributes as names
from llmops_git.traces.content import cut
from llmops_git.traces.span import Span


def inner_spans(parent: Span, steps: Sequence[Mapping[str, Any]]) -> list[Span]:
    """The spans of the steps and of those below them. A step without `seconds` takes as long as those below it."""
    spans: list[Span] = []
    _add(parent, steps, parent.start_ns, spans)
    return spans


def _add(parent: Span, steps: Sequence[Mapping[str, Any]], start_ns: int, spans: list[Span]) -> int:
    """Add spans; the time at which the last one ends."""
    for step in steps:
        place = len(spans)
        span_id = hashlib.sha256(f"{parent.trace_id}/told/{place}".encode()).hexdigest()[:16]
        known = {names.STEP_INPUT: step.get("input"), names.STEP_OUTPUT: step.get("output")}
        span = Span(
            trace_id=parent.trace_id,
            span_id=span_id,
            parent_id=parent.span_id,
            name=str(step.get("name", "step")),
            start_ns=start_ns,
            end_ns=start_ns + int(min(step.get("seconds", 0.0), 1e6) * 1e9),
            attributes={name: cut(value) for name, value in known.items() if value is not None},
            error=str(step.get("error", "")),
        )
        spans.append(span)
        start_ns = max(span.end_ns, _add(span, step.get("steps", ()), start_ns, spans))
    return start_ns
