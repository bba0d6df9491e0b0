"""The OpenAI-compatible provider against a real server on the loopback."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chat_server import Answer, Asked, ChatServer, chat_server, completion, error_answer, text_answer

from llmops_git.configs.policy import ProviderSettings
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import ProviderError, RateLimit, RateLimits, Request, Usage
from llmops_git.providers.http import MAX_REPLY_BYTES
from llmops_git.providers.openai import OpenAIProvider

KEY = "sk-secret-1234567890"
REQUEST = Request(
    provider="p", model="test-model", messages=({"role": "user", "content": "hi"},), parameters={"temperature": 0}
)

Opened = Callable[..., OpenAIProvider]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Opens providers on a server and closes them at the end."""
    providers = []

    def open_on(server: ChatServer, **settings: object) -> OpenAIProvider:
        settings = {"base_url": server.url, "key_env": "TEST_KEY", "timeout": 5.0, **settings}
        providers.append(OpenAIProvider(ProviderSettings(name="p", api="openai", **settings), environ={"TEST_KEY": KEY}))
        return providers[-1]

    yield open_on
    for provider in providers:
        provider.close()


def _always(answer: Answer) -> Callable[[Asked, int], Answer]:
    return lambda _asked, _number: answer


def _failure(opened: Opened, answer: Answer, **settings: object) -> ProviderError:
    with chat_server(_always(answer)) as server, pytest.raises(ProviderError) as caught:
        opened(server, **settings).generate(REQUEST, worker=0)
    return caught.value


def test_a_request_reaches_the_server_as_the_api_wants_it(opened: Opened) -> None:
    request = Request(
        provider="p",
        model="test-model",
        messages=({"role": "system", "content": "be brief"}, {"role": "user", "content": "grüß dich"}),
        parameters={"temperature": 0, "seed": 7, "max_tokens": 16, "extra": {"user": "eval"}},
        output_schema={
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "required": ["a"],
            "additionalProperties": False,
        },
        tools=({"name": "lookup", "parameters": {"type": "object"}},),
        sample=2,
    )
    with chat_server(_always(text_answer())) as server:
        opened(server, stream=False).generate(request, worker=0)
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    expected = {
        "model": "test-model",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "grüß dich"}],
        "temperature": 0,
        "seed": 9,
        "max_tokens": 16,
        "user": "eval",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "output", "schema": request.output_schema, "strict": True},
        },
        "tools": [{"type": "function", "function": {"name": "lookup", "parameters": {"type": "object"}}}],
    }
    assert expected == asked.body


def test_a_reply_is_read_with_its_usage_and_engine(opened: Opened) -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 5},
    }
    with chat_server(_always(text_answer("hello", usage=usage))) as server:
        reply = opened(server).generate(REQUEST, worker=0)
    assert (reply.text, reply.finish_reason) == ("hello", "stop")
    assert (reply.model, reply.engine) == ("test-model-2026-01-01", "fp_1")
    assert reply.usage == Usage(input_tokens=100, output_tokens=20, cached_input_tokens=64, reasoning_tokens=5)
    assert 0 < reply.latency_seconds < 5


@pytest.mark.parametrize(
    ("message", "finish", "expected"),
    [
        ({"content": None, "refusal": "I cannot."}, "stop", ("I cannot.", "refusal")),
        ({"content": "half a sen"}, "length", ("half a sen", "length")),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "stop", ("ab", "stop")),
        ({"content": "\ud800!"}, None, ("?!", "")),
    ],
)
def test_what_the_model_did_is_a_reply_whatever_it_is(
    opened: Opened, message: dict, finish: str | None, expected: tuple[str, str]
) -> None:
    choices = [{"message": message, "finish_reason": finish}]
    with chat_server(_always(text_answer(choices=choices))) as server:
        reply = opened(server).generate(REQUEST, worker=0)
    assert expected == (reply.text, reply.finish_reason)


def test_tool_calls_are_part_of_the_reply(opened: Opened) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "lookup", "arguments": '{"id": 1}'}}
    choices = [{"message": {"content": None, "tool_calls": [call]}, "finish_reason": "tool_calls"}]
    with chat_server(_always(text_answer(choices=choices))) as server:
        reply = opened(server).generate(REQUEST, worker=0)
    assert reply.tool_calls == ({"id": "c1", "name": "lookup", "arguments": '{"id": 1}'},)


