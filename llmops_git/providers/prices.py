"""What a call costs: the policy's prices, then an installed list, then a small table; an unknown price is an unknown cost."""

from __future__ import annotations

import re
from collections.abc import Mapping

from llmops_git.configs.embedders import LANE
from llmops_git.configs.policy import Policy, Price
from llmops_git.configs.values import TARGET
from llmops_git.providers.base import Usage
from llmops_git.providers.listed_prices import PriceTable

MILLION = 1_000_000
CHECKED = "2026-06"  # list prices as quoted publicly by then; a bill is the vendor's, so put your own into prices.yaml

KNOWN: Mapping[str, Price] = {
    "gpt-5.4": Price(input=2.5, output=15.0, cached_input=0.25),
    "gpt-5.4-mini": Price(input=0.75, output=4.5, cached_input=0.075),
    "gpt-5.4-nano": Price(input=0.2, output=1.25, cached_input=0.02),
    "gpt-5.1": Price(input=1.25, output=10.0, cached_input=0.125),
    "gpt-5": Price(input=1.25, output=10.0, cached_input=0.125),
    "gpt-5-mini": Price(input=0.25, output=2.0, cached_input=0.025),
    "gpt-5-nano": Price(input=0.05, output=0.4, cached_input=0.005),
    "gpt-4.1": Price(input=2.0, output=8.0, cached_input=0.5),
    "gpt-4.1-mini": Price(input=0.4, output=1.6, cached_input=0.1),
    "gpt-4.1-nano": Price(input=0.1, output=0.4, cached_input=0.025),
    "gpt-4o": Price(input=2.5, output=10.0, cached_input=1.25),
    "gpt-4o-2024-05-13": Price(input=5.0, output=15.0),
    "gpt-4o-mini": Price(input=0.15, output=0.6, cached_input=0.075),
}
_UNPAID = frozenset({"embedded", "search"})  # no tokens are paid for; what a search service costs is not known here
FREE = Price(input=0.0, output=0.0, cached_input=0.0)
_SNAPSHOT_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def price_table(policy: Policy) -> PriceTable:
    """All prices that hold under a policy: its own, and nothing to pay for models in this process and for searches.

    Keys are `<model>`, `<provider>/<model>` or `<provider>/*`.
    """
    free = {f"{name}/*": FREE for name, provider in policy.providers.items() if provider.api in _UNPAID}
    return PriceTable({**free, **policy.prices}, policy)


def price_of(prices: Mapping[str, Price], provider: str, model: str) -> Price | None:
    """The price of a model: the closest entry of `prices`, else what an installed price list says, else the known list price
    (a dated snapshot costs what its model costs), else None."""
    if provider.startswith(TARGET):
        return None  # what an application asks, and how often, only it knows
    provider = provider.removeprefix(LANE)
    for key in (f"{provider}/{model}", model, f"{provider}/*"):
        if key in prices:
            return prices[key]
    listed = prices.listed(provider, model) if isinstance(prices, PriceTable) else None
    return listed or KNOWN.get(model) or KNOWN.get(_SNAPSHOT_DATE.sub("", model))


def cost_of(price: Price | None, usage: Usage) -> float | None:
    """US dollars of one call; None when the price or the usage is not known.

    `usage.input_tokens` includes those read from a cache and written to one, which have prices of their own where there are
    such; `usage.output_tokens` includes the reasoning ones, which cost what the others do.
    """
    if price is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    for above, dearer in price.tiers:
        if usage.input_tokens > above:
            price = dearer
    read = min(usage.cached_input_tokens or 0, usage.input_tokens)
    made = min(usage.cache_write_tokens or 0, usage.input_tokens - read)
    dollars = (usage.input_tokens - read - made) * price.input + usage.output_tokens * price.output
    dollars += read * (price.input if price.cached_input is None else price.cached_input)
    dollars += made * (price.input if price.cache_write is None else price.cache_write)
    return dollars / MILLION


def most_it_can_cost(price: Price | None, *, input_tokens: int, output_tokens: int) -> float | None:
    """US dollars of a call at its largest; None when the price is not known."""
    if price is None:
        return None
    prices = (price, *(dearer for above, dearer in price.tiers if input_tokens > above))
    dearest_input = max(max(one.input, one.cached_input or 0.0, one.cache_write or 0.0) for one in prices)
    return (input_tokens * dearest_input + output_tokens * max(one.output for one in prices)) / MILLION
