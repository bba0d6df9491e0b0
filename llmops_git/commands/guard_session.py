"""Opens what the judges of guardrail rules are asked through, for the time of a measurement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from llmops_git.errors import LlmopsError
from llmops_git.evals.values import Spending

if TYPE_CHECKING:
    from llmops_git.commands.trial import Settings
    from llmops_git.configs.policy import Budget, Policy
    from llmops_git.configs.values import JsonObject
    from llmops_git.evals.guard_session import GuardSession, Unasked


@contextmanager
def opened_session(
    packs: Iterable[JsonObject], policy: Policy, settings: Settings, *, spent: Spending | None = None
) -> Iterator[GuardSession | Unasked | None]:
    """Who answers the judges of resolved packs; None where no rule asks one. What was `spent` before counts against the budget.

    A provider that cannot be opened (its key is not set here, say) leaves such rules undecided and the others measured.
    """
    from llmops_git.evals.guard_session import GuardSession, Unasked

    rules = [rule for pack in packs for rule in pack["rules"] if rule["use"] == "judge" and rule.get("judge")]
    if not rules:
        yield None
        return
    from llmops_git.commands.evaluate import limits_of
    from llmops_git.commands.opened import open_named, replies_cache
    from llmops_git.evals.retry import SystemClock
    from llmops_git.providers.prices import price_table

    with ExitStack() as stack:
        try:
            names = sorted({str(rule["judge"]["model"]["provider"]) for rule in rules})
            providers = {name: stack.enter_context(open_named(name, policy, settings)) for name in names}
        except LlmopsError as error:
            yield Unasked(error.message)
            return
        yield GuardSession(
            rules,
            providers,
            cache=stack.enter_context(replies_cache(settings)),
            budget=left_of(policy.budget, spent or Spending()),
            prices=price_table(policy),
            limits=limits_of(policy, settings),
            clock=SystemClock(),
        )


def left_of(budget: Budget, spent: Spending) -> Budget:
    """What an evaluation has left of its budget."""
    usd, requests = budget.max_usd, budget.max_requests
    return replace(
        budget,
        max_usd=None if usd is None else max(0.0, usd - (spent.cost_usd or 0.0)),
        max_requests=None if requests is None else max(0, requests - spent.sent),
    )


def with_spending(before: Spending, more: Spending) -> Spending:
    """Both together; a cost that is not known leaves the sum unknown."""
    if not more.planned:
        return before
    known = before.cost_usd is not None or not before.planned
    cost = None if more.cost_usd is None or not known else (before.cost_usd or 0.0) + more.cost_usd
    return Spending(
        planned=before.planned + more.planned,
        sent=before.sent + more.sent,
        cached=before.cached + more.cached,
        input_tokens=before.input_tokens + more.input_tokens,
        output_tokens=before.output_tokens + more.output_tokens,
        cost_usd=cost,
        seconds=before.seconds + more.seconds,
    )
