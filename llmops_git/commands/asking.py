"""Asks jobs outside of an evaluation: with the reply cache, within the policy's budget, without secrets in what comes back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmops_git.commands.trial import Settings
    from llmops_git.configs.policy import Policy
    from llmops_git.evals.run import Job, Outcome


def asked(jobs: Sequence[Job], policy: Policy, settings: Settings) -> Outcome:
    """Ask; what was paid for before is not paid for again. Raises LlmopsError."""
    from llmops_git.commands.secrets import secrets_of
    from llmops_git.reports.redact import redactor

    outcome = measured(jobs, policy, settings)
    redact = redactor(secrets_of(policy, os.environ))
    return replace(outcome, runs=redact(outcome.runs), spans=[redact(span) for span in outcome.spans])


def measured(jobs: Sequence[Job], policy: Policy, settings: Settings) -> Outcome:
    """As `asked`, with whatever secrets came back: for callers that take them out of more than this."""
    from llmops_git.commands.evaluate import limits_of
    from llmops_git.commands.opened import fingerprints, opened_providers, replies_cache
    from llmops_git.commands.tool_stubs import opened_stubs, stubbed
    from llmops_git.evals.plan import make_plan
    from llmops_git.evals.run import evaluate
    from llmops_git.providers.prices import price_table

    prices = price_table(policy)
    with (
        replies_cache(settings) as cache,
        opened_providers(jobs, policy, settings) as providers,
        opened_stubs(policy, settings) as stubs,
    ):
        plan = make_plan(
            jobs, cache=cache, prices=prices, fingerprints=fingerprints(providers), stubbed=stubbed(policy, settings)
        )
        if settings.on_plan:
            settings.on_plan(plan)
        return evaluate(
            jobs,
            providers=providers,
            cache=cache,
            budget=policy.budget,
            prices=prices,
            on_progress=settings.on_progress,
            plan=plan,
            allowed_scorers=policy.allowed_scorers,
            allowed_checks=policy.allowed_checks,
            limits=limits_of(policy, settings),
            stubs=stubs,
        )
