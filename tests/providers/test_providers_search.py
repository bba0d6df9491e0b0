"""A search service over HTTP: what it is asked, and what of its answer is believed."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from chat_server import Answer, chat_server, error_answer

from llmops_git.configs.policy import ProviderSettings
from llmops_git.evals.finding import search_request
from llmops_git.providers.base import Provider, ProviderError, Reply, Request
from llmops_git.providers.table import open_provider
from llmops_git.retrievers.http import documents_of

REQUEST = search_request({"provider": "s", "top_k": 2}, "how?")
FOUND = [{"id": 7, "text": "a", "score": 0.5, "secret": "x"}, {"text": "b"}, {"text": "c"}]


def asked_of(provider: Provider, request: Request) -> Reply:
    with closing(provider):
        return provider.generate(request, worker=0)


def search(url: str, **environ: str) -> Provider:
    settings = ProviderSettings(name="s", api="search", base_url=url, key_env="S_KEY" if environ else "")
    return open_provider(settings, environ=environ)


@pytest.mark.parametrize("body", [{"documents": FOUND}, FOUND])
def test_a_search_posts_the_query_and_reads_the_best_documents(body: object) -> None:
    with chat_server(lambda *_: Answer(body=json.dumps(body).encode())) as server:
        reply = asked_of(search(server.url, S_KEY="secret"), REQUEST)
        [asked] = server.asked
    assert ("/v1", {"query": "how?", "top_k": 2}) == (asked.path, asked.body)
    assert [{"id": "7", "text": "a", "score": 0.5}, {"id": "", "text": "b", "score": 0.0}] == documents_of(reply.text, top_k=2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b'[{"id": "x"}]',
        b'[{"text": 5}]',
        b'[{"text": "a", "score": "high"}]',
        b'[{"text": "a", "score": NaN}]',
        b'{"documents": 5}',
    ],
)
def test_answers_that_are_no_documents_are_the_services_fault(body: bytes) -> None:
    with (
        chat_server(lambda *_: Answer(body=body)) as server,
        pytest.raises(ProviderError, match="not a list of documents") as caught,
    ):
        asked_of(search(server.url), REQUEST)
    assert "server" == caught.value.kind


def test_a_key_is_in_no_message() -> None:
    with chat_server(lambda *_: error_answer(500, "broken by secret")) as server, pytest.raises(ProviderError) as caught:
        asked_of(search(server.url, S_KEY="secret"), REQUEST)
    assert "s: HTTP 500: broken by ***" == caught.value.message
