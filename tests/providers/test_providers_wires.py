"""What holds on every wire: broken servers are classified, keys go nowhere, and no part of a text is taken for a whole one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chat_server import Answer, ChatServer, chat_server, completion, event_stream

from llmops_git.configs.policy import Api, ProviderSettings
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import Provider, ProviderError, Reply, Request
from llmops_git.providers.replay import RecordingProvider, ReplayProvider
from llmops_git.providers.table import open_provider

KEY = "sk-secret-1234567890"
REQUEST = Request(provider="p", model="m-1", messages=({"role": "user", "content": "hi"},))


@dataclass(frozen=True, kw_only=True)
class Wire:
    """One wire: a whole reply of `hello`, the same in events, and an error in the middle of them."""

    api: Api
    path: str
    key_header: str
    whole: bytes
    events: tuple[Any, ...]
    error: Any


def _chat(content: str | None, finish: str | None = None) -> dict:
    return {"choices": [{"index": 0, "delta": {"content": content} if content else {}, "finish_reason": finish}]}


def _content(text: str, **more: Any) -> dict:
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, **more}], "modelVersion": "m-1"}


_MESSAGE = {"type": "message", "role": "assistant", "model": "m-1", "usage": {"input_tokens": 5, "output_tokens": 2}}
WIRES = [
    Wire(
        api="openai",
        path="/v1/chat/completions",
        key_header="authorization",
        whole=completion("hello"),
        events=(_chat("hel"), _chat("lo"), _chat(None, "stop"), {"choices": [], "usage": {"prompt_tokens": 5}}, "[DONE]"),
        error={"error": {"message": f"broken {KEY}"}},
    ),
    Wire(
        api="anthropic",
        path="/v1/messages",
        key_header="x-api-key",
        whole=json.dumps({**_MESSAGE, "content": [{"type": "text", "text": "hello"}], "stop_reason": "end_turn"}).encode(),
        events=(
            {"type": "message_start", "message": {**_MESSAGE, "content": []}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hel"}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
            {"type": "message_stop"},
        ),
        error={"type": "error", "error": {"type": "overloaded_error", "message": f"broken {KEY}"}},
    ),
    Wire(
        api="google",
        path="/v1/models/m-1:generateContent",
        key_header="x-goog-api-key",
        whole=json.dumps(_content("hello", finishReason="STOP")).encode(),
        events=(_content("hel"), _content("lo", finishReason="STOP")),
        error={"error": {"code": 503, "status": "UNAVAILABLE", "message": f"broken {KEY}"}},
    ),
]
Opened = Callable[..., Provider]


@pytest.fixture(params=WIRES, ids=lambda wire: wire.api)
def wire(request: pytest.FixtureRequest) -> Wire:
    return request.param


@pytest.fixture
def opened(wire: Wire) -> Iterator[Opened]:
    providers = []

    def open_on(server: ChatServer, **settings: Any) -> Provider:
        values = {"base_url": server.url, "key_env": "TEST_KEY", "timeout": 5.0, **settings}
        providers.append(open_provider(ProviderSettings(name="p", api=wire.api, **values), environ={"TEST_KEY": KEY}))
        return providers[-1]

    yield open_on
    for provider in providers:
        provider.close()


def _answered(opened: Opened, answer: Answer, **settings: Any) -> Reply:
    with chat_server(lambda _asked, _number: answer) as server:
        return opened(server, **settings).generate(REQUEST, worker=0)


def _failure(opened: Opened, answer: Answer, **settings: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        _answered(opened, answer, **settings)
    assert KEY not in str(caught.value)
    assert KEY not in caught.value.hint
    assert len(caught.value.message) < 500
    return caught.value


def test_a_whole_reply_and_a_streamed_one_say_the_same(wire: Wire, opened: Opened) -> None:
    whole = _answered(opened, Answer(body=wire.whole), stream=False)
    streamed = _answered(opened, event_stream(*wire.events))
    assert ("hello", "stop") == (whole.text, whole.finish_reason) == (streamed.text, streamed.finish_reason)
    assert whole.ttft_seconds is None
    assert 0 < streamed.ttft_seconds <= streamed.latency_seconds


def test_the_key_goes_into_one_header_and_not_into_the_address(wire: Wire, opened: Opened) -> None:
    with chat_server(lambda _asked, _number: Answer(body=wire.whole)) as server:
        opened(server, stream=False).generate(REQUEST, worker=0)
    (asked,) = server.asked
    assert asked.path == wire.path
    assert [wire.key_header] == [name.lower() for name, value in asked.headers.items() if KEY in value]
    assert KEY not in json.dumps(asked.body)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"),
        (401, "auth"),
        (403, "auth"),
        (404, "bad_request"),
        (408, "timeout"),
        (413, "bad_request"),
        (429, "rate_limit"),
        (500, "server"),
        (502, "server"),
        (504, "server"),
        (529, "server"),
    ],
)
def test_statuses_are_classified(opened: Opened, status: int, kind: str) -> None:
    error = _failure(opened, Answer(status=status, body=json.dumps({"error": {"message": f"no {KEY}"}}).encode()))
    assert (kind, False) == (error.kind, error.charged)
    assert error.message == f"p: HTTP {status}: no ***"


def test_a_refused_request_says_how_long_to_wait(opened: Opened) -> None:
    error = _failure(opened, Answer(status=429, body=b"slow down", headers={"retry-after": "7"}))
    assert (7.0, 7.0) == (error.retry_after, error.rate_limits.retry_after)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[]", b"{}", b'{"error": 5}', b"[" * 100_000, b'"text"', b"\xff\xfe"]
)
def test_a_success_that_holds_no_reply_is_the_servers_error(opened: Opened, body: bytes) -> None:
    for stream in (True, False):
        error = _failure(opened, Answer(body=body), stream=stream)
        assert ("server", True) == (error.kind, error.charged)


def test_a_whole_reply_cut_anywhere_is_no_reply(wire: Wire, opened: Opened) -> None:
    for sent in (0, 1, len(wire.whole) // 2, len(wire.whole) - 1):
        error = _failure(opened, Answer(body=wire.whole, sent=sent), stream=False)
        assert error.kind in {"server", "network"}
        assert error.charged


def test_a_stream_that_ends_before_the_reply_is_whole_is_no_reply(wire: Wire, opened: Opened) -> None:
    for count in range(len(wire.events)):
        said = json.dumps(wire.events[:count])
        if any(mark in said for mark in ('"stop"', '"stop_reason": "end_turn"', "STOP")):
            continue
        error = _failure(opened, event_stream(*wire.events[:count]))
        assert ("server", True) == (error.kind, error.charged)


def test_a_stream_whose_connection_is_lost_is_no_reply(wire: Wire, opened: Opened) -> None:
    body = event_stream(*wire.events).body
    for sent in (0, 20, len(body) // 2):
        error = _failure(opened, event_stream(*wire.events, sent=sent))
        assert error.kind in {"server", "network"}
        assert error.charged


@pytest.mark.parametrize("event", ["{", "[]", "5", "null", '"text"', "[" * 100_000])
def test_a_malformed_event_is_the_servers_error(wire: Wire, opened: Opened, event: str) -> None:
    error = _failure(opened, event_stream(*wire.events[:2], event, *wire.events[2:]))
    assert ("server", True) == (error.kind, error.charged)


def test_an_error_inside_a_stream_is_an_error(wire: Wire, opened: Opened) -> None:
    error = _failure(opened, event_stream(*wire.events[:2], wire.error))
    assert ("server", True) == (error.kind, error.charged)
    assert "broken ***" in error.message


def test_an_answer_of_another_type_is_the_servers_error(wire: Wire, opened: Opened) -> None:
    for kind in ("text/html", "application/octet-stream"):
        assert "server" == _failure(opened, event_stream(*wire.events, headers={"content-type": kind})).kind
    assert "server" == _failure(opened, Answer(body=wire.whole, headers={"content-type": "text/event-stream"})).kind


def test_huge_replies_are_refused(wire: Wire, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmops_git.providers.http.MAX_STREAM_BYTES", 100)
    monkeypatch.setattr("llmops_git.providers.http.MAX_REPLY_BYTES", 100)
    for answer in (event_stream(*wire.events, *wire.events), Answer(body=b"x" * 101), Answer(body=b"x" * 101, chunked=True)):
        error = _failure(opened, answer)
        assert ("server", True) == (error.kind, "larger than 100 bytes" in error.message)


def test_a_slow_server_meets_the_time_limit(wire: Wire, opened: Opened) -> None:
    never = threading.Event()
    first = event_stream(*wire.events[:1]).body
    answers = (
        Answer(body=wire.whole, hold=never),
        Answer(headers={"content-type": "text/event-stream"}, parts=(first, b"\n"), then=never),
    )
    for answer in answers:
        with chat_server(lambda _asked, _number, answer=answer: answer) as server:
            with pytest.raises(ProviderError) as caught:
                opened(server, timeout=0.2).generate(REQUEST, worker=0)
            never.set()
        never.clear()
        assert ("timeout", True) == (caught.value.kind, caught.value.charged)


def test_redirects_are_not_followed_with_the_key(wire: Wire, opened: Opened) -> None:
    with chat_server(lambda _asked, _number: Answer(body=wire.whole)) as elsewhere:
        for status in (301, 302, 307, 308):
            error = _failure(opened, Answer(status=status, headers={"location": elsewhere.url}))
            assert ("bad_request", True) == (error.kind, "redirects" in error.message)
    assert elsewhere.asked == []


def test_a_missing_key_names_its_variable(wire: Wire) -> None:
    settings = ProviderSettings(name="p", api=wire.api, base_url="https://x", key_env="ABSENT")
    with pytest.raises(LlmopsError, match="the environment variable ABSENT is not set"):
        open_provider(settings, environ={})


def test_a_streamed_reply_is_recorded_and_answers_again_as_it_was(wire: Wire, opened: Opened, tmp_path: Path) -> None:
    with chat_server(lambda _asked, _number: event_stream(*wire.events)) as server:
        reply = RecordingProvider(opened(server), tmp_path).generate(REQUEST, worker=0)
    assert reply.ttft_seconds is not None
    assert reply == ReplayProvider("p", tmp_path).generate(REQUEST, worker=0)


def test_the_fingerprint_names_the_wire_and_the_address(wire: Wire, opened: Opened) -> None:
    assert f"{wire.api} api.example.com/v1" == opened(ChatServer("https://api.example.com/v1/", [])).fingerprint()
