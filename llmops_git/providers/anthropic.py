"""Anthropic's messages API, and servers that speak it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmops_git.providers.anthropic_reply import MessageStream, refused, reply_of
from llmops_git.providers.anthropic_wire import answers_by_tool, body_of
from llmops_git.providers.http import HttpProvider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmops_git.configs.policy import ProviderSettings
    from llmops_git.providers.base import ProviderError, Reply, Request

VERSION = "2023-06-01"  # of the API; what this file says and reads is that version's


class AnthropicDialect:
    """Anthropic's messages."""

    name = "anthropic"
    example = "https://api.anthropic.com/v1"

    def path(self, request: Request, *, stream: bool) -> str:  # noqa: ARG002
        return "/messages"

    def headers(self, key: str) -> Mapping[str, str]:
        version = {"anthropic-version": VERSION}
        return {**version, "x-api-key": key} if key else version

    def body(self, request: Request, *, stream: bool) -> bytes:
        return body_of(request, stream=stream)

    def reply(self, content: bytes, request: Request) -> Reply:
        return reply_of(content, by_tool=answers_by_tool(request))

    def incoming(self, request: Request) -> MessageStream:
        return MessageStream(by_tool=answers_by_tool(request))

    def refused(self, status: int, content: bytes) -> Reply | ProviderError:
        return refused(status, content)


class AnthropicProvider(HttpProvider):
    """One endpoint of messages."""

    def __init__(self, settings: ProviderSettings, *, environ: Mapping[str, str]) -> None:
        """Raises LlmopsError when the address is unusable or the key's variable is not set."""
        super().__init__(settings, AnthropicDialect(), environ=environ)
