"""Providers of other packages: found by entry points of installed packages, named by the policy, and never from the repository.

A package registers `NAME = "module:open"` in the group `llmops_git.providers`; `open(settings, environ)` returns a `Provider`.
The policy that counts is that of the base commit, so what a pull request brings is not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from llmops_git.configs.policy import ProviderSettings
from llmops_git.errors import LlmopsError
from llmops_git.plugins import find_plugin, package_of
from llmops_git.providers.base import Provider

GROUP = "llmops_git.providers"
_PARTS = ("fingerprint", "generate", "close")


def open_plugin(settings: ProviderSettings, *, environ: Mapping[str, str]) -> Provider:
    """The provider that a package registers under `settings.plugin`.

    Raises LlmopsError where it is not installed, registered twice, would come from the checkout, fails, or is no provider.
    """
    try:
        entry = find_plugin(GROUP, settings.plugin, "provider")
    except LlmopsError as error:
        raise LlmopsError(f"provider `{settings.name}`: {error.message}", hint=error.hint) from None
    try:
        provider = entry.load()(settings, environ=environ)
    except LlmopsError:
        raise
    except Exception as error:
        raise LlmopsError(f"provider `{settings.name}`: {package_of(entry)} failed: {type(error).__name__}: {error}") from error
    concurrency = getattr(provider, "concurrency", None)
    complete = all(callable(getattr(provider, part, None)) for part in _PARTS)
    if not complete or not isinstance(concurrency, int) or isinstance(concurrency, bool) or concurrency < 1:
        parts = ", ".join(_PARTS)
        raise LlmopsError(
            f"provider `{settings.name}`: what {package_of(entry)} opens has no {parts} and concurrency of 1 or more",
            hint="see `Provider` in llmops_git/providers/base.py",
        )
    return cast("Provider", provider)
