"""A step of a trace and those below it as JSON."""

from __future__ import annotations

from typing import Any

from llmops_git.traces.tree import Node


def step_document(node: Node) -> dict[str, Any]:
    """The step that `schemas/trace.schema.json` and `schemas/traces.schema.json` define."""
    span = node.span
    document: dict[str, Any] = {
        "name": span.name,
        "span_id": span.span_id,
        "seconds": (span.end_ns - span.start_ns) / 1e9,
        "start_ns": span.start_ns,
        "attributes": dict(span.attributes),
        "steps": [step_document(below) for below in node.below],
    }
    if span.error:
        document["error"] = span.error
    return document
