"""Any endpoint that speaks OpenAI's chat completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmops_git.providers.http import HttpProvider
from llmops_git.providers.openai_stream import ChatStream
from llmops_git.providers.openai_wire import body_of, refused, reply_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmops_git.configs.policy import ProviderSettings
    from llmops_git.providers.base import ProviderError, Reply, Request


class OpenAIDialect:
    """OpenAI's chat completions."""

    name = "openai"
    example = "https://api.openai.com/v1"

    def path(self, request: Request, *, stream: bool) -> str:  # noqa: ARG002
        return "/chat/completions"

    def headers(self, key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {key}"} if key else {}

    def body(self, request: Request, *, stream: bool) -> bytes:
        return body_of(request, stream=stream)

    def reply(self, content: bytes, request: Request) -> Reply:  # noqa: ARG002
        return reply_of(content)

    def incoming(self, request: Request) -> ChatStream:  # noqa: ARG002
        return ChatStream()

    def refused(self, status: int, content: bytes) -> Reply | ProviderError:
        return refused(status, content)


class OpenAIProvider(HttpProvider):
    """One endpoint of chat completions."""

    def __init__(self, settings: ProviderSettings, *, environ: Mapping[str, str]) -> None:
        """Raises LlmopsError when the address is unusable or the key's variable is not set."""
        super().__init__(settings, OpenAIDialect(), environ=environ)
