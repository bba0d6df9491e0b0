"""The messages wire: what comes back, whole or in events. Pure.

Source: Anthropic's API reference: messages, streaming, errors, handling stop reasons.
"""

from __future__ import annotations

import json
import re
from typing import Any

from llmops_git.providers.anthropic_wire import OUTPUT_TOOL
from llmops_git.providers.base import ErrorKind, ProviderError, Reply, Usage
from llmops_git.providers.messages import written
from llmops_git.providers.wire import (
    CONTEXT_OVERFLOW,
    NO_JSON,
    SHOWN,
    count,
    cut_off,
    error_words,
    no_reply,
    refusal_of,
    total,
    whole,
)

_WHAT = "a message"
_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
}
_KINDS: dict[str, ErrorKind] = {
    "rate_limit_error": "rate_limit",
    "authentication_error": "auth",
    "permission_error": "auth",
    "billing_error": "auth",
    "invalid_request_error": "bad_request",
    "timeout_error": "timeout",
}
_OVERFLOW = re.compile(
    r"prompt is too long|exceeds? (?:the )?context (?:limit|window|size)|exceeds the available context", re.IGNORECASE
)
_NO_MONEY = re.compile(r"credit balance is too low", re.IGNORECASE)
_BAD_REQUEST = 400


def reply_of(content: bytes, *, by_tool: bool) -> Reply:
    """The reply in the body of a 200, without its times. `by_tool`: the answer is the call of the output tool."""
    try:
        document = json.loads(content)
        if document["type"] != "message":
            raise ValueError("no message")
        blocks = [_Block.of(block) for block in document["content"]]
        return _reply(blocks, document.get("stop_reason"), document.get("usage") or {}, document.get("model"), by_tool=by_tool)
    except NO_JSON:
        no_reply(content, _WHAT)


def refused(status: int, content: bytes) -> Reply | ProviderError:
    """What a status that is not a success means; a prompt that does not fit the model is a reply, and is scored."""
    words = error_words(content)
    if status == _BAD_REQUEST and _OVERFLOW.search(words):
        return Reply(text="", finish_reason=CONTEXT_OVERFLOW)
    return refusal_of(status, words, kind="auth" if _NO_MONEY.search(words) else None)


class MessageStream:
    """Takes the events of a message as they come."""

    def __init__(self, *, by_tool: bool) -> None:
        self.started = False
        self.done = False
        self._by_tool = by_tool
        self._blocks: dict[int, _Block] = {}
        self._begun = False
        self._reason: Any = None
        self._usage: dict[str, Any] = {}
        self._model: Any = ""

    def take(self, data: bytes) -> None:
        """One event. Raises ProviderError for one that is none, or that carries an error."""
        try:
            event = json.loads(data)
            self._take(event["type"], event)
        except NO_JSON:
            no_reply(data, "a stream of a message's events")

    def reply(self) -> Reply:
        """The whole reply. Raises ProviderError (server) where the stream was cut off."""
        if not self._begun or not self._reason:
            raise cut_off()
        try:
            blocks = [self._blocks[index] for index in sorted(self._blocks)]
            return _reply(blocks, self._reason, self._usage, self._model, by_tool=self._by_tool)
        except NO_JSON:
            no_reply(b"", _WHAT)

    def _take(self, kind: Any, event: Any) -> None:
        match kind:
            case "content_block_delta":
                block = self._blocks[event["index"]]
                block.add(event["delta"])
                self.started = self.started or block.answers
            case "content_block_start":
                block = self._blocks[event["index"]] = _Block.of(event["content_block"], streamed=True)
                self.started = self.started or block.kind == "tool_use"
            case "message_start":
                self._begun = True
                self._model = event["message"].get("model") or ""
                self._usage.update(event["message"].get("usage") or {})
            case "message_delta":
                self._reason = event["delta"].get("stop_reason") or self._reason
                self._usage.update({name: value for name, value in (event.get("usage") or {}).items() if value is not None})
            case "message_stop":
                self.done = True
            case "error":
                raise _failure(event["error"])
            case _:  # ping, the end of a block, and what is yet to be invented
                return


class _Block:
    """A part of the content: text, or a call of a tool, whose input may come in pieces of JSON."""

    def __init__(self, kind: str, call: str, name: str, parts: list[str]) -> None:
        self.kind = kind
        self.call = call
        self.name = name
        self.parts = parts

    @classmethod
    def of(cls, block: Any, *, streamed: bool = False) -> _Block:
        kind = block["type"]
        if kind == "text":
            return cls(kind, "", "", [_said(block["text"])] if block["text"] else [])
        if kind == "tool_use":
            parts = [] if streamed and not block.get("input") else [written(block["input"])]
            return cls(kind, _said(block["id"]), _said(block["name"]), parts)
        return cls(str(kind), "", "", [])

    @property
    def answers(self) -> bool:
        return self.kind in {"text", "tool_use"} and any(self.parts)

    def add(self, delta: Any) -> None:
        match delta["type"]:
            case "text_delta":
                self.parts.append(_said(delta["text"]))
            case "input_json_delta":
                self.parts.append(_said(delta["partial_json"]))
            case _:  # thinking and its signature are no part of the answer
                return


def _reply(blocks: list[_Block], reason: Any, usage: Any, model: Any, *, by_tool: bool) -> Reply:
    answers = [block for block in blocks if by_tool and block.kind == "tool_use" and block.name == OUTPUT_TOOL]
    calls = [block for block in blocks if block.kind == "tool_use" and block not in answers]
    finish = _REASONS.get(reason, _said(reason or ""))
    if answers and finish == "tool_calls":
        finish = "tool_calls" if calls else "stop"
    texts = answers or [block for block in blocks if block.kind == "text"]
    return Reply(
        text=whole("".join(part for block in texts for part in block.parts)),
        finish_reason=whole(finish),
        tool_calls=tuple(
            {"id": whole(block.call), "name": whole(block.name), "arguments": whole("".join(block.parts) or "{}")}
            for block in calls
        ),
        usage=_usage(usage),
        model=whole(model or ""),
    )


def _usage(usage: Any) -> Usage:
    """This API counts what was read from a cache and written to one apart from the rest of the input."""
    read, made = count(usage.get("cache_read_input_tokens")), count(usage.get("cache_creation_input_tokens"))
    plain = count(usage.get("input_tokens"))
    return Usage(
        input_tokens=None if plain is None else total(plain, read, made),
        output_tokens=count(usage.get("output_tokens")),
        cached_input_tokens=read,
        reasoning_tokens=count((usage.get("output_tokens_details") or {}).get("thinking_tokens")),
        cache_write_tokens=made,
    )


def _failure(error: Any) -> ProviderError:
    """An error that came inside a stream, as `overloaded_error`."""
    words = f"the stream ended in an error: {whole(str(error.get('message') or error))[:SHOWN]}"
    return ProviderError(_KINDS.get(str(error.get("type")), "server"), words, charged=True)


def _said(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError("expected text")
    return text
