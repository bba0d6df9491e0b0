"""Stubs of tools: addresses that the policy names, which answer tool calls for which a case records no result."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from llmops_git.configs.policy import Endpoint, ProviderSettings
from llmops_git.providers.base import ProviderError, Reply, Request
from llmops_git.providers.http import HttpProvider
from llmops_git.providers.wire import error_words, refusal_of

if TYPE_CHECKING:
    from llmops_git.providers.wire import Incoming

MOST_BYTES = 1_000_000  # of one result
_WAITS = (0.5, 2.0)  # seconds before the second and third try


class ToolStubs:
    """All stubs of a policy. Each is reached when it is first called; keys go into one header and no message."""

    def __init__(
        self, endpoints: Mapping[str, Endpoint], *, environ: Mapping[str, str], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._endpoints = endpoints
        self._environ = environ
        self._sleep = sleep
        self._lock = threading.Lock()
        self._open: dict[str, HttpProvider] = {}

    def call(self, name: str, arguments: Any) -> str | None:
        """The result; None where there is no stub of that name. Raises ProviderError, LlmopsError where its key is missing."""
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            return None
        content = json.dumps({"name": name, "arguments": arguments}, sort_keys=True)
        request = Request(provider=name, model="", messages=({"role": "tool", "content": content},))
        provider = self._provider(endpoint)
        for wait in (*_WAITS, None):
            try:
                return provider.generate(request, worker=threading.get_ident()).text
            except ProviderError as error:
                if wait is None or not error.retryable:
                    raise
                self._sleep(wait if error.retry_after is None else min(error.retry_after, 30.0))
        raise AssertionError("the last try returns or raises")

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            opened, self._open = list(self._open.values()), {}
        for provider in opened:
            provider.close()

    def _provider(self, endpoint: Endpoint) -> HttpProvider:
        with self._lock:
            if endpoint.name not in self._open:
                settings = settings_of(endpoint, f"tools: {endpoint.name}")
                self._open[endpoint.name] = HttpProvider(settings, ToolDialect(), environ=self._environ)
            return self._open[endpoint.name]


def settings_of(endpoint: Endpoint, name: str) -> ProviderSettings:
    """An endpoint as the settings of something that is asked over HTTP."""
    return ProviderSettings(
        name=name,
        api="openai",
        base_url=endpoint.url,
        key_env=endpoint.key_env,
        timeout=endpoint.timeout,
        concurrency=endpoint.concurrency,
        stream=False,
    )


class PostDialect:
    """What is posted as JSON to an address as it stands, with the key as a bearer token."""

    name = "post"
    example = "https://example.com/tool"

    def path(self, request: Request, *, stream: bool) -> str:  # noqa: ARG002
        return ""

    def headers(self, key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def body(self, request: Request, *, stream: bool) -> bytes:  # noqa: ARG002
        return str(request.messages[0]["content"]).encode()

    def incoming(self, request: Request) -> Incoming:
        """Nothing of this kind is streamed."""
        raise NotImplementedError(request.provider)

    def refused(self, status: int, content: bytes) -> Reply | ProviderError:
        return refusal_of(status, error_words(content))

    def reply(self, content: bytes, request: Request) -> Reply:
        raise NotImplementedError(request.provider)


class ToolDialect(PostDialect):
    """A tool call; the result is the body, word for word."""

    name = "tool"

    def reply(self, content: bytes, request: Request) -> Reply:  # noqa: ARG002
        if len(content) > MOST_BYTES:
            raise ProviderError("server", f"the result is larger than {MOST_BYTES:,} bytes", charged=True)
        return Reply(text=content.decode("utf-8", "replace"))