def test_a_prompt_that_does_not_fit_the_model_is_an_empty_reply(opened: Opened) -> None:
    with chat_server(_always(error_answer(400, "too long", code="context_length_exceeded"))) as server:
        reply = opened(server).generate(REQUEST, worker=0)
    assert (reply.text, reply.finish_reason) == ("", "context_length_exceeded")


def test_chunked_replies_are_read(opened: Opened) -> None:
    with chat_server(_always(Answer(body=completion("x" * 1000), chunked=True))) as server:
        provider = opened(server)
        assert [provider.generate(REQUEST, worker=0).text for _ in range(3)] == ["x" * 1000] * 3
    assert server.connections == 1


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, "bad_request", False),
        (401, "auth", False),
        (403, "auth", False),
        (404, "bad_request", False),
        (408, "timeout", True),
        (422, "bad_request", False),
        (429, "rate_limit", True),
        (500, "server", True),
        (503, "server", True),
        (529, "server", True),
    ],
)
def test_statuses_are_classified(opened: Opened, status: int, kind: str, retryable: bool) -> None:
    error = _failure(opened, error_answer(status, "the server's words"))
    assert (error.kind, error.retryable) == (kind, retryable)
    assert error.message == f"p: HTTP {status}: the server's words"
    assert not error.charged


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "2", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "Thu, 01 Jan 2026 00:00:30 GMT", "x-other": "1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_the_servers_hint_to_wait_is_read(opened: Opened, headers: dict[str, str], expected: float | None) -> None:
    error = _failure(opened, error_answer(429, headers=headers))
    if expected is None and "Thu" in headers.get("retry-after", ""):
        expected = 0.0  # a date in the past
    assert error.retry_after == expected


def test_what_headers_say_about_pace_comes_with_replies_and_errors(opened: Opened) -> None:
    headers = {"x-ratelimit-remaining-requests": "7", "x-ratelimit-reset-requests": "1s"}
    expected = RateLimits(requests=RateLimit(remaining=7, reset_seconds=1.0))
    with chat_server(_always(Answer(body=completion(), headers=headers))) as server:
        assert opened(server).generate(REQUEST, worker=0).rate_limits == expected
    assert _failure(opened, error_answer(429, headers=headers)).rate_limits == expected
    assert _failure(opened, error_answer(429)).rate_limits is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 400, "type": "exceed_context_size_error"}, ("", "context_length_exceeded")),
        ({"message": "This model's maximum context length is 4096 tokens."}, ("", "context_length_exceeded")),
        ({"code": "content_filter", "message": "blocked"}, ("", "content_filter")),
        ({"code": "tool_use_failed", "failed_generation": "<function=x"}, ("<function=x", "tool_use_failed")),
        ({"code": "json_validate_failed", "failed_generation": None}, ("", "json_validate_failed")),
    ],
)
def test_what_the_config_or_its_model_did_wrong_is_a_reply_and_is_scored(
    opened: Opened, error: dict, expected: tuple[str, str]
) -> None:
    with chat_server(_always(Answer(status=400, body=json.dumps({"error": error}).encode()))) as server:
        reply = opened(server).generate(REQUEST, worker=0)
    assert expected == (reply.text, reply.finish_reason)


def test_an_empty_account_is_not_worth_waiting_for(opened: Opened) -> None:
    assert _failure(opened, error_answer(429, "no money", code="insufficient_quota")).kind == "auth"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body=b"<html>gateway</html>"),
        Answer(body=completion()[:40]),
        Answer(body=b'{"choices": []}'),
        Answer(body=b'{"choices": [{"message": {"content": 5}}]}'),
        Answer(body=b"[" * 100_000),
        Answer(body=b'{"error": "overloaded"}'),
        Answer(body=completion("x" * 500), sent=100),
        Answer(body=completion(), headers={"content-encoding": "gzip"}),
    ],
    ids=["html", "half", "no choices", "no text", "deep", "error in 200", "cut off", "compressed"],
)
def test_a_reply_that_is_none_is_the_servers_error_and_may_have_been_billed(opened: Opened, answer: Answer) -> None:
    error = _failure(opened, answer)
    assert (error.kind, error.charged) == ("server", True)
    assert len(error.message) < 500


