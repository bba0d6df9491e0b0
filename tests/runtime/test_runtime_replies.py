"""What SDKs give back, whole or in chunks, is one kind of reply in a trace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llmops_git.providers.base import Reply, Usage
from llmops_git.runtime.documents import documents_of
from llmops_git.runtime.replies import reply_from
from llmops_git.runtime.streams import reply_of_chunks, says_something
from llmops_git.traces import attributes as names
from tests.chat_server import completion
from tests.runtime.runtime_material import loaded, the, written

OPENAI = json.loads(completion("billing"))
CALL = {"id": "c1", "type": "function", "function": {"name": "lookup", "arguments": '{"order": 7}'}}
ANTHROPIC = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "billing"}, {"type": "tool_use", "id": "c1", "name": "lookup", "input": {"order": 7}}],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 5, "output_tokens": 4, "cache_read_input_tokens": 100},
}
GOOGLE = {
    "candidates": [{"content": {"parts": [{"text": "billing"}], "role": "model"}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 4},
    "modelVersion": "gemini-x",
    "responseId": "g-1",
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "gpt-x",
    "output": [
        {"type": "reasoning", "summary": []},
        {"type": "message", "content": [{"type": "output_text", "text": "billing"}]},
        {"type": "function_call", "call_id": "c1", "name": "lookup", "arguments": '{"order": 7}'},
    ],
    "usage": {
        "input_tokens": 5,
        "output_tokens": 4,
        "input_tokens_details": {"cached_tokens": 2},
        "output_tokens_details": {"reasoning_tokens": 3},
    },
}


class Dumped:
    """An object of an SDK that is built on pydantic: it also has every field that is not set."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def model_dump(self, *, mode: str, by_alias: bool, exclude_none: bool = False) -> dict[str, Any]:
        assert ("json", True) == (mode, by_alias)
        return self._document if exclude_none else _with_nulls(self._document)


def _with_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        names = ("functionCall", "thoughtSignature", "error", "promptFeedback", "usageMetadata", "refusal")
        return {**dict.fromkeys(names), **{name: _with_nulls(item) for name, item in value.items()}}
    return [_with_nulls(item) for item in value] if isinstance(value, list) else value


def namespaced(value: Any) -> Any:
    """An object with attributes and nothing else."""
    if isinstance(value, dict):
        return SimpleNamespace(**{name: namespaced(item) for name, item in value.items()})
    return [namespaced(item) for item in value] if isinstance(value, list) else value


LANGCHAIN = SimpleNamespace(
    content="billing",
    id="run-1",
    tool_calls=[{"name": "lookup", "args": {"order": 7}, "id": "c1"}],
    response_metadata={"model_name": "gpt-x", "finish_reason": "tool_calls"},
    usage_metadata={"input_tokens": 5, "output_tokens": 4, "input_token_details": {"cache_read": 2}},
)


@pytest.mark.parametrize("form", [lambda value: value, Dumped, namespaced])
@pytest.mark.parametrize(
    ("document", "said"),
    [
        (OPENAI, ("billing", "stop", 12, 3, None, "test-model-2026-01-01", 0, "chatcmpl-1")),
        (ANTHROPIC, ("billing", "tool_calls", 105, 4, 100, "claude-x", 1, "msg_1")),
        (GOOGLE, ("billing", "stop", 5, 4, None, "gemini-x", 0, "g-1")),
        (RESPONSE, ("billing", "tool_calls", 5, 4, 2, "gpt-x", 1, "resp_1")),
    ],
)
def test_the_replies_of_the_usual_sdks(form: Any, document: dict[str, Any], said: tuple[Any, ...]) -> None:
    answer = reply_from(form(document))
    reply = answer.reply
    assert said == (
        reply.text,
        reply.finish_reason,
        reply.usage.input_tokens,
        reply.usage.output_tokens,
        reply.usage.cached_input_tokens,
        reply.model,
        len(reply.tool_calls),
        answer.id,
    )
    assert all(json.loads(call["arguments"]) == {"order": 7} for call in reply.tool_calls)


def test_a_message_of_langchain() -> None:
    reply = reply_from(LANGCHAIN).reply
    assert ("billing", "tool_calls", Usage(input_tokens=5, output_tokens=4, cached_input_tokens=2), "gpt-x") == (
        reply.text,
        reply.finish_reason,
        reply.usage,
        reply.model,
    )
    assert ({"id": "c1", "name": "lookup", "arguments": '{"order": 7}'},) == reply.tool_calls


