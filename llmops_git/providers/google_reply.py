"""The generateContent wire: what comes back, whole or in events. Pure.

Source: Google's Gemini API reference, `GenerateContentResponse`; google.rpc `Status`, `RetryInfo` and `ErrorInfo`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from llmops_git.providers.base import ErrorKind, ProviderError, Reply, Usage
from llmops_git.providers.messages import written
from llmops_git.providers.wire import (
    CONTENT_FILTER,
    CONTEXT_OVERFLOW,
    NO_JSON,
    SHOWN,
    count,
    cut_off,
    error_object,
    error_words,
    kind_of,
    no_reply,
    refusal_of,
    total,
    whole,
)

_WHAT = "generated content"
_REASONS = {"STOP": "stop", "MAX_TOKENS": "length"} | dict.fromkeys(
    (
        *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    ),
    CONTENT_FILTER,
)
_KINDS: dict[str, ErrorKind] = {"UNAUTHENTICATED": "auth", "PERMISSION_DENIED": "auth", "RESOURCE_EXHAUSTED": "rate_limit"}
_OVERFLOW = re.compile(r"input (?:token )?count .*exceeds the maximum|exceeds the maximum number of tokens", re.IGNORECASE)
_DELAY = re.compile(r"(\d{1,7}(?:\.\d{1,9})?)s\Z")
_BAD_REQUEST = 400


def reply_of(content: bytes) -> Reply:
    """The reply in the body of a 200, without its times. Raises ProviderError (server) when it is none."""
    try:
        stream = ContentStream()
        stream.add(json.loads(content))
        return stream.reply()
    except NO_JSON:
        no_reply(content, _WHAT)


def refused(status: int, content: bytes) -> Reply | ProviderError:
    """What a status that is not a success means; a prompt that does not fit the model is a reply, and is scored."""
    error, words = error_object(content), error_words(content)
    if status == _BAD_REQUEST and _OVERFLOW.search(words):
        return Reply(text="", finish_reason=CONTEXT_OVERFLOW)
    kind: ErrorKind | None = None
    wait = None
    for detail in _details(error):
        if detail.get("reason") == "API_KEY_INVALID":
            kind = "auth"
        if delay := _DELAY.match(str(detail.get("retryDelay", ""))):
            wait = float(delay[1])
    return refusal_of(status, words, kind=kind, retry_after=wait)


class ContentStream:
    """Takes responses as they come; each holds the next part of the same candidate. Nothing says that no more follows."""

    done = False

    def __init__(self) -> None:
        self.started = False
        self._texts: list[str] = []
        self._calls: list[dict[str, str]] = []
        self._reason = ""
        self._usage: Any = {}
        self._model: Any = ""

    def take(self, data: bytes) -> None:
        """One event. Raises ProviderError for one that is none, or that carries an error."""
        try:
            self.add(json.loads(data))
        except NO_JSON:
            no_reply(data, f"a stream of {_WHAT}")

    def reply(self) -> Reply:
        """The whole reply. Raises ProviderError (server) where the stream was cut off."""
        if not self._reason:
            raise cut_off()
        reason = "tool_calls" if self._calls and self._reason == "stop" else self._reason
        return Reply(
            text=whole("".join(self._texts)),
            finish_reason=whole(reason),
            tool_calls=tuple(self._calls),
            usage=_usage(self._usage),
            model=whole(self._model),
        )

    def add(self, document: Any) -> None:
        """One response. Raises one of NO_JSON where it is none, ProviderError where it carries an error."""
        if "error" in document:
            raise _failure(document["error"])
        for candidate in document.get("candidates") or ():
            if candidate.get("index"):
                continue
            for part in (candidate.get("content") or {}).get("parts") or ():
                self._add_part(part)
            if said := candidate.get("finishReason"):
                self._reason = _REASONS.get(said, str(said).lower())
        blocked = (document.get("promptFeedback") or {}).get("blockReason")
        if blocked and not self._reason:
            self._reason = CONTENT_FILTER
        self._usage = document.get("usageMetadata") or self._usage
        self._model = document.get("modelVersion") or self._model
        if not document.keys() & {"candidates", "promptFeedback", "usageMetadata"}:
            raise ValueError("nothing generated")

    def _add_part(self, part: Any) -> None:
        if part.get("thought"):
            return
        if "functionCall" in part:
            self._calls.append(_call(part, len(self._calls)))
            self.started = True
        elif text := part.get("text"):
            if not isinstance(text, str):
                raise TypeError("expected text")
            self._texts.append(text)
            self.started = True


def _call(part: Any, number: int) -> dict[str, str]:
    call = part["functionCall"]
    made = {
        "id": whole(call.get("id") or f"call_{number}"),
        "name": whole(call["name"]),
        "arguments": whole(written(call.get("args") or {})),
    }
    signature = part.get("thoughtSignature")
    return {**made, "signature": whole(signature)} if signature else made


def _usage(usage: Any) -> Usage:
    """This API counts thinking apart from the rest of the output, and what tools brought apart from the prompt."""
    thoughts = count(usage.get("thoughtsTokenCount"))
    read = count(usage.get("promptTokenCount"))
    return Usage(
        input_tokens=None if read is None else total(read, count(usage.get("toolUsePromptTokenCount"))),
        output_tokens=None if read is None else total(0, count(usage.get("candidatesTokenCount")), thoughts),
        cached_input_tokens=count(usage.get("cachedContentTokenCount")),
        reasoning_tokens=thoughts,
    )


def _details(error: Any) -> list[dict[str, Any]]:
    details = error.get("details") if isinstance(error, dict) else None
    return [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []


def _failure(error: Any) -> ProviderError:
    """An error that came inside a stream."""
    code = error.get("code")
    kind = _KINDS.get(str(error.get("status"))) or (kind_of(code) if isinstance(code, int) else "server")
    words = f"the stream ended in an error: {whole(str(error.get('message') or error))[:SHOWN]}"
    return ProviderError(kind, words, charged=True)
