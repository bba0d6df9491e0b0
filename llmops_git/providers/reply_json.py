"""A reply as a JSON object and back: what the reply cache and recorded replies are made of."""

from __future__ import annotations

from typing import Any

from llmops_git.providers.base import Reply, Usage


def reply_document(reply: Reply) -> dict[str, Any]:
    """The reply as a JSON object; what nobody said is left out."""
    document: dict[str, Any] = {"text": reply.text, "latency_seconds": reply.latency_seconds}
    if reply.ttft_seconds is not None:
        document["ttft_seconds"] = reply.ttft_seconds
    if reply.finish_reason:
        document["finish_reason"] = reply.finish_reason
    if reply.tool_calls:
        document["tool_calls"] = [dict(call) for call in reply.tool_calls]
    if usage := usage_document(reply.usage):
        document["usage"] = usage
    if reply.trace:
        document["trace"] = [dict(step) for step in reply.trace]
    if reply.model:
        document["model"] = reply.model
    if reply.engine:
        document["engine"] = reply.engine
    return document


def usage_document(usage: Usage) -> dict[str, int]:
    """The counts that are known."""
    counts = {name: getattr(usage, name) for name in Usage.__slots__}
    return {name: count for name, count in counts.items() if count is not None}


def reply_from_document(document: Any) -> Reply:
    """The reply in a JSON object. Raises ValueError when it is not one."""
    if not isinstance(document, dict):
        raise ValueError("a reply is a JSON object")  # noqa: TRY004
    usage = document.get("usage", {})
    calls = document.get("tool_calls", [])
    if not isinstance(usage, dict) or not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
        raise ValueError("`usage` is an object and `tool_calls` a list of objects")
    trace = document.get("trace", [])
    if not isinstance(trace, list) or not all(isinstance(step, dict) for step in trace):
        raise ValueError("`trace` is a list of objects")
    ttft = document.get("ttft_seconds")
    return Reply(
        text=_text(document, "text"),
        finish_reason=_text(document, "finish_reason"),
        tool_calls=tuple(calls),
        trace=tuple(trace),
        usage=Usage(
            input_tokens=_count(usage, "input_tokens"),
            output_tokens=_count(usage, "output_tokens"),
            cached_input_tokens=_count(usage, "cached_input_tokens"),
            reasoning_tokens=_count(usage, "reasoning_tokens"),
            cache_write_tokens=_count(usage, "cache_write_tokens"),
        ),
        latency_seconds=_seconds(document.get("latency_seconds", 0.0), "latency_seconds"),
        ttft_seconds=None if ttft is None else _seconds(ttft, "ttft_seconds"),
        model=_text(document, "model"),
        engine=_text(document, "engine"),
    )


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name, "" if name != "text" else None)
    if not isinstance(value, str):
        raise ValueError(f"`{name}` is a string")  # noqa: TRY004
    return value


def _seconds(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"`{name}` is a number")  # noqa: TRY004
    return float(value)


def _count(usage: dict[str, Any], name: str) -> int | None:
    value = usage.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise ValueError(f"`{name}` is a whole number")
    return value
