"""The installed price list: the vendors' own addresses, exact names, and the policy's own prices before it."""

from __future__ import annotations

import sys
from pathlib import Path

import model_prices
import pytest

from llmops_git.configs.policy import Policy, Price, ProviderSettings
from llmops_git.configs.policy_file import BUILT_IN
from llmops_git.providers import listed_prices
from llmops_git.providers.prices import KNOWN, price_of, price_table

OWN = Price(input=1.0, output=2.0)


def _table(**prices: Price) -> listed_prices.PriceTable:
    settings = ProviderSettings(name="elsewhere", api="openai", base_url="https://proxy.example/v1")
    return price_table(Policy(providers={**BUILT_IN, "elsewhere": settings}, prices=prices))


@pytest.mark.parametrize(
    ("provider", "model", "vendor"),
    [
        ("openai", "gpt-4.1-mini", "openai"),
        ("anthropic", "claude-haiku-4-5-20251001", "anthropic"),
        ("gemini", "gemini-2.5-flash", "google"),
        ("mistral", "mistral-small-2506", "mistral"),
    ],
)
def test_a_vendors_model_costs_what_the_list_says(provider: str, model: str, vendor: str) -> None:
    rates = model_prices.rates(model, provider=vendor)
    found = price_of(_table(), provider, model)
    expected = (rates.input, rates.output, rates.cache_read, rates.cache_write)
    assert expected == (found.input, found.output, found.cached_input, found.cache_write)


def test_a_dated_snapshot_costs_what_its_model_costs_and_other_endings_are_not_guessed() -> None:
    table = _table()
    assert table.listed("openai", "gpt-4.1-mini-2025-04-14") == table.listed("openai", "gpt-4.1-mini")
    assert table.listed("openai", "gpt-4.1-mini-high") is None
    assert table.listed("openai", "claude-haiku-4-5-20251001") is None


def test_dearer_tiers_of_long_prompts_come_along() -> None:
    ((above, dearer),) = _table().listed("gemini", "gemini-2.5-pro").tiers
    assert above == 200_000
    assert dearer.input > price_of(_table(), "gemini", "gemini-2.5-pro").input


def test_the_policys_own_price_comes_first_and_the_built_in_one_last() -> None:
    model = "gpt-4.1-mini"
    assert price_of(_table(**{model: OWN}), "openai", model) == OWN
    assert price_of(_table(), "elsewhere", model) == KNOWN[model]


def test_what_no_list_knows_has_no_price() -> None:
    assert price_of(_table(), "openai", "gpt-from-the-future") is None
    assert price_of(_table(), "elsewhere", "claude-haiku-4-5-20251001") is None
    assert price_of(_table(), "nobody", "gemini-2.5-flash") is None


def test_without_the_package_the_built_in_prices_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed_prices, "PACKAGE", "no_such_package")
    assert price_of(_table(), "openai", "gpt-4.1-mini") == KNOWN["gpt-4.1-mini"]
    assert price_of(_table(), "anthropic", "claude-haiku-4-5-20251001") is None


def test_a_list_that_a_checkout_brings_is_not_run(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / "price_list_of_a_stranger.py").write_text("raise SystemExit('ran')")
    monkeypatch.setattr(listed_prices, "PACKAGE", "price_list_of_a_stranger")
    monkeypatch.chdir(repository)
    monkeypatch.syspath_prepend(str(repository))
    assert _table().listed("openai", "gpt-4.1-mini") is None
    assert "price_list_of_a_stranger" not in sys.modules
