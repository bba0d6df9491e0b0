"""How the judges of guardrail rules are asked while packs are measured: through the cache, the budget and the patience of
every other request."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from llmops_git.configs.digest import digest_of
from llmops_git.configs.policy import Budget, Price
from llmops_git.errors import LlmopsError
from llmops_git.evals.budget import Ledger
from llmops_git.evals.buyer import Buyer
from llmops_git.evals.cache import Cache
from llmops_git.evals.guarding import judge_request
from llmops_git.evals.lane import Lane
from llmops_git.evals.pacing import Limits
from llmops_git.evals.retry import Clock, Patience
from llmops_git.evals.values import Spending
from llmops_git.guardrails.base import Undecided
from llmops_git.providers.base import Provider


class Unasked:
    """Nobody is asked, and every rule that would ask says why."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def generate(self, judge: Mapping[str, Any], text: str) -> str:  # noqa: ARG002
        raise Undecided(self._reason)

    def spending(self) -> Spending:
        return Spending()


class GuardSession:
    """Asks the judges of `rules` (resolved rules of packs). Shared by threads."""

    def __init__(
        self,
        rules: Sequence[Mapping[str, Any]],
        providers: Mapping[str, Provider],
        *,
        cache: Cache | None,
        budget: Budget,
        prices: Mapping[str, Price],
        limits: Mapping[str, Limits],
        clock: Clock,
    ) -> None:
        self._labels = {digest_of(rule["judge"]): tuple(rule["scale"]) for rule in rules}
        self._ledger = Ledger(budget)
        self._clock = clock
        self._started = clock.monotonic()
        lanes = {name: Lane(provider, clock, limits.get(name)) for name, provider in providers.items()}
        self._buyer = Buyer(
            lanes, cache=cache, ledger=self._ledger, prices=prices, clock=clock, stop=threading.Event(), patience=Patience()
        )

    def generate(self, judge: Mapping[str, Any], text: str) -> str:
        """The judge's words about a text. Raises Undecided when there are none."""
        try:
            request = judge_request(judge, self._labels[digest_of(judge)], text)
        except LlmopsError as error:
            raise Undecided(error.message) from None
        purchase = self._buyer.buy(request, request.key(0))
        if purchase.reply is None:
            raise Undecided(purchase.message or purchase.error)
        return purchase.reply.text

    def spending(self) -> Spending:
        """What was asked for so far."""
        buyer, ledger = self._buyer, self._ledger
        return Spending(
            planned=buyer.sent + buyer.cached,
            sent=buyer.sent,
            cached=buyer.cached,
            input_tokens=buyer.input_tokens,
            output_tokens=buyer.output_tokens,
            cost_usd=None if ledger.unpriced else ledger.spent_usd,
            seconds=self._clock.monotonic() - self._started,
        )
