"""`--max-usd` is never exceeded: whatever things cost, however many are asked at once, and whatever fails."""

from __future__ import annotations

import threading

from eval_material import FakeClock, FakeProvider, make_cases, make_config, make_evaluation, make_job
from hypothesis import given, settings
from hypothesis import strategies as st

from llmops_git.configs.policy import Budget, Price
from llmops_git.evals.program import most_input_tokens, output_token_limit
from llmops_git.evals.retry import Patience
from llmops_git.evals.run import evaluate
from llmops_git.providers.base import ErrorKind, ProviderError, Reply, Request, Usage

CASES = 12
_shares = st.floats(0, 1)
# what becomes of a request: the shares of the most tokens that it reads and writes, and how it fails, if it does
_fate = st.tuples(_shares, _shares, st.sampled_from(["", "", "", "server", "timeout", "rate_limit", "network"]), st.booleans())


class Till:
    """A provider that bills by the token, also for replies that nobody got."""

    def __init__(self, price: Price, fates: list[tuple[float, float, ErrorKind, bool]]) -> None:
        self._price = price
        self._fates = fates
        self._lock = threading.Lock()
        self.billed = 0.0

    def __call__(self, request: Request, number: int) -> Reply:
        read, written, failure, charged = self._fates[number % len(self._fates)]
        usage = Usage(
            input_tokens=int(read * most_input_tokens(request)), output_tokens=int(written * output_token_limit(request))
        )
        if not failure or charged:
            with self._lock:
                tokens = ((usage.input_tokens or 0) * self._price.input, (usage.output_tokens or 0) * self._price.output)
                self.billed += sum(tokens) / 1e6
        if failure:
            raise ProviderError(failure, "no", charged=charged, retry_after=0.0)
        return Reply(text="ok", usage=usage)


@settings(max_examples=40, deadline=None)
@given(
    limit=st.floats(0, 0.02),
    input_price=st.floats(0, 50),
    output_price=st.floats(0, 500),
    concurrency=st.integers(1, 12),
    repeats=st.integers(1, 3),
    fates=st.lists(_fate, min_size=1, max_size=20),
)
def test_the_bill_never_exceeds_the_budget(
    limit: float,
    input_price: float,
    output_price: float,
    concurrency: int,
    repeats: int,
    fates: list[tuple[float, float, ErrorKind, bool]],
) -> None:
    price = Price(input=input_price, output=output_price)
    till = Till(price, fates)
    jobs = [
        make_job(make_config(system=system), make_evaluation(make_cases(CASES)), repeats=repeats)
        for system in ("Repeat the word.", "Repeat the word, please.")
    ]
    outcome = evaluate(
        jobs,
        providers={"fake": FakeProvider(till, concurrency=concurrency)},
        cache=None,
        budget=Budget(max_usd=limit),
        prices={"fake-1": price},
        clock=FakeClock(),
        patience=Patience(attempts=3, rate_limited=3),
    )
    assert till.billed <= limit + 1e-6
    assert outcome.spending.cost_usd is not None
    assert till.billed <= outcome.spending.cost_usd + 1e-6
    assert outcome.spending.cost_usd <= limit + 1e-6
    assert all(len(run.samples) == CASES * repeats for run in outcome.runs)
