"""Scores answers that were given live, by the scorers of an evaluation: the same code, cache, budget and patience."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from llmops_git.configs.digest import digest_of
from llmops_git.configs.policy import Budget, Price
from llmops_git.configs.values import Config, Evaluation, ScorerSettings
from llmops_git.evals.budget import Ledger
from llmops_git.evals.buyer import Buyer
from llmops_git.evals.cache import Cache
from llmops_git.evals.lane import Lane
from llmops_git.evals.pacing import Limits
from llmops_git.evals.retry import Clock, Patience
from llmops_git.evals.samples import Job
from llmops_git.evals.spans import identity_of
from llmops_git.evals.values import Spending
from llmops_git.evals.worker import Bench, scores_of, set_up
from llmops_git.providers.base import Provider
from llmops_git.scorers.base import Sample, Score

_AHEAD = 4  # samples that wait for each thread, at most: what is scored is told soon after


def instrument_of(scorer: ScorerSettings, parts: Sequence[ScorerSettings] = ()) -> str:
    """The digest of what a score is made with: the scorer, its options, its judges, and the scorers that it combines. The eval
    set is not in it: live requests are another one."""
    told = [
        {"name": one.name, "use": one.use, "options": one.options, "judges": [judge.digest for judge in one.asked]}
        for one in (scorer, *parts)
    ]
    return digest_of(told)


class LiveScoring:
    """The scorers of one evaluation, made ready. Raises LlmopsError when one cannot be built."""

    def __init__(
        self,
        config: Config,
        evaluation: Evaluation,
        providers: Mapping[str, Provider],
        *,
        cache: Cache | None,
        budget: Budget | Ledger,
        prices: Mapping[str, Price],
        limits: Mapping[str, Limits],
        clock: Clock,
        allowed_scorers: Collection[str] = (),
        allowed_checks: Collection[str] = (),
    ) -> None:
        job = Job(config=config, evaluation=replace(evaluation, cases=()), repeats=1)
        self._bench: Bench = set_up(job, identity_of(job, "live"), allowed_scorers, allowed_checks)
        self._ledger = budget if isinstance(budget, Ledger) else Ledger(budget)
        self._threads = min((provider.concurrency for provider in providers.values()), default=1)
        self._clock = clock
        self._started = clock.monotonic()
        lanes = {name: Lane(provider, clock, limits.get(name)) for name, provider in providers.items()}
        self._buyer = Buyer(
            lanes, cache=cache, ledger=self._ledger, prices=prices, clock=clock, stop=threading.Event(), patience=Patience()
        )

    def score(self, samples: Iterable[tuple[str, Sample]]) -> Iterator[tuple[str, dict[str, Score]]]:
        """The scores of each sample, under the name it was given with, in order."""
        with ThreadPoolExecutor(self._threads) as pool:
            waiting = []
            for name, sample in samples:
                waiting.append((name, pool.submit(scores_of, self._bench, sample, 0, self._buyer)))
                if len(waiting) >= self._threads * _AHEAD:
                    first, done = waiting.pop(0)
                    yield first, done.result()
            for name, done in waiting:
                yield name, done.result()

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
