"""The spans of one trace as lines of a tree, each with its time, tokens, cost and what it came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmops_git.monitoring.board.values import StepRow

DEEPEST, MOST = 30, 60


def step_rows(spans: Sequence[Mapping[str, Any]]) -> tuple[StepRow, ...]:
    """The tree from the roots down; of spans that began at once, in the order given. What is its own ancestor is left out."""
    known = {span["span_id"] for span in spans}
    below: dict[str, list[Mapping[str, Any]]] = {}
    for span in spans:
        below.setdefault(span["parent_id"] if span["parent_id"] in known else "", []).append(span)
    return tuple(_walk(below, "", 0))[:MOST]


def _walk(below: Mapping[str, Sequence[Mapping[str, Any]]], parent: str, depth: int) -> Iterator[StepRow]:
    for span in below.get(parent, ()) if depth <= DEEPEST else ():
        yield StepRow(
            name=str(span["name"]),
            depth=depth,
            duration_ms=float(span["duration_ms"] or 0),
            facts=" · ".join(_facts(span)),
            failed=bool(span["error"]),
        )
        if span["span_id"]:
            yield from _walk(below, span["span_id"], depth + 1)


def _facts(span: Mapping[str, Any]) -> Iterator[str]:
    if span["input_tokens"] is not None or span["output_tokens"] is not None:
        yield f"{_count(span['input_tokens'])} tokens in, {_count(span['output_tokens'])} out"
    if span["cost_usd"] is not None:
        yield f"${span['cost_usd']:.6f}"
    if span["ttft_ms"] is not None:
        yield f"first token {span['ttft_ms']:.0f} ms"
    if span["guard_result"]:
        yield str(span["guard_result"])
    if span["score"] is not None:
        yield f"score {span['score']:.3f}"
    if span["error"]:
        yield f"failed: {span['error']}"


def _count(value: Any) -> str:
    return "?" if value is None else f"{int(value):,}"
