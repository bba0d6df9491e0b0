"""Prices: which one holds, and what a call costs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops_git.configs.policy import Policy, Price, ProviderSettings
from llmops_git.providers.base import Usage
from llmops_git.providers.prices import FREE, KNOWN, cost_of, most_it_can_cost, price_of, price_table

MINE = Price(input=1.0, output=2.0)
_dollars = st.floats(0, 100)
_flat = st.builds(Price, input=_dollars, output=_dollars, cached_input=st.none() | _dollars, cache_write=st.none() | _dollars)
_tokens = st.integers(0, 10**6)
_tiers = st.lists(st.tuples(_tokens, _flat), max_size=2).map(lambda tiers: tuple(sorted(tiers, key=lambda tier: tier[0])))
_prices = st.builds(lambda price, tiers: replace(price, tiers=tiers), _flat, _tiers)


def test_the_closest_entry_holds() -> None:
    other = Price(input=9.0, output=9.0)
    assert price_of({"p/m": MINE, "m": other, "p/*": other}, "p", "m") == MINE
    assert price_of({"m": MINE, "p/*": other}, "p", "m") == MINE
    assert price_of({"p/*": MINE}, "p", "m") == MINE
    assert price_of({"q/*": MINE}, "p", "m") is None


def test_a_dated_snapshot_costs_what_its_model_costs() -> None:
    assert price_of({}, "openai", "gpt-4.1-mini-2025-04-14") == KNOWN["gpt-4.1-mini"]
    assert price_of({}, "openai", "gpt-4o-2024-05-13").input == 5.0


def test_an_unknown_price_is_an_unknown_cost() -> None:
    assert price_of({}, "openai", "somebody-elses-model") is None
    assert cost_of(None, Usage(input_tokens=1, output_tokens=1)) is None
    assert cost_of(MINE, Usage(input_tokens=1)) is None
    assert most_it_can_cost(None, input_tokens=1, output_tokens=1) is None


def test_cached_tokens_cost_less() -> None:
    price = Price(input=2.0, output=8.0, cached_input=0.5)
    usage = Usage(input_tokens=1_000_000, cached_input_tokens=400_000, output_tokens=500_000)
    assert cost_of(price, usage) == pytest.approx(0.6 * 2.0 + 0.4 * 0.5 + 4.0)


def test_tokens_written_to_a_cache_cost_more_and_reasoning_costs_what_output_does() -> None:
    price = Price(input=2.0, output=8.0, cached_input=0.5, cache_write=2.5)
    usage = Usage(
        input_tokens=1_000_000,
        cached_input_tokens=400_000,
        cache_write_tokens=100_000,
        output_tokens=500_000,
        reasoning_tokens=300_000,
    )
    assert cost_of(price, usage) == pytest.approx(0.5 * 2.0 + 0.4 * 0.5 + 0.1 * 2.5 + 4.0)


def test_a_long_prompt_costs_what_its_tier_says() -> None:
    price = Price(input=1.0, output=2.0, tiers=((200_000, Price(input=2.0, output=3.0)),))
    assert [0.2, 0.400002] == [cost_of(price, Usage(input_tokens=count, output_tokens=0)) for count in (200_000, 200_001)]


@given(_prices, _tokens, _tokens, _tokens, _tokens)
def test_no_call_costs_more_than_the_most_it_can_cost(price: Price, read: int, cached: int, made: int, written: int) -> None:
    usage = Usage(input_tokens=read, cached_input_tokens=cached, cache_write_tokens=made, output_tokens=written)
    cost = cost_of(price, usage)
    assert cost <= most_it_can_cost(price, input_tokens=read, output_tokens=written) * (1 + 1e-9)


def test_models_in_this_process_are_free_and_the_policys_own_prices_win() -> None:
    providers = {
        "here": ProviderSettings(name="here", api="embedded"),
        "there": ProviderSettings(name="there", api="openai", base_url="https://x"),
    }
    table = price_table(Policy(providers=providers, prices={"m": MINE}))
    assert price_of(table, "here", "smol") == FREE
    assert price_of(table, "there", "smol") is None
    assert price_of(table, "there", "m") == MINE
