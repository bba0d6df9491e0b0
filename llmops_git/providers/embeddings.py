"""Makes vectors of texts: which file answers for which `api:` of the policy, and OpenAI's embeddings wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from llmops_git.configs.policy import ProviderSettings
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import Provider, ProviderError, Reply, Request, Usage
from llmops_git.providers.vectors import encoded_vectors
from llmops_git.providers.wire import NO_JSON, Incoming, count, encoded, error_words, no_reply, refusal_of, whole


def open_embedder(settings: ProviderSettings, *, environ: Mapping[str, str], record: Path | None = None) -> Provider:
    """The embedder that `settings` describe; the messages of its requests are the texts, its replies are vectors.

    Raises LlmopsError where this provider has no embeddings, or cannot be used.
    """
    provider = _open(settings, environ)
    if record is None:
        return provider
    from llmops_git.providers.replay import RecordingProvider

    return RecordingProvider(provider, record)


def _open(settings: ProviderSettings, environ: Mapping[str, str]) -> Provider:
    if settings.api == "embedded":
        from llmops_git.providers.minilm import MiniLM

        return MiniLM(settings.name, environ=environ)
    if settings.api == "replay":
        from llmops_git.providers.replay import ReplayProvider

        return ReplayProvider(settings.name, Path(settings.path))
    if settings.api == "openai":
        from dataclasses import replace

        from llmops_git.providers.http import HttpProvider

        return HttpProvider(replace(settings, stream=False), EmbeddingsDialect(), environ=environ)
    raise LlmopsError(
        f"provider `{settings.name}` (api: {settings.api}) gives no embeddings here",
        hint="embedder: {provider: local}, or a provider with api: openai",
    )


class EmbeddingsDialect:
    """`POST /embeddings`. Source: the OpenAI API reference; vLLM, llama.cpp, Ollama and others speak the same."""

    name = "openai embeddings"
    example = "https://api.openai.com/v1"

    def path(self, request: Request, *, stream: bool) -> str:  # noqa: ARG002
        return "/embeddings"

    def headers(self, key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def body(self, request: Request, *, stream: bool) -> bytes:  # noqa: ARG002
        texts = [message["content"] for message in request.messages]
        return encoded({"model": request.model, "input": texts, "encoding_format": "float"})

    def reply(self, content: bytes, request: Request) -> Reply:
        try:
            document = json.loads(content)
            vectors = _in_order(document["data"], len(request.messages))
            usage = document.get("usage") or {}
            return Reply(
                text=encoded_vectors(vectors),
                usage=Usage(input_tokens=count(usage.get("prompt_tokens")), output_tokens=0),
                model=whole(document.get("model") or ""),
            )
        except NO_JSON:
            no_reply(content, f"a list of {len(request.messages)} embeddings")

    def incoming(self, request: Request) -> Incoming:  # noqa: ARG002
        raise ProviderError("bad_request", "embeddings do not come in events")

    def refused(self, status: int, content: bytes) -> Reply | ProviderError:
        return refusal_of(status, error_words(content))


def _in_order(data: list[Any], expected: int) -> list[list[float]]:
    """The vectors by their index. Raises ValueError unless there is exactly one for each text."""
    found = {item["index"]: [float(number) for number in item["embedding"]] for item in data}
    if set(found) != set(range(expected)):
        raise ValueError("not one embedding for each text")
    return [found[index] for index in range(expected)]
