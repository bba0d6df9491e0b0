"""A streamed chat completion: what its chunks make. Pure.

Source: the OpenAI API reference, "The chat completion chunk object". Usage comes in a last chunk without choices.
"""

from __future__ import annotations

import json
from typing import Any

from llmops_git.providers.base import ProviderError, Reply, Usage
from llmops_git.providers.openai_wire import text_of, usage_of
from llmops_git.providers.wire import NO_JSON, SHOWN, cut_off, kind_of, no_reply, whole

_END = b"[DONE]"
_STATUSES = range(400, 600)
_MOST_CALLS = 1000


class ChatStream:
    """Takes chunks as they come."""

    def __init__(self) -> None:
        self.started = False
        self.done = False
        self._answered = False
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._reason = ""
        self._usage: Any = None
        self._model: Any = ""
        self._engine: Any = ""

    def take(self, data: bytes) -> None:
        """One chunk. Raises ProviderError for one that is none, or that carries an error."""
        if data == _END:
            self.done = True
            return
        try:
            chunk = json.loads(data)
            if chunk.get("error"):
                raise _failure(chunk["error"])
            self._take(chunk)
        except NO_JSON:
            no_reply(data, "a stream of chat completion chunks")

    def reply(self) -> Reply:
        """The whole reply: one that was said to end. Raises ProviderError (server) where the stream was cut off."""
        if not self._answered or not (self._reason or self.done):
            raise cut_off()
        text, reason = "".join(self._texts), self._reason
        if not text and self._refusals:
            text, reason = "".join(self._refusals), "refusal"
        try:
            return Reply(
                text=whole(text),
                finish_reason=whole(reason),
                tool_calls=tuple(_call(call) for call in self._calls),
                usage=usage_of(self._usage) if self._usage else Usage(),
                model=whole(self._model),
                engine=whole(self._engine),
            )
        except NO_JSON:
            no_reply(str(self._calls or reason).encode(errors="replace"), "a chat completion")

    def _take(self, chunk: Any) -> None:
        for choice in chunk.get("choices") or ():
            if choice.get("index"):
                continue
            self._answered = True
            self._take_delta(choice.get("delta") or {})
            self._reason = choice.get("finish_reason") or self._reason
        if chunk.get("usage"):
            self._usage = chunk["usage"]
        if not self._model:
            self._model, self._engine = chunk.get("model") or "", chunk.get("system_fingerprint") or ""

    def _take_delta(self, delta: Any) -> None:
        for name, parts in (("content", self._texts), ("refusal", self._refusals)):
            if said := delta.get(name):
                text = text_of(said)
                if not isinstance(text, str):
                    raise TypeError("expected text")
                parts.append(text)
                self.started = self.started or bool(text)
        for part in delta.get("tool_calls") or ():
            self._take_call(part)
            self.started = True

    def _take_call(self, part: Any) -> None:
        """A part of a tool call belongs to the call of its index. Servers that send calls whole may give each the index 0, or
        none: a new id is a new call."""
        function, index = part.get("function") or {}, part.get("index")
        call = next((call for call in reversed(self._calls) if index is None or call["index"] == index), None)
        if call is None or (part.get("id") and call["id"] and part["id"] != call["id"]):
            if len(self._calls) == _MOST_CALLS:
                raise ValueError("too many tool calls")
            call = {"index": index, "id": "", "name": "", "arguments": []}
            self._calls.append(call)
        call["id"] = call["id"] or part.get("id") or ""
        call["name"] = call["name"] or function.get("name") or ""
        call["arguments"].append(function.get("arguments") or "")


def _call(call: Any) -> dict[str, str]:
    if not call["name"]:
        raise ValueError("a tool call without a name")
    return {"id": whole(call["id"]), "name": whole(call["name"]), "arguments": whole("".join(call["arguments"]))}


def _failure(error: Any) -> ProviderError:
    """An error that came inside a stream. Some servers put the status that it would have been into `code`."""
    code = error.get("code") if isinstance(error, dict) else None
    words = error.get("message") if isinstance(error, dict) else error
    kind = kind_of(code) if isinstance(code, int) and code in _STATUSES else "server"
    return ProviderError(kind, f"the stream ended in an error: {whole(str(words or error))[:SHOWN]}", charged=True)
