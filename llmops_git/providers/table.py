"""The table of providers: which file answers for which `api:` of the policy. Each is imported when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from llmops_git.configs.policy import ProviderSettings
from llmops_git.errors import LlmopsError
from llmops_git.providers.base import Provider


def open_provider(settings: ProviderSettings, *, environ: Mapping[str, str], record: Path | None = None) -> Provider:
    """The provider that `settings` describe; with `record`, its replies are also written to that folder.

    Raises LlmopsError when it cannot be used: an unset key, a missing folder or model.
    """
    provider = _open(settings, environ)
    if record is None:
        return provider
    from llmops_git.providers.replay import RecordingProvider

    return RecordingProvider(provider, record)


def _open(settings: ProviderSettings, environ: Mapping[str, str]) -> Provider:
    match settings.api:
        case "openai":
            from llmops_git.providers.openai import OpenAIProvider

            return OpenAIProvider(settings, environ=environ)
        case "anthropic":
            from llmops_git.providers.anthropic import AnthropicProvider

            return AnthropicProvider(settings, environ=environ)
        case "google":
            from llmops_git.providers.google import GoogleProvider

            return GoogleProvider(settings, environ=environ)
        case "plugin":
            from llmops_git.providers.plugins import open_plugin

            return open_plugin(settings, environ=environ)
        case "search":
            from dataclasses import replace

            from llmops_git.providers.http import HttpProvider
            from llmops_git.providers.search import SearchDialect

            return HttpProvider(replace(settings, stream=False), SearchDialect(), environ=environ)
        case "replay":
            from llmops_git.providers.replay import ReplayProvider

            if not settings.path:
                raise LlmopsError(f"provider `{settings.name}` has no path", hint="path: recordings")
            return ReplayProvider(settings.name, Path(settings.path))
        case "embedded":
            from llmops_git.providers.embedded import EmbeddedProvider

            return EmbeddedProvider(settings, environ=environ)