def test_plain_replies() -> None:
    assert "yes" == reply_from("yes").reply.text
    assert "yes" == reply_from({"text": "yes"}).reply.text
    assert "yes" == reply_from(Reply(text="yes")).reply.text


def test_what_a_server_says_that_it_cost_wins(tmp_path: Path) -> None:
    document = {**OPENAI, "usage": {**OPENAI["usage"], "cost": 0.25}}
    router = loaded(tmp_path)
    with router.request() as request:
        request.messages(message="hi")
        request.record(document)
        request.messages(message="hi")
        request.record(OPENAI, cost_usd=0.5)
    first, second = (span.attributes for span in written(tmp_path, router) if span.kind == "client")
    assert (0.25, 0.5, "chatcmpl-1") == (first[names.COST_USD], second[names.COST_USD], first[names.RESPONSE_ID])


@pytest.mark.parametrize("strange", [object(), {"what": 1}, {"choices": [{}]}, {"candidates": 7}, 7, b"x"])
def test_what_is_no_reply_costs_no_request(tmp_path: Path, strange: Any) -> None:
    router = loaded(tmp_path, content="full")
    with router.request() as request:
        request.messages(message="hi")
        request.record(strange, model="another", provider="elsewhere", ttft_seconds=0.5)
    chat = the(written(tmp_path, router), names.CHAT)
    assert ("chat another", "elsewhere", 0.5) == (
        chat.name,
        chat.attributes[names.PROVIDER],
        chat.attributes[names.FIRST_CHUNK],
    )
    assert 1 == router.stats()["spans_incomplete"]


def test_messages_of_an_sdk_and_of_ones_own(tmp_path: Path) -> None:
    router = loaded(tmp_path, content="full")
    asked = [{"role": "user", "content": "hi"}, Dumped({"role": "assistant", "content": None, "tool_calls": [CALL]})]
    with router.request() as request:
        request.record("ok", messages=asked)
    said = json.loads(the(written(tmp_path, router), names.CHAT).attributes[names.INPUT_MESSAGES])
    assert ["text", "tool_call"] == [message["parts"][0]["type"] for message in said]


def chat_chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "gpt-x", "choices": [{"index": 0, "delta": delta, "finish_reason": None, **more}]}


