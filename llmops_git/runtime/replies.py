"""Whatever an SDK gave back, as a reply: OpenAI's chat completions and responses, Anthropic's messages, Google's
generateContent, objects and mappings of these shapes from other libraries, LangChain's messages, and plain texts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llmops_git.providers.base import Reply, Usage
from llmops_git.runtime.streams import Watched, reply_of_chunks


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A reply, with what only some servers say: the response's id, and what it cost in US dollars."""

    reply: Reply
    id: str = ""
    cost_usd: float | None = None


def reply_from(value: Any) -> Answer:
    """The reply in anything. Raises LlmopsError (ProviderError) or another error for what holds none."""
    if isinstance(value, Reply):
        return Answer(reply=value)
    if isinstance(value, str):
        return Answer(reply=Reply(text=value))
    if isinstance(value, Watched):
        return Answer(reply=reply_of_chunks(value.chunks))
    document = as_json(value)
    usage = document.get("usage")
    cost = usage.get("cost") if isinstance(usage, Mapping) else None
    return Answer(
        reply=_reply(document),
        id=str(document.get("id") or document.get("responseId") or document.get("response_id") or ""),
        cost_usd=float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) else None,
    )


def as_json(value: Any) -> Mapping[str, Any]:
    """The mapping that an SDK's object holds, as its JSON would have it. Raises TypeError where it is none."""
    if isinstance(value, Mapping):
        return value
    for method in ("model_dump", "to_dict", "dict"):
        dump = getattr(value, method, None)
        if callable(dump):
            found = dump(mode="json", by_alias=True, exclude_none=True) if method == "model_dump" else dump()
            if isinstance(found, Mapping):
                return found
    found = getattr(value, "__dict__", None)
    if isinstance(found, Mapping) and found:
        return {name: _inner(item) for name, item in found.items() if not name.startswith("_")}
    raise TypeError(f"a {type(value).__name__} is no reply")


def _inner(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool | Mapping):
        return value
    if isinstance(value, list | tuple):
        return [_inner(item) for item in value]
    return as_json(value)


def _reply(document: Mapping[str, Any]) -> Reply:
    if document.get("choices"):
        from llmops_git.providers.openai_wire import reply_of

        return reply_of(_bytes(document))
    if document.get("object") == "response" or (isinstance(document.get("output"), list) and "status" in document):
        return _response(document)
    if "candidates" in document:
        from llmops_git.providers.google_reply import reply_of as google_reply_of

        return google_reply_of(_bytes(document))
    if isinstance(document.get("content"), list) and ("stop_reason" in document or document.get("type") == "message"):
        from llmops_git.providers.anthropic_reply import reply_of as anthropic_reply_of

        return anthropic_reply_of(_bytes({"type": "message", **document}), by_tool=False)
    if "response_metadata" in document or "usage_metadata" in document:
        return _langchain(document)
    if isinstance(document.get("text"), str):
        return Reply(text=document["text"], finish_reason=str(document.get("finish_reason") or ""))
    raise TypeError(f"no reply is known that has {', '.join(sorted(map(str, document))[:8]) or 'nothing'}")


def _response(document: Mapping[str, Any]) -> Reply:
    """OpenAI's responses API."""
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    for item in document.get("output") or ():
        if item.get("type") == "message":
            texts += [str(part.get("text") or part.get("refusal") or "") for part in item.get("content") or ()]
        elif item.get("type") == "function_call":
            call = {
                "id": item.get("call_id") or item.get("id") or "",
                "name": item.get("name"),
                "arguments": item.get("arguments"),
            }
            calls.append(call)
    usage = document.get("usage") or {}
    why = (document.get("incomplete_details") or {}).get("reason")
    finished = ("length" if why == "max_output_tokens" else why) or ("tool_calls" if calls else "stop")
    return Reply(
        text="".join(texts),
        finish_reason=str(finished) if document.get("status") in ("completed", "incomplete", None) else str(document["status"]),
        tool_calls=tuple(calls),
        usage=Usage(
            input_tokens=usage.get("input_tokens"),
            output_tokens=usage.get("output_tokens"),
            cached_input_tokens=(usage.get("input_tokens_details") or {}).get("cached_tokens"),
            reasoning_tokens=(usage.get("output_tokens_details") or {}).get("reasoning_tokens"),
        ),
        model=str(document.get("model") or ""),
    )


def _langchain(document: Mapping[str, Any]) -> Reply:
    """An AIMessage of LangChain's."""
    usage, said = document.get("usage_metadata") or {}, document.get("response_metadata") or {}
    content = document.get("content")
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text", "") if isinstance(part, Mapping) else str(part or "") for part in parts]
    return Reply(
        text="".join(texts),
        finish_reason=str(said.get("finish_reason") or said.get("stop_reason") or ""),
        tool_calls=tuple(
            {"id": call.get("id") or "", "name": call.get("name"), "arguments": json.dumps(call.get("args"), default=str)}
            for call in document.get("tool_calls") or ()
        ),
        usage=Usage(
            input_tokens=usage.get("input_tokens"),
            output_tokens=usage.get("output_tokens"),
            cached_input_tokens=(usage.get("input_token_details") or {}).get("cache_read"),
            reasoning_tokens=(usage.get("output_token_details") or {}).get("reasoning"),
        ),
        model=str(said.get("model_name") or said.get("model") or ""),
    )


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, default=str).encode()