def test_a_reply_larger_than_the_bound_is_refused(opened: Opened) -> None:
    error = _failure(opened, Answer(body=b"x" * (MAX_REPLY_BYTES + 1)))
    assert (error.kind, "larger than" in error.message) == ("server", True)


def test_a_chunked_reply_larger_than_the_bound_is_refused(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmops_git.providers.http.MAX_REPLY_BYTES", 1000)
    error = _failure(opened, Answer(body=b"x" * 1001, chunked=True))
    assert "larger than 1000 bytes" in error.message


def test_a_server_that_hangs_up_is_a_network_error(opened: Opened) -> None:
    error = _failure(opened, Answer(silent=True))
    assert (error.kind, error.charged) == ("network", True)


def test_a_server_that_is_not_there_is_a_network_error_that_cost_nothing(opened: Opened) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(ProviderError) as caught:
            opened(ChatServer(url, [])).generate(REQUEST, worker=0)
    assert (caught.value.kind, caught.value.charged) == ("network", False)
    assert "cannot connect to 127.0.0.1" in caught.value.message


def test_the_time_limit_bounds_the_whole_request(opened: Opened) -> None:
    hold = threading.Event()
    started = time.monotonic()
    with chat_server(_always(Answer(body=completion(), hold=hold))) as server:
        with pytest.raises(ProviderError) as caught:
            opened(server, timeout=0.2).generate(REQUEST, worker=0)
        hold.set()
    assert (caught.value.kind, caught.value.charged) == ("timeout", True)
    assert time.monotonic() - started < 3


def test_a_server_that_drips_bytes_meets_the_time_limit_too(opened: Opened) -> None:
    """Each byte comes in time, the whole reply never does."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
                while not stop.wait(0.02):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        started = time.monotonic()
        with pytest.raises(ProviderError) as caught:
            opened(ChatServer(f"http://127.0.0.1:{listening.getsockname()[1]}", []), timeout=0.3).generate(REQUEST, worker=0)
        stop.set()
        thread.join()
    assert caught.value.kind == "timeout"
    assert time.monotonic() - started < 2


def test_something_that_does_not_speak_http_is_a_server_error(opened: Opened) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(b"220 mail.example ESMTP\r\n" + b"\xff" * 100)
                connection.recv(65536)

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(ProviderError) as caught:
            opened(ChatServer(f"http://127.0.0.1:{listening.getsockname()[1]}", [])).generate(REQUEST, worker=0)
        thread.join()
    assert caught.value.kind == "server"


def test_redirects_are_not_followed_with_the_key(opened: Opened) -> None:
    with chat_server(_always(text_answer())) as elsewhere:
        error = _failure(opened, Answer(status=307, headers={"location": f"{elsewhere.url}/chat/completions"}))
    assert (error.kind, elsewhere.asked) == ("bad_request", [])
    assert "redirects" in error.message


def test_the_key_shows_in_no_message(opened: Opened) -> None:
    for answer in (error_answer(401, f"bad key {KEY}"), Answer(body=KEY.encode())):
        error = _failure(opened, answer)
        assert KEY not in error.message
        assert KEY not in str(error)
        assert "***" in error.message


def test_a_missing_key_is_a_usage_error_that_names_the_variable() -> None:
    settings = ProviderSettings(name="p", api="openai", base_url="http://127.0.0.1:9", key_env="ABSENT_KEY")
    with pytest.raises(LlmopsError, match="the environment variable ABSENT_KEY is not set") as caught:
        OpenAIProvider(settings, environ={})
    assert caught.value.exit_code == 2


def test_a_key_that_cannot_be_a_header_is_refused_without_showing_it() -> None:
    settings = ProviderSettings(name="p", api="openai", base_url="http://127.0.0.1:9", key_env="K")
    with pytest.raises(LlmopsError) as caught:
        OpenAIProvider(settings, environ={"K": "sk-a\nx-evil: 1"})
    assert "evil" not in caught.value.message


@pytest.mark.parametrize(
    "url", ["", "ftp://host/v1", "host/v1", "https://", "https://user:pass@host/v1", "https://host/v1?key=1"]
)
def test_unusable_addresses_are_refused(url: str) -> None:
    with pytest.raises(LlmopsError, match="base_url") as caught:
        OpenAIProvider(ProviderSettings(name="p", api="openai", base_url=url), environ={})
    assert "pass" not in caught.value.message


@pytest.mark.parametrize("parameters", [{"stream": True}, {"extra": {"stream": True}}])
def test_parameters_may_not_set_what_is_not_theirs(opened: Opened, parameters: dict) -> None:
    request = Request(provider="p", model="m", messages=(), parameters=parameters)
    with chat_server(_always(text_answer())) as server, pytest.raises(ProviderError, match="may not set stream"):
        opened(server).generate(request, worker=0)
    assert server.asked == []


def test_each_worker_keeps_one_connection(opened: Opened) -> None:
    with chat_server(_always(text_answer())) as server:
        provider = opened(server)
        for _ in range(5):
            for worker in (0, 1, 2):
                provider.generate(REQUEST, worker=worker)
    assert (len(server.asked), server.connections) == (15, 3)


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(opened: Opened) -> None:
    with chat_server(_always(Answer(body=completion(), headers={"connection": "close"}))) as server:
        provider = opened(server)
        assert [provider.generate(REQUEST, worker=0).text for _ in range(3)] == ["ok"] * 3
    assert server.connections == 3


def test_a_worker_goes_on_after_a_failure(opened: Opened) -> None:
    script = [Answer(body=completion(), sent=10), Answer(silent=True), text_answer("fine")]
    with chat_server(lambda _asked, number: script[number]) as server:
        provider = opened(server)
        for _ in range(2):
            with pytest.raises(ProviderError):
                provider.generate(REQUEST, worker=0)
        assert provider.generate(REQUEST, worker=0).text == "fine"


def test_many_workers_at_once_get_their_own_replies(opened: Opened) -> None:
    texts: dict[int, list[str]] = {}

    with chat_server(lambda asked, _number: text_answer(asked.body["messages"][0]["content"])) as server:
        provider = opened(server)

        def work(worker: int) -> None:
            requests = [
                Request(provider="p", model="m", messages=({"role": "user", "content": f"{worker}-{number}"},))
                for number in range(10)
            ]
            texts[worker] = [provider.generate(request, worker=worker).text for request in requests]

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert texts == {worker: [f"{worker}-{number}" for number in range(10)] for worker in range(16)}


def test_a_configured_proxy_is_used(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server(_always(text_answer("through the proxy"))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        reply = opened(ChatServer("http://model.invalid/v1", [])).generate(REQUEST, worker=0)
    assert reply.text == "through the proxy"
    assert proxy.asked[0].path == "http://model.invalid/v1/chat/completions"
    assert reply.latency_seconds > 0


def test_a_host_that_is_excepted_from_the_proxy_is_asked_directly(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with chat_server(_always(text_answer())) as server:
        assert opened(server).generate(REQUEST, worker=0).text == "ok"


def test_https_is_spoken_where_the_certificate_is_trusted(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = Path(__file__).parent / "loopback.pem"
    with chat_server(_always(text_answer("sealed")), certificate=certificate) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        provider = opened(server)
        assert [provider.generate(REQUEST, worker=0).text for _ in range(3)] == ["sealed"] * 3
    assert server.connections == 1


def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_key_is_sent(opened: Opened) -> None:
    certificate = Path(__file__).parent / "loopback.pem"
    with chat_server(_always(text_answer()), certificate=certificate) as server, pytest.raises(ProviderError) as caught:
        opened(server).generate(REQUEST, worker=0)
    assert (caught.value.kind, server.asked) == ("network", [])
    assert "SSL_CERT_FILE" in caught.value.hint


def test_the_fingerprint_names_the_endpoint_and_not_the_key(opened: Opened) -> None:
    assert opened(ChatServer("https://api.example.com/v1", [])).fingerprint() == "openai api.example.com/v1"
