"""Both wires against a real server: llama.cpp's own, which the embedded runtime brings, with the real model."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from llmops_git.configs.policy import ProviderSettings
from llmops_git.providers.base import Provider, ProviderError, Request
from llmops_git.providers.table import open_provider
from llmops_git.providers.weights import known_weights

MODEL = "smollm2-135m-instruct-q4_1"
KEY = "sk-loopback-1234567890"
pytestmark = pytest.mark.model
REQUEST = Request(
    provider="p",
    model=MODEL,
    messages=({"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is the capital of France?"}),
    parameters={"temperature": 0, "max_tokens": 12},
)
Opened = Callable[..., Provider]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A running server on the loopback, which asks for a key."""
    import xllamacpp

    weights = known_weights(MODEL, "local", os.environ)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights.path)
    parameters.model_alias = {MODEL}
    parameters.n_ctx = 1024
    parameters.n_parallel = 1
    parameters.warmup = False
    parameters.verbosity = -1
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.cache_prompt = False
    parameters.cache_ram_mib = 0
    parameters.api_keys = [KEY]
    server = xllamacpp.Server(parameters)
    yield f"{server.listening_address}/v1"
    del server


@pytest.fixture
def opened(address: str) -> Iterator[Opened]:
    providers = []

    def open_wire(api: str, *, key: str = KEY, stream: bool = True) -> Provider:
        settings = ProviderSettings(name="p", api=api, base_url=address, key_env="K", stream=stream)
        providers.append(open_provider(settings, environ={"K": key}))
        return providers[-1]

    yield open_wire
    for provider in providers:
        provider.close()


def test_both_wires_say_the_same_whole_and_streamed(opened: Opened) -> None:
    replies = [
        opened(api, stream=stream).generate(REQUEST, worker=0) for api in ("openai", "anthropic") for stream in (True, False)
    ]
    (text,) = {reply.text for reply in replies}
    assert "Paris" in text
    assert {(replies[0].usage.input_tokens, replies[0].usage.output_tokens)} == {
        (reply.usage.input_tokens, reply.usage.output_tokens) for reply in replies
    }
    assert [True, False] * 2 == [reply.ttft_seconds is not None for reply in replies]
    assert all(0 < reply.ttft_seconds < reply.latency_seconds for reply in replies if reply.ttft_seconds is not None)
    assert len({reply.finish_reason for reply in replies}) == 1


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_a_reply_that_meets_its_limit_says_so(opened: Opened, api: str) -> None:
    request = replace(REQUEST, parameters={"temperature": 0, "max_tokens": 1})
    assert "length" == opened(api).generate(request, worker=0).finish_reason


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_a_prompt_that_does_not_fit_is_an_empty_reply(opened: Opened, api: str) -> None:
    request = replace(REQUEST, messages=({"role": "user", "content": "again " * 3000},))
    reply = opened(api).generate(request, worker=0)
    assert ("", "context_length_exceeded") == (reply.text, reply.finish_reason)


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_a_wrong_key_is_refused_and_not_shown(opened: Opened, api: str) -> None:
    with pytest.raises(ProviderError) as caught:
        opened(api, key="sk-wrong-123").generate(REQUEST, worker=0)
    assert ("auth", False) == (caught.value.kind, "sk-wrong-123" in caught.value.message)


def test_an_output_schema_holds_the_real_model(opened: Opened) -> None:
    import json

    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    }
    request = replace(REQUEST, output_schema=schema, parameters={"temperature": 0, "max_tokens": 40})
    assert json.loads(opened("openai").generate(request, worker=0).text)["city"] in {"Paris", "Rome"}


@pytest.mark.parametrize("api", ["openai", "anthropic"])
def test_a_connection_is_used_again(opened: Opened, api: str) -> None:
    provider = opened(api)
    request = replace(REQUEST, parameters={"temperature": 0, "max_tokens": 2})
    assert 1 == len({provider.generate(request, worker=0).text for _ in range(3)})
