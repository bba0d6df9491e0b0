"""Vectors: over the wire, as the text of a reply, and made here by the small model."""

from __future__ import annotations

import json
import math
import os
from contextlib import closing

import pytest
from chat_server import Answer, chat_server, error_answer

from llmops_git.configs.policy import ProviderSettings
from llmops_git.errors import LlmopsError
from llmops_git.providers import minilm
from llmops_git.providers.base import Provider, ProviderError, Reply, Request
from llmops_git.providers.embeddings import open_embedder
from llmops_git.providers.vectors import decoded_vectors, encoded_vectors


def request(*texts: str, model: str = "e-1") -> Request:
    return Request(provider="embeddings:e", model=model, messages=tuple({"role": "text", "content": text} for text in texts))


def data(*vectors: list[float], order: list[int] | None = None) -> bytes:
    places = order or list(range(len(vectors)))
    items = [{"index": place, "embedding": vectors[place]} for place in places]
    return json.dumps({"data": items, "model": "e-1-large", "usage": {"prompt_tokens": 7, "total_tokens": 7}}).encode()


def asked_of(provider: Provider, request: Request) -> Reply:
    with closing(provider):
        return provider.generate(request, worker=0)


def embedder(url: str, **environ: str) -> Provider:
    settings = ProviderSettings(name="e", api="openai", base_url=url, key_env="E_KEY" if environ else "")
    return open_embedder(settings, environ=environ)


def test_texts_go_out_in_one_request_and_vectors_come_back_in_their_order() -> None:
    with chat_server(lambda *_: Answer(body=data([1.0, 0.0], [0.5, -2.0], order=[1, 0]))) as server:
        reply = asked_of(embedder(server.url, E_KEY="secret"), request("a", "b"))
        [asked] = server.asked
    assert ("/v1/embeddings", {"model": "e-1", "input": ["a", "b"], "encoding_format": "float"}) == (asked.path, asked.body)
    assert "Bearer secret" == {name.lower(): value for name, value in asked.headers.items()}["authorization"]
    assert [(1.0, 0.0), (0.5, -2.0)] == decoded_vectors(reply.text, 2)
    assert (7, 0, "e-1-large") == (reply.usage.input_tokens, reply.usage.output_tokens, reply.model)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"no",
        data([1.0]),
        data([1.0], [1.0, 2.0]),
        data([math.nan], [1.0]),
        data([], []),
        b'{"data": [{"index": 0, "embedding": "x"}]}',
    ],
)
def test_replies_that_are_not_one_vector_for_each_text_are_the_servers_fault(body: bytes) -> None:
    with chat_server(lambda *_: Answer(body=body)) as server, pytest.raises(ProviderError) as caught:
        asked_of(embedder(server.url), request("a", "b"))
    assert ("server", True) == (caught.value.kind, "not a list of 2 embeddings" in caught.value.message)


def test_a_refusal_has_its_class() -> None:
    refusal = error_answer(429, "slow down", headers={"retry-after": "3"})
    with chat_server(lambda *_: refusal) as server, pytest.raises(ProviderError) as caught:
        asked_of(embedder(server.url), request("a"))
    assert ("rate_limit", 3.0) == (caught.value.kind, caught.value.retry_after)


def test_vectors_survive_being_text() -> None:
    vectors = [(1.0, -0.5, 0.25), (0.0, 2.0, 1e-3)]
    assert vectors[0] == decoded_vectors(encoded_vectors(vectors), 2)[0]
    assert vectors[1] == pytest.approx(decoded_vectors(encoded_vectors(vectors), 2)[1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"dimensions": 2, "float32": "AAAA"}',
        '{"dimensions": 0, "float32": ""}',
        '{"dimensions": 1, "float32": "!"}',
    ],
)
def test_texts_that_are_no_vectors_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decoded_vectors(text, 1)


def test_a_provider_without_embeddings_says_so() -> None:
    with pytest.raises(LlmopsError, match="gives no embeddings") as caught:
        open_embedder(ProviderSettings(name="s", api="search", base_url="http://127.0.0.1:1"), environ={})
    assert "local" in caught.value.hint


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm.importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else object())
    with pytest.raises(LlmopsError, match="need onnxruntime") as caught:
        open_embedder(ProviderSettings(name="local", api="embedded"), environ={})
    assert 'pip install "llmops-git[semantic]"' in caught.value.hint


@pytest.mark.model
def test_the_small_model_tells_a_paraphrase_from_another_subject_in_any_batch() -> None:
    texts = ("Returns are free within 14 days.", "You can send it back at no cost for two weeks.", "The machine grinds coffee.")
    local = open_embedder(ProviderSettings(name="local", api="embedded"), environ=os.environ)
    together = decoded_vectors(local.generate(request(*texts, model="all-minilm-l6-v2-int8"), worker=0).text, 3)
    alone = [
        decoded_vectors(local.generate(request(text, model="all-minilm-l6-v2-int8"), worker=0).text, 1)[0] for text in texts
    ]
    local.close()
    assert together == alone
    near, far = (sum(a * b for a, b in zip(together[0], other, strict=True)) for other in together[1:])
    assert (True, True, 384) == (near > 0.4, far < 0.2, len(together[0]))
    with pytest.raises(LlmopsError, match="no embedder `other`"):
        local.generate(request("a", model="other"), worker=0)
