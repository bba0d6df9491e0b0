"""The budget: never exceeded, by no order of events."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.policy import Budget
from llmops_git.evals.budget import BudgetExceeded, Ledger, Stopped

NEVER = threading.Event()
_cents = st.integers(0, 100).map(lambda cents: cents / 100)
# (the most a call can cost, the share of it that it did cost, None where nobody said)
_calls = st.lists(st.tuples(_cents, st.none() | st.floats(0, 1)), max_size=40)


@given(_calls, _cents.map(lambda limit: limit * 5))
def test_what_is_spent_never_exceeds_the_limit(calls: list[tuple[float, float | None]], limit: float) -> None:
    ledger = Ledger(Budget(max_usd=limit, max_requests=None))
    refused = 0
    for most, share in calls:
        try:
            reservation = ledger.reserve(most, NEVER)
        except BudgetExceeded:
            assert ledger.spent_usd + most > limit
            refused += 1
            continue
        ledger.settle(reservation, None if share is None else most * share)
        assert ledger.spent_usd <= limit + 1e-9
    assert ledger.requests == len(calls) - refused


@given(st.integers(1, 8), st.lists(_cents, min_size=1, max_size=60), _cents.map(lambda limit: limit * 10))
def test_threads_together_never_exceed_the_limit(count: int, costs: list[float], limit: float) -> None:
    ledger = Ledger(Budget(max_usd=limit, max_requests=None))
    todo = list(costs)
    spent: list[float] = []
    worst = [0.0]
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if not todo:
                    return
                most = todo.pop()
            try:
                reservation = ledger.reserve(most, NEVER)
            except BudgetExceeded:
                continue
            with lock:
                spent.append(most / 2)
                worst[0] = max(worst[0], sum(spent))
            ledger.settle(reservation, most / 2)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert worst[0] <= limit + 1e-9
    assert ledger.spent_usd == pytest.approx(sum(spent))


def test_the_number_of_requests_is_limited() -> None:
    ledger = Ledger(Budget(max_usd=None, max_requests=2))
    for _ in range(2):
        ledger.settle(ledger.reserve(None, NEVER), None)
    with pytest.raises(BudgetExceeded, match="the budget of 2 requests is used up"):
        ledger.reserve(None, NEVER)


def test_a_call_that_was_not_made_costs_nothing() -> None:
    ledger = Ledger(Budget(max_usd=1.0, max_requests=1))
    ledger.cancel(ledger.reserve(1.0, NEVER))
    ledger.settle(ledger.reserve(1.0, NEVER), 0.25)
    assert (ledger.requests, ledger.spent_usd) == (1, 0.25)


def test_a_call_waits_for_money_that_others_have_set_aside() -> None:
    ledger = Ledger(Budget(max_usd=1.0))
    first = ledger.reserve(0.9, NEVER)
    got: list[str] = []

    def second() -> None:
        ledger.settle(ledger.reserve(0.9, NEVER), 0.5)
        got.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    assert got == []
    ledger.settle(first, 0.1)
    thread.join(5)
    assert got == ["second"]
    assert ledger.spent_usd == pytest.approx(0.6)


def test_waiting_ends_when_the_run_is_stopped() -> None:
    ledger = Ledger(Budget(max_usd=1.0))
    ledger.reserve(0.9, NEVER)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        ledger.reserve(0.9, stop)


def test_unknown_costs_are_said_to_be_unknown_and_do_not_count_as_nothing() -> None:
    ledger = Ledger(Budget(max_usd=1.0))
    ledger.settle(ledger.reserve(None, NEVER), None)
    assert ledger.cost_usd is None
    priced = Ledger(Budget(max_usd=1.0))
    priced.settle(priced.reserve(0.5, NEVER), None)
    assert priced.cost_usd == 0.5


def test_refusals_say_what_is_left_and_what_to_do() -> None:
    ledger = Ledger(Budget(max_usd=0.5))
    with pytest.raises(BudgetExceeded, match=r"the budget of \$0.5 does not allow a call of up to \$0.600000") as caught:
        ledger.reserve(0.6, NEVER)
    assert "--max-usd" in caught.value.hint
    assert caught.value.exit_code == 3
