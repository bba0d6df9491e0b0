"""The chat completions wire, pure: a request as the JSON it is sent as, and what comes back as a reply or an error.

Source: the OpenAI API reference, `POST /chat/completions`; vLLM, llama.cpp, Ollama, LiteLLM and others speak the same.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from llmops_git.providers.base import ErrorKind, ProviderError, Reply, Request, Usage

RESERVED = frozenset({"model", "messages", "stream", "stream_options", "n"})
CONTEXT_OVERFLOW = "context_length_exceeded"  # the prompt does not fit the model: the config's failure, not the provider's
_NO_MONEY = "insufficient_quota"  # comes as a 429, but waiting does not help
_COMPACT = json.JSONEncoder(separators=(",", ":"))
_SHOWN = 300  # characters of a server's own words that go into a message

_BAD_REQUEST, _REQUEST_TIMEOUT, _TOO_MANY, _SERVER = 400, 408, 429, 500
_AUTH = frozenset({401, 402, 403})
_TRY_AGAIN = frozenset({409, 425})


def body_of(request: Request) -> bytes:
    """The JSON body; `extra` parameters stand in it like the others.

    Raises ProviderError when the parameters try to set what is not theirs to set.
    """
    parameters = dict(request.parameters)
    parameters.update(parameters.pop("extra", None) or {})
    taken = sorted(RESERVED & parameters.keys())
    if taken:
        raise ProviderError("bad_request", f"parameters may not set {', '.join(taken)}")
    body: dict[str, Any] = {"model": request.model, "messages": [dict(message) for message in request.messages], **parameters}
    if request.sample and isinstance(body.get("seed"), int):
        body["seed"] += request.sample
    if request.output_schema is not None:
        body.setdefault("response_format", _response_format(request.output_schema))
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    return _COMPACT.encode(body).encode()


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
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        shown = _shown(content)
        raise ProviderError("server", f"the reply is not a chat completion: {shown}", charged=True) from None


def _reply(document: Any) -> Reply:
    choice = document["choices"][0]
    message = choice["message"]
    text, finish_reason = _text(message.get("content")), choice.get("finish_reason") or ""
    if not text and message.get("refusal"):
        text, finish_reason = message["refusal"], "refusal"
    return Reply(
        text=_whole(text),
        finish_reason=_whole(finish_reason),
        tool_calls=tuple(_tool_call(call) for call in message.get("tool_calls") or ()),
        usage=_usage(document.get("usage") or {}),
        model=_whole(document.get("model") or ""),
        engine=_whole(document.get("system_fingerprint") or ""),
    )


def _text(content: Any) -> str:
    """The text of a message: a string, nothing, or a list of parts."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def _whole(text: Any) -> str:
    """Text without lone surrogates, which JSON can carry and UTF-8 cannot."""
    if not isinstance(text, str):
        raise TypeError(f"expected text, found {type(text).__name__}")
    return text.encode("utf-8", "replace").decode()


def _tool_call(call: Any) -> dict[str, Any]:
    function = call["function"]
    return {"id": _whole(call.get("id") or ""), "name": _whole(function["name"]), "arguments": _whole(function["arguments"])}


def _usage(usage: Any) -> Usage:
    return Usage(
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        cached_input_tokens=_count((usage.get("prompt_tokens_details") or {}).get("cached_tokens")),
        reasoning_tokens=_count((usage.get("completion_tokens_details") or {}).get("reasoning_tokens")),
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def overflow_reply(status: int, content: bytes) -> Reply | None:
    """The empty reply of a prompt that does not fit the model's context; None where that is not what happened."""
    if status == _BAD_REQUEST and _error_code(content) == CONTEXT_OVERFLOW:
        return Reply(text="", finish_reason=CONTEXT_OVERFLOW)
    return None


def error_of(status: int, headers: Mapping[str, str], content: bytes) -> ProviderError:
    """The error of a status that is not a success."""
    words = _error_message(content)
    kind = kind_of(status)
    hint = ""
    if kind == "rate_limit" and _error_code(content) == _NO_MONEY:
        kind = "auth"
    if kind == "auth":
        hint = "check the key, and that its account may use this model and has money"
    if 300 <= status < 400:  # noqa: PLR2004
        words = "it redirects, and the key goes nowhere else; set base_url to the final address"
    return ProviderError(kind, f"HTTP {status}: {words}", retry_after=retry_after(headers), hint=hint)


def kind_of(status: int) -> ErrorKind:
    """The class of a status code that is not a success."""
    if status in _AUTH:
        return "auth"
    if status == _REQUEST_TIMEOUT:
        return "timeout"
    if status == _TOO_MANY:
        return "rate_limit"
    if status >= _SERVER or status in _TRY_AGAIN:
        return "server"
    return "bad_request"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `retry-after` (seconds or a date, RFC 9110 10.2.3); None if neither says."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    try:
        then = parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
        now = parsedate_to_datetime(headers["date"]).timestamp() if "date" in headers else time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(then - now, 0.0)


def _error_object(content: bytes) -> Any:
    try:
        error = json.loads(content)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return error


def _error_code(content: bytes) -> str:
    error = _error_object(content)
    if not isinstance(error, dict):
        return ""
    return str(error.get("code") or error.get("type") or "")


def _error_message(content: bytes) -> str:
    error = _error_object(content)
    message = error.get("message") if isinstance(error, dict) else error
    return _whole(message)[:_SHOWN] if message and isinstance(message, str) else _shown(content)


def _shown(content: bytes) -> str:
    return content[:_SHOWN].decode("utf-8", "replace") or "(empty)"
