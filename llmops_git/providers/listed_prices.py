"""List prices from an installed package, `model-prices` (extra `prices`): looked up offline, for the vendors' own addresses.

Another platform that serves the same model has prices of its own. A name is taken as it is, or without the date of its
snapshot; where the package would guess further, the price is unknown.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from llmops_git.configs.policy import Policy, Price
from llmops_git.plugins import is_in_checkout

PACKAGE = "model_prices"
VENDORS: Mapping[str, str] = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "google",
    "api.mistral.ai": "mistral",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "xai",
}
_DATE = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8})\Z")


class PriceTable(dict[str, Price]):
    """The policy's own prices, and behind them the package's. Prices are those of the moment when a model is first looked up,
    and stay so for the run."""

    def __init__(self, own: Mapping[str, Price], policy: Policy) -> None:
        super().__init__(own)
        hosts = {name: urlsplit(provider.base_url).hostname or "" for name, provider in policy.providers.items()}
        self._vendors = {name: VENDORS[host] for name, host in hosts.items() if host in VENDORS}
        self._listed: dict[tuple[str, str], Price | None] = {}

    def listed(self, provider: str, model: str) -> Price | None:
        """The package's price of a model; None where it has none, or is not installed."""
        vendor = self._vendors.get(provider)
        if vendor is None:
            return None
        if (vendor, model) not in self._listed:
            self._listed[vendor, model] = _price(vendor, model)
        return self._listed[vendor, model]


def _price(vendor: str, model: str) -> Price | None:
    if importlib.util.find_spec(PACKAGE) is None or is_in_checkout(PACKAGE):
        return None
    prices: Any = importlib.import_module(PACKAGE)
    found = prices.rates(model, provider=vendor)
    if found is None or found.provider != vendor or (found.removed_suffix and not _DATE.fullmatch(found.removed_suffix)):
        return None
    base = Price(input=found.input, output=found.output, cached_input=found.cache_read, cache_write=found.cache_write)
    return Price(
        input=base.input,
        output=base.output,
        cached_input=base.cached_input,
        cache_write=base.cache_write,
        tiers=tuple((tier.above, _tier(base, tier)) for tier in sorted(found.tiers, key=lambda tier: tier.above)),
    )


def _tier(base: Price, tier: Any) -> Price:
    """The price of a call with a long prompt: what the tier leaves out stays as it was."""
    return Price(
        input=base.input if tier.input is None else tier.input,
        output=base.output if tier.output is None else tier.output,
        cached_input=base.cached_input if tier.cache_read is None else tier.cache_read,
        cache_write=base.cache_write if tier.cache_write is None else tier.cache_write,
    )
