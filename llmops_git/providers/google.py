"""Google's generateContent API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmops_git.providers.google_reply import ContentStream, refused, reply_of
from llmops_git.providers.google_wire import body_of, path_of
from llmops_git.providers.http import HttpProvider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmops_git.configs.policy import ProviderSettings
    from llmops_git.providers.base import ProviderError, Reply, Request


class GoogleDialect:
    """Google's generateContent. The version of the API is in the base address. The key goes into a header, never an address."""

    name = "google"
    example = "https://generativelanguage.googleapis.com/v1beta"

    def path(self, request: Request, *, stream: bool) -> str:
        return path_of(request, stream=stream)

    def headers(self, key: str) -> Mapping[str, str]:
        return {"x-goog-api-key": key} if key else {}

    def body(self, request: Request, *, stream: bool) -> bytes:  # noqa: ARG002
        return body_of(request)

    def reply(self, content: bytes, request: Request) -> Reply:  # noqa: ARG002
        return reply_of(content)

    def incoming(self, request: Request) -> ContentStream:  # noqa: ARG002
        return ContentStream()

    def refused(self, status: int, content: bytes) -> Reply | ProviderError:
        return refused(status, content)


class GoogleProvider(HttpProvider):
    """One endpoint of generateContent."""

    def __init__(self, settings: ProviderSettings, *, environ: Mapping[str, str]) -> None:
        """Raises LlmopsError when the address is unusable or the key's variable is not set."""
        super().__init__(settings, GoogleDialect(), environ=environ)
