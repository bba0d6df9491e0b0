"""The chat completions wire, pure: a request as the JSON it is sent as, and what comes back as a reply or an error.

Source: the OpenAI API reference, `POST /chat/completions`; vLLM, llama.cpp, Ollama, LiteLLM and others speak the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from llmops_git.providers.base import ProviderError, Reply, Request, Usage
from llmops_git.providers.wire import (
    CONTENT_FILTER,
    CONTEXT_OVERFLOW,
    NO_JSON,
    count,
    encoded,
    error_object,
    error_words,
    no_reply,
    parameters_of,
    refusal_of,
    whole,
)

RESERVED = frozenset({"model", "messages", "tools", "stream", "stream_options", "n"})
_NO_MONEY = "insufficient_quota"  # comes as a 429, but waiting does not help
_OVERFLOW_CODES = frozenset({CONTEXT_OVERFLOW, "exceed_context_size_error"})
_OVERFLOW_WORDS = re.compile(r"maximum context length|exceeds? the (?:available |model's )?context", re.IGNORECASE)
_BROKEN_OUTPUT = frozenset({"tool_use_failed", "json_validate_failed"})  # the model wrote what the API could not read
_BAD_REQUEST = 400


def body_of(request: Request, *, stream: bool = False) -> bytes:
    """The JSON body; `extra` parameters stand in it like the others.

    Raises ProviderError when the parameters try to set what is not theirs to set.
    """
    parameters = parameters_of(request, RESERVED)
    body: dict[str, Any] = {"model": request.model, "messages": [dict(message) for message in request.messages], **parameters}
    if request.sample and isinstance(body.get("seed"), int):
        body["seed"] += request.sample
    if request.output_schema is not None:
        body.setdefault("response_format", _response_format(request.output_schema))
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return encoded(body)


def _response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "output", "schema": dict(schema), "strict": is_strict(schema)}}


def is_strict(schema: Any) -> bool:
    """Whether a JSON Schema is of the kind that strict mode takes: every object is closed and requires all it has."""
    if isinstance(schema, list):
        return all(is_strict(item) for item in schema)
    if not isinstance(schema, Mapping):
        return True
    if "properties" in schema or schema.get("type") == "object":
        closed = schema.get("additionalProperties") is False
        if not closed or set(schema.get("properties", {})) != set(schema.get("required", ())):
            return False
    return all(is_strict(value) for value in schema.values())


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool definition: as the wire has it, or the bare function, which is wrapped."""
    return dict(tool) if "type" in tool and "function" in tool else {"type": "function", "function": dict(tool)}


def reply_of(content: bytes) -> Reply:
    """The reply in the body of a 200, without its latency. Raises ProviderError (server) when it is none."""
    try:
        document = json.loads(content)
        return _reply(document)
    except NO_JSON:
        no_reply(content, "a chat completion")


def _reply(document: Any) -> Reply:
    choice = document["choices"][0]
    message = choice["message"]
    text, finish_reason = text_of(message.get("content")), choice.get("finish_reason") or ""
    if not text and message.get("refusal"):
        text, finish_reason = message["refusal"], "refusal"
    return Reply(
        text=whole(text),
        finish_reason=whole(finish_reason),
        tool_calls=tuple(_tool_call(call) for call in message.get("tool_calls") or ()),
        usage=usage_of(document.get("usage") or {}),
        model=whole(document.get("model") or ""),
        engine=whole(document.get("system_fingerprint") or ""),
    )


def _tool_call(call: Any) -> dict[str, Any]:
    function = call["function"]
    return {"id": whole(call.get("id") or ""), "name": whole(function["name"]), "arguments": whole(function["arguments"])}


def refused(status: int, content: bytes) -> Reply | ProviderError:
    """What a status that is not a success means. Three are the config's own doing, and so a reply that is scored: a prompt
    that does not fit the model, one that a filter blocked, and output that the API could not read as what was asked for."""
    error = error_object(content)
    error = error if isinstance(error, dict) else {}
    codes = {str(error.get(name) or "") for name in ("code", "type")}
    words = error_words(content)
    if status == _BAD_REQUEST:
        if codes & _OVERFLOW_CODES or _OVERFLOW_WORDS.search(words):
            return Reply(text="", finish_reason=CONTEXT_OVERFLOW)
        if CONTENT_FILTER in codes:
            return Reply(text="", finish_reason=CONTENT_FILTER)
        if broken := codes & _BROKEN_OUTPUT:
            said = error.get("failed_generation")
            return Reply(text=whole(said) if isinstance(said, str) else "", finish_reason=min(broken))
    return refusal_of(status, words, kind="auth" if _NO_MONEY in codes else None)


def text_of(content: Any) -> str:
    """The text of a message: a string, nothing, or a list of parts."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def usage_of(usage: Any) -> Usage:
    """Tokens as the wire counts them."""
    read, written = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    cached = count(read.get("cached_tokens"))
    return Usage(
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        cached_input_tokens=count(usage.get("prompt_cache_hit_tokens")) if cached is None else cached,  # DeepSeek's name
        reasoning_tokens=count(written.get("reasoning_tokens")),
        cache_write_tokens=count(read.get("cache_write_tokens")),
    )
