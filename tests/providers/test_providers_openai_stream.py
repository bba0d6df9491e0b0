"""Streamed chat completions from a real server on the loopback: whole replies, and never a part of one."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, ChatServer, chat_server, completion, error_answer, event_stream, text_answer
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.policy import ProviderSettings
from llmops_git.providers.base import ProviderError, Reply, Request, Usage
from llmops_git.providers.openai import OpenAIProvider
from llmops_git.providers.openai_stream import ChatStream
from llmops_git.providers.sse import EventStream

KEY = "sk-secret-1234567890"
REQUEST = Request(provider="p", model="m", messages=({"role": "user", "content": "hi"},))
USAGE = {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}}
Opened = Callable[..., OpenAIProvider]


def chunk(content: str | None = None, finish: str | None = None, **delta: Any) -> dict:
    said = delta if content is None else {"content": content, **delta}
    return {"model": "m-1", "system_fingerprint": "fp", "choices": [{"index": 0, "delta": said, "finish_reason": finish}]}


LAST = {"model": "m-1", "choices": [], "usage": USAGE}
HELLO = (chunk("", role="assistant"), chunk("hel"), chunk("lo"), chunk(finish="stop"), LAST, "[DONE]")


@pytest.fixture
def opened() -> Iterator[Opened]:
    providers = []

    def open_on(server: ChatServer, **settings: object) -> OpenAIProvider:
        settings = {"base_url": server.url, "key_env": "TEST_KEY", "timeout": 5.0, **settings}
        providers.append(OpenAIProvider(ProviderSettings(name="p", api="openai", **settings), environ={"TEST_KEY": KEY}))
        return providers[-1]

    yield open_on
    for provider in providers:
        provider.close()


def _answered(opened: Opened, answer: Answer) -> Reply:
    with chat_server(lambda _asked, _number: answer) as server:
        return opened(server).generate(REQUEST, worker=0)


def _failure(opened: Opened, answer: Answer) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        _answered(opened, answer)
    return caught.value


def test_a_stream_is_asked_for_with_its_usage_and_makes_a_whole_reply(opened: Opened) -> None:
    with chat_server(lambda _asked, _number: event_stream(*HELLO)) as server:
        reply = opened(server).generate(REQUEST, worker=0)
    assert server.asked[0].body["stream"] is True
    assert server.asked[0].body["stream_options"] == {"include_usage": True}
    assert (reply.text, reply.finish_reason, reply.model, reply.engine) == ("hello", "stop", "m-1", "fp")
    assert reply.usage == Usage(input_tokens=12, output_tokens=3, cached_input_tokens=8)
    assert 0 < reply.ttft_seconds <= reply.latency_seconds < 5


def test_the_first_token_is_timed_when_it_comes_and_not_with_the_last(opened: Opened) -> None:
    then = threading.Event()
    first = (
        b"data: " + json.dumps(chunk("", role="assistant")).encode() + b"\n\ndata: " + json.dumps(chunk("a")).encode() + b"\n\n"
    )
    rest = event_stream(*HELLO[2:]).body
    answer = Answer(headers={"content-type": "text/event-stream"}, parts=(first, rest), then=then)
    timer = threading.Timer(0.3, then.set)
    timer.start()
    reply = _answered(opened, answer)
    timer.join()
    assert reply.text == "alo"
    assert reply.ttft_seconds < 0.2
    assert reply.latency_seconds > 0.29


def test_reasoning_is_not_the_first_token_of_the_answer() -> None:
    stream = ChatStream()
    stream.take(json.dumps(chunk(reasoning_content="hmm")).encode())
    assert not stream.started
    stream.take(json.dumps(chunk("yes")).encode())
    assert stream.started


def test_tool_calls_come_in_parts(opened: Opened) -> None:
    def call(index: int | None, **function: str) -> dict:
        identity = {"id": f"c{index}"} if "name" in function else {}
        return chunk(tool_calls=[{"index": index, **identity, "function": function}])

    parts = [
        call(0, name="look", arguments=""),
        call(0, arguments='{"id"'),
        call(1, name="find", arguments="{}"),
        call(0, arguments=": 1}"),
    ]
    reply = _answered(opened, event_stream(*parts, chunk(finish="tool_calls"), "[DONE]"))
    assert reply.tool_calls == (
        {"id": "c0", "name": "look", "arguments": '{"id": 1}'},
        {"id": "c1", "name": "find", "arguments": "{}"},
    )
    assert reply.ttft_seconds is not None


def test_calls_that_a_server_sends_whole_stay_apart() -> None:
    stream = ChatStream()
    for number in range(2):
        call = {"index": 0, "id": f"c{number}", "function": {"name": f"f{number}", "arguments": "{}"}}
        stream.take(json.dumps(chunk(tool_calls=[call])).encode())
    stream.take(b"[DONE]")
    assert ["f0", "f1"] == [call["name"] for call in stream.reply().tool_calls]


def test_no_reply_has_calls_without_end() -> None:
    calls = [{"index": number, "id": f"c{number}", "function": {"name": "f", "arguments": ""}} for number in range(1001)]
    ChatStream().take(json.dumps(chunk(tool_calls=calls[:1000])).encode())
    with pytest.raises(ProviderError):
        ChatStream().take(json.dumps(chunk(tool_calls=calls)).encode())


def test_a_stream_over_tls_is_read_piece_by_piece(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = Path(__file__).parent / "loopback.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    pieces = tuple(event_stream(one).body for one in HELLO)
    answer = Answer(headers={"content-type": "text/event-stream"}, parts=pieces)
    with chat_server(lambda _asked, _number: answer, certificate=certificate) as server:
        provider = opened(server)
        replies = [provider.generate(REQUEST, worker=0) for _ in range(3)]
    assert ["hello"] * 3 == [reply.text for reply in replies]
    assert all(reply.ttft_seconds <= reply.latency_seconds for reply in replies)
    assert server.connections == 1


def test_a_refusal_is_the_reply(opened: Opened) -> None:
    reply = _answered(opened, event_stream(chunk(refusal="I can"), chunk(refusal="not."), chunk(finish="stop"), "[DONE]"))
    assert (reply.text, reply.finish_reason) == ("I cannot.", "refusal")


def test_a_character_cut_in_two_is_put_together_again() -> None:
    stream = ChatStream()
    for text in ("\ud83d", "\ude00", "\ud800"):
        stream.take(json.dumps(chunk(text)).encode())
    stream.take(b"[DONE]")
    assert stream.reply().text == "\U0001f600?"


@given(st.integers(0, len(event_stream(*HELLO).body) - 1))
def test_a_stream_cut_anywhere_before_its_end_is_no_reply(cut: int) -> None:
    """Up to the event that carries the finish reason nothing is a reply; from there on the text is whole."""
    events, stream = EventStream(), ChatStream()
    body = event_stream(*HELLO).body
    said = []
    with contextlib.suppress(ProviderError):
        for event in (*events.feed(body[:cut]), *events.end()):
            stream.take(event)
        said.append(stream.reply().text)
    finished = body.index(b'"stop"') + len('"stop"}]}')
    assert said in ([["hello"], []] if cut >= finished else [[]])


@pytest.mark.parametrize(
    "answer",
    [
        event_stream(*HELLO[:3]),
        event_stream(*HELLO, sent=200),
        event_stream(chunk("a"), "{not json"),
        event_stream(chunk("a"), "[1]"),
        event_stream(chunk("a"), {"choices": 5}),
        event_stream(chunk("a"), {"choices": [{"delta": {"content": 7}}]}, "[DONE]"),
        event_stream(chunk(tool_calls=[{"index": 0, "function": {"arguments": "{}"}}]), "[DONE]"),
        event_stream("[DONE]"),
        event_stream(),
        event_stream(*HELLO, headers={"content-type": "text/html"}),
        event_stream(*HELLO[:3], chunked=False),
        event_stream("[" * 100_000),
    ],
    ids=[
        "no end",
        "cut off",
        "no json",
        "a list",
        "no choices",
        "no text",
        "no name",
        "nothing",
        "empty",
        "html",
        "plain",
        "deep",
    ],
)
def test_a_broken_stream_is_the_servers_error_and_may_have_been_billed(opened: Opened, answer: Answer) -> None:
    error = _failure(opened, answer)
    assert (error.kind, error.charged) == ("server", True)
    assert len(error.message) < 500


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": f"overloaded {KEY}", "type": "server_error"}, "server"),
        ({"message": "slow down", "code": 429}, "rate_limit"),
        ("out of memory", "server"),
    ],
)
def test_an_error_inside_a_stream_is_an_error(opened: Opened, error: Any, kind: str) -> None:
    caught = _failure(opened, event_stream(chunk("half a"), {"error": error}))
    assert (caught.kind, caught.charged) == (kind, True)
    assert KEY not in caught.message


def test_a_stream_with_a_length_or_to_the_end_of_the_connection_is_read(opened: Opened) -> None:
    assert _answered(opened, event_stream(*HELLO, chunked=False)).text == "hello"


def test_a_connection_is_used_again_after_a_stream(opened: Opened) -> None:
    with chat_server(lambda _asked, _number: event_stream(*HELLO)) as server:
        provider = opened(server)
        assert ["hello"] * 3 == [provider.generate(REQUEST, worker=0).text for _ in range(3)]
    assert server.connections == 1


def test_a_stream_larger_than_the_bound_is_refused(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmops_git.providers.http.MAX_STREAM_BYTES", 1000)
    error = _failure(opened, event_stream(chunk("x" * 2000), "[DONE]"))
    assert (error.kind, "larger than 1000 bytes" in error.message) == ("server", True)


def test_a_server_that_answers_whole_although_asked_to_stream_is_understood(opened: Opened) -> None:
    reply = _answered(opened, text_answer("whole"))
    assert (reply.text, reply.ttft_seconds) == ("whole", None)


@pytest.mark.parametrize(
    "refusal",
    [
        error_answer(400, "Your organization must be verified to stream this model."),
        error_answer(422, "Extra inputs are not permitted: stream_options"),
        Answer(status=400, body=json.dumps({"error": {"message": "unsupported value", "param": "stream"}}).encode()),
    ],
)
def test_a_model_that_is_not_streamed_is_asked_without_from_then_on(opened: Opened, refusal: Answer) -> None:
    with chat_server(lambda asked, _number: refusal if "stream" in asked.body else text_answer("whole")) as server:
        provider = opened(server)
        assert ["whole"] * 2 == [provider.generate(REQUEST, worker=0).text for _ in range(2)]
    assert [True, False, False] == ["stream" in asked.body for asked in server.asked]


def test_a_refusal_for_another_reason_stays_one(opened: Opened) -> None:
    with chat_server(lambda _asked, _number: error_answer(400, "no such model")) as server, pytest.raises(ProviderError):
        opened(server).generate(REQUEST, worker=0)
    assert len(server.asked) == 1


def test_the_policy_turns_streaming_off(opened: Opened) -> None:
    with chat_server(lambda _asked, _number: text_answer()) as server:
        opened(server, stream=False).generate(REQUEST, worker=0)
    assert "stream" not in server.asked[0].body


def test_the_time_limit_bounds_a_stream_that_never_ends(opened: Opened) -> None:
    then = threading.Event()
    answer = Answer(headers={"content-type": "text/event-stream"}, parts=(event_stream(chunk("a")).body, b"\n"), then=then)
    with chat_server(lambda _asked, _number: answer) as server:
        with pytest.raises(ProviderError) as caught:
            opened(server, timeout=0.3).generate(REQUEST, worker=0)
        then.set()
    assert (caught.value.kind, caught.value.charged) == ("timeout", True)


def test_a_server_that_keeps_the_stream_open_after_its_end_is_not_waited_for(opened: Opened) -> None:
    then = threading.Event()
    answer = Answer(headers={"content-type": "text/event-stream"}, parts=(event_stream(*HELLO).body, b"\n"), then=then)
    with chat_server(lambda _asked, number: text_answer("next") if number else answer) as server:
        provider = opened(server)
        assert provider.generate(REQUEST, worker=0).text == "hello"
        assert provider.generate(REQUEST, worker=0).text == "next"
        then.set()
    assert server.connections == 2


def test_a_stream_comes_through_a_proxy(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server(lambda _asked, number: event_stream(*HELLO[: 3 if number else 6])) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        provider = opened(ChatServer("http://model.invalid/v1", []))
        reply = provider.generate(REQUEST, worker=0)
        with pytest.raises(ProviderError, match="before the reply was whole"):
            provider.generate(REQUEST, worker=0)
    assert (reply.text, reply.usage.input_tokens) == ("hello", 12)
    assert 0 < reply.ttft_seconds <= reply.latency_seconds


def test_a_whole_reply_and_a_streamed_one_say_the_same(opened: Opened) -> None:
    whole = json.loads(completion("hello", model="m-1", system_fingerprint="fp", usage=USAGE))
    with chat_server(lambda asked, _number: event_stream(*HELLO) if "stream" in asked.body else text_answer(**{k: whole[k] for k in ("choices", "model", "system_fingerprint", "usage")})) as server:  # fmt: skip
        streamed, plain = (opened(server, stream=stream).generate(REQUEST, worker=0) for stream in (True, False))
    fields = ("text", "finish_reason", "usage", "model", "engine", "tool_calls")
    assert [getattr(streamed, name) for name in fields] == [getattr(plain, name) for name in fields]
