"""Streamed answers: which chunk is the first that says something, and what all of them together say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmops_git.providers.base import Reply
    from llmops_git.runtime.inference import Asked

MOST_CHUNKS = 100_000
CUT_OFF = "cut_off"  # the finish reason of a stream that was not read to its end
_SILENT = frozenset(  # events that come before a word is said
    {
        *("message_start", "content_block_start", "ping"),
        *("response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"),
    }
)


class Watched:
    """A stream that is under way: its question, when its first words came (0: not yet), and its chunks."""

    __slots__ = ("asked", "chunks", "first")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.first = 0
        self.chunks: list[Any] = []

    def keep(self, chunk: Any) -> None:
        if len(self.chunks) < MOST_CHUNKS:
            self.chunks.append(chunk)


def says_something(chunk: Any) -> bool:
    """Whether a chunk brings something of the answer itself, and not only that one begins. Chunks of unknown kinds do."""
    try:
        if isinstance(chunk, str | bytes):
            return bool(chunk)
        choices = _get(chunk, "choices")
        if choices is not None:
            deltas = [_get(choice, "delta") for choice in choices]
            return any(_get(delta, name) for delta in deltas for name in ("content", "refusal", "tool_calls"))
        return _get(chunk, "type") not in _SILENT
    except Exception:  # noqa: BLE001  # a chunk can be anything
        return True


def reply_of_chunks(chunks: list[Any]) -> Reply:
    """What the chunks say together; as far as they came, where they were cut off. Raises for chunks of an unknown kind."""
    from llmops_git.providers.base import Reply
    from llmops_git.runtime.replies import as_json, reply_from

    if all(isinstance(chunk, str) for chunk in chunks):
        return Reply(text="".join(chunks))
    events = [as_json(chunk) for chunk in chunks if not isinstance(chunk, str)]
    last = next((event["response"] for event in reversed(events) if isinstance(event.get("response"), Mapping)), None)
    if last is not None and str(events[-1].get("type", "")).startswith("response."):
        return reply_from(last).reply
    return _read(events)


def _read(events: list[Mapping[str, Any]]) -> Reply:
    from llmops_git.providers.anthropic_reply import MessageStream
    from llmops_git.providers.base import ProviderError, Reply
    from llmops_git.providers.google_reply import ContentStream
    from llmops_git.providers.openai_stream import ChatStream

    kinds = {str(event.get("type", "")) for event in events}
    if "message_start" in kinds:
        reader: Any = MessageStream(by_tool=False)
    elif any("candidates" in event for event in events):
        reader = ContentStream()
    elif any("choices" in event for event in events):
        reader = ChatStream()
    else:
        raise TypeError(f"no stream is known that has chunks with {', '.join(sorted(map(str, events[0]))[:8])}")
    for event in events:
        reader.take(json.dumps(event, default=str).encode())
    try:
        reply: Reply = reader.reply()
    except ProviderError:  # nobody read it to its end: what was said is what the user saw
        return Reply(text="".join(word for event in events for word in _words(event)), finish_reason=CUT_OFF)
    return reply


def _words(event: Mapping[str, Any]) -> Iterator[str]:
    """The text that one event brings."""
    for choice in event.get("choices") or ():
        yield str((choice.get("delta") or {}).get("content") or "")
    if event.get("type") == "content_block_delta":
        yield str(event["delta"].get("text") or "")
    for candidate in event.get("candidates") or ():
        for part in (candidate.get("content") or {}).get("parts") or ():
            yield str(part.get("text") or "")


def _get(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