OPENAI_CHUNKS = [
    chat_chunk({"role": "assistant", "content": ""}),
    chat_chunk({"content": "bil"}),
    chat_chunk({"content": "ling"}, finish_reason="stop"),
    {"model": "gpt-x", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
]
ANTHROPIC_CHUNKS = [
    {"type": "message_start", "message": {"model": "claude-x", "usage": {"input_tokens": 9}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "bil"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ling"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]
GOOGLE_CHUNKS = [
    {"candidates": [{"content": {"parts": [{"text": "bil"}]}}]},
    {
        "candidates": [{"content": {"parts": [{"text": "ling"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2},
    },
]
RESPONSE_CHUNKS = [
    {"type": "response.created", "response": {"id": "resp_1"}},
    {"type": "response.output_text.delta", "delta": "billing"},
    {"type": "response.completed", "response": {**RESPONSE, "output": RESPONSE["output"][:2]}},
]


@pytest.mark.parametrize(
    ("chunks", "first", "tokens"),
    [
        (OPENAI_CHUNKS, 1, 9),
        ([namespaced(chunk) for chunk in OPENAI_CHUNKS], 1, 9),
        ([Dumped(chunk) for chunk in GOOGLE_CHUNKS], 0, 9),
        (ANTHROPIC_CHUNKS, 2, 9),
        (GOOGLE_CHUNKS, 0, 9),
        (RESPONSE_CHUNKS, 1, 5),
        (["", "bil", "ling"], 1, None),
    ],
)
def test_chunks_are_put_together(chunks: list[Any], first: int, tokens: int | None) -> None:
    assert first == next(number for number, chunk in enumerate(chunks) if says_something(chunk))
    reply = reply_of_chunks(chunks)
    assert ("billing", tokens) == (reply.text, reply.usage.input_tokens)
    assert reply.finish_reason == ("" if tokens is None else "stop")


@pytest.mark.parametrize("chunks", [OPENAI_CHUNKS[:2], ANTHROPIC_CHUNKS[:3], GOOGLE_CHUNKS[:1]])
def test_a_stream_that_is_cut_off_said_what_the_user_saw(chunks: list[Any]) -> None:
    reply = reply_of_chunks(chunks)
    assert ("bil", "cut_off") == (reply.text, reply.finish_reason)


def test_a_stream_is_timed_and_recorded(tmp_path: Path) -> None:
    import time

    def slow() -> Iterator[Any]:
        for number, chunk in enumerate(OPENAI_CHUNKS):
            time.sleep(0.05 if number == 1 else 0)
            yield chunk

    router = loaded(tmp_path, content="full")
    with router.request() as request:
        request.messages(message="hi")
        assert OPENAI_CHUNKS == list(request.stream(slow()))
    chat = the(written(tmp_path, router), names.CHAT)
    seconds = (chat.end_ns - chat.start_ns) / 1e9
    assert 0.05 <= chat.attributes[names.FIRST_CHUNK] <= seconds
    assert (9, ("stop",)) == (chat.attributes[names.INPUT_TOKENS], chat.attributes[names.FINISH_REASONS])
    assert "billing" in chat.attributes[names.OUTPUT_MESSAGES]


class Stream:
    """As SDKs have it: closing lets go of the connection."""

    def __init__(self, chunks: list[Any]) -> None:
        self._chunks = iter(chunks)
        self.closed = False

    def __iter__(self) -> Iterator[Any]:
        return self._chunks

    def close(self) -> None:
        self.closed = True


def test_a_stream_that_nobody_reads_to_its_end_is_let_go_of(tmp_path: Path) -> None:
    router = loaded(tmp_path, content="full")
    stream = Stream(OPENAI_CHUNKS)
    with router.request() as request:
        request.messages(message="hi")
        chunks = request.stream(stream)
        next(chunks)
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
    assert stream.closed
    chat = the(written(tmp_path, router), names.CHAT)
    assert (("cut_off",), "") == (chat.attributes[names.FINISH_REASONS], chat.error)


def test_a_stream_that_breaks_is_an_error_and_keeps_what_came(tmp_path: Path) -> None:
    def broken() -> Iterator[str]:
        yield "bil"
        raise ConnectionError("gone")

    router = loaded(tmp_path, content="full")
    with pytest.raises(ConnectionError), router.request() as request:
        list(request.stream(broken()))
    chat = the(written(tmp_path, router), names.CHAT)
    assert "ConnectionError" == chat.error
    assert "bil" in chat.attributes[names.OUTPUT_MESSAGES]


def test_an_asynchronous_stream(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[Any]:
        for chunk in ANTHROPIC_CHUNKS:
            await asyncio.sleep(0)
            yield chunk

    router = loaded(tmp_path, content="full")

    async def serve() -> int:
        async with router.request() as request:
            request.messages(message="hi")
            return len([chunk async for chunk in request.astream(chunks())])

    assert len(ANTHROPIC_CHUNKS) == asyncio.run(serve())
    chat = the(written(tmp_path, router), names.CHAT)
    assert "billing" in chat.attributes[names.OUTPUT_MESSAGES]
    assert 0 < chat.attributes[names.FIRST_CHUNK]


@pytest.mark.parametrize(
    ("found", "documents"),
    [
        (None, ()),
        ("one", ({"id": "1", "text": "one"},)),
        (
            ["a", {"id": 7, "content": "b", "page": 3}],
            ({"id": "1", "text": "a"}, {"id": "7", "content": "b", "page": 3, "text": "b"}),
        ),
        ([("a", 0.5)], ({"id": "1", "text": "a", "score": 0.5},)),
        ([SimpleNamespace(page_content="a", metadata={}, id=None)], ({"id": "1", "text": "a"},)),
        ([SimpleNamespace(node_id="n", text="a", score=0.25)], ({"id": "n", "text": "a", "score": 0.25},)),
        ([{"url": "u", "text": None}], ({"url": "u", "id": "u", "text": ""},)),
        ({"a"}, ({"id": "1", "text": "a"},)),
        ([7], ({"id": "1", "text": "7"},)),
    ],
)
def test_documents_of_any_search(found: Any, documents: tuple[dict[str, Any], ...]) -> None:
    assert documents == documents_of(found)


def test_a_search_that_yields_is_read_once(tmp_path: Path) -> None:
    router = loaded(tmp_path)
    with router.request() as request:
        found = request.retrieve("x", lambda _: (text for text in ("a", "b")))
        assert ["a", "b"] == found
        assert ["a", "b"] == [document["text"] for document in request.documents]
