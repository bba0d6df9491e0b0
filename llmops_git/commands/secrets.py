"""Keeps secrets out of everything that an evaluation leaves: a model may repeat what it was told, or what a prompt holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from llmops_git.commands.trial import Evaluated
from llmops_git.configs.policy import Endpoint, Policy, ProviderSettings
from llmops_git.reports.redact import redactor


def secrets_of(policy: Policy, environ: Mapping[str, str], *others: str) -> tuple[str, ...]:
    """The values that must not be written: the keys of all providers, tools and targets of the policy, and `others`."""
    asked: tuple[ProviderSettings | Endpoint, ...] = (
        *policy.providers.values(),
        *policy.tools.values(),
        *policy.targets.values(),
    )
    keys = {environ.get(each.key_env, "") for each in asked if each.key_env}
    return tuple(sorted(secret for secret in {*keys, *others} if secret))


def without_secrets(evaluated: Evaluated, secrets: Sequence[str]) -> Evaluated:
    """What was evaluated, with every secret replaced in every text of it."""
    if not secrets:
        return evaluated
    redact = redactor(secrets)
    return replace(
        evaluated,
        report=redact(evaluated.report),
        runs=redact(evaluated.runs),
        spans=map(redact, evaluated.spans),
    )
