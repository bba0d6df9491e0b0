"""Takes out of live texts what must not get into a repository: personal data, secrets, the keys of the policy's providers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError

if TYPE_CHECKING:
    from llmops_git.configs.policy import Policy

Clean = Callable[[str], str]  # raises Undecided (a LlmopsError) where it is not sure that a text is clean


def cleaner(policy: Policy, environ: Mapping[str, str]) -> tuple[Clean, tuple[str, ...]]:
    """What takes personal data and secrets out of a text, and what it does not look for, in words: a library is missing."""
    from llmops_git.commands.secrets import secrets_of
    from llmops_git.guardrails.base import Check
    from llmops_git.guardrails.redaction import redact
    from llmops_git.guardrails.settings import CheckSettings
    from llmops_git.guardrails.table import build_check
    from llmops_git.reports.redact import redactor

    own = redactor(secrets_of(policy, environ))
    checks: list[Check] = []
    missing = []
    for name in ("pii", "secrets"):
        try:
            checks.append(build_check(CheckSettings(name=name, use=name)))
        except LlmopsError as error:
            missing.append(f"{name} is not looked for: {error.message}")

    def clean(text: str) -> str:
        cleaned: str = own(text)
        for check in checks:
            cleaned = redact(cleaned, check.find(cleaned, None))
        return cleaned

    return clean, tuple(missing)
