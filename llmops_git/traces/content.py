"""What was said, as span attributes hold it: messages with parts, as JSON, in the form of OpenTelemetry's GenAI conventions.

Source: the semantic conventions for generative AI, `gen_ai.input.messages` and `gen_ai.output.messages`. Texts are cut, so that
a reply of megabytes does not make a trace that nothing can read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MOST = 20_000  # characters of one text
Bounded = Callable[[str], str]
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def cut(text: str) -> str:
    """The beginning of a text, and how much more there was."""
    return text if len(text) <= MOST else f"{text[:MOST]}… ({len(text) - MOST:,} more characters)"


def input_messages(messages: Sequence[Mapping[str, Any]]) -> str:
    """The messages of a request, in the form of chat completions, as JSON."""
    return _ENCODER.encode(input_parts(messages))


def output_messages(text: str, calls: Sequence[Mapping[str, Any]], finish_reason: str) -> str:
    """A reply as JSON."""
    return _ENCODER.encode(output_parts(text, calls, finish_reason))


def input_parts(messages: Sequence[Mapping[str, Any]], bounded: Bounded = cut) -> list[dict[str, Any]]:
    """The messages of a request as a value; `bounded` is what each text goes through."""
    return [{"role": str(message.get("role", "")), "parts": _parts(message, bounded)} for message in messages]


def output_parts(
    text: str, calls: Sequence[Mapping[str, Any]], finish_reason: str, bounded: Bounded = cut
) -> list[dict[str, Any]]:
    """A reply as a value; `bounded` is what each text goes through."""
    parts: list[dict[str, Any]] = [_said(text, bounded)] if text else []
    parts += [_called(call, bounded) for call in calls]
    return [{"role": "assistant", "parts": parts, "finish_reason": finish_reason}]


def _parts(message: Mapping[str, Any], bounded: Bounded) -> list[dict[str, Any]]:
    content = message.get("content")
    text = content if isinstance(content, str) else "" if content is None else json.dumps(content, ensure_ascii=False)
    if message.get("role") == "tool":
        return [{"type": "tool_call_response", "id": str(message.get("tool_call_id", "")), "response": bounded(text)}]
    calls = [{"id": call.get("id"), **call.get("function", {})} for call in message.get("tool_calls") or ()]
    return ([_said(text, bounded)] if text else []) + [_called(call, bounded) for call in calls]


def _said(text: str, bounded: Bounded) -> dict[str, Any]:
    return {"type": "text", "content": bounded(text)}


def _called(call: Mapping[str, Any], bounded: Bounded) -> dict[str, Any]:
    arguments = call.get("arguments")
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return {
        "type": "tool_call",
        "id": str(call.get("id") or ""),
        "name": bounded(str(call.get("name", ""))),
        "arguments": bounded(written),
    }
