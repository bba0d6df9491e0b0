"""When hosted models stop answering: a table of dates that vendors have published, overridden by `retirements.yaml`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType

from llmops_git.configs.policy import HOSTED, Policy, Retirement
from llmops_git.configs.policy_file import BUILT_IN

CHECKED = "2026-11-24"  # the dates below are those published by then; a vendor can move them
WARN_WITHIN = timedelta(days=90)

# where each vendor announces its dates
SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "openai": "OpenAI, API docs, Deprecations",
        "anthropic": "Anthropic, Claude docs, Model deprecations",
        "gemini": "Google, Gemini API docs, Gemini deprecations",
        "mistral": "Mistral, docs, Models, Legacy models",
        "xai": "xAI, docs, Migration guides",
    }
)

# Vendor by the address its models are served from: another platform that serves the same models has dates of its own.
VENDORS: Mapping[str, str] = MappingProxyType(
    {BUILT_IN[vendor].base_url: vendor for vendor in SOURCES}
    | {f"{BUILT_IN['gemini'].base_url}/openai": "gemini"}  # its OpenAI-compatible door
)

# vendor -> (date, successor the vendor names or "", models)
_TABLE: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = MappingProxyType(
    {
        "openai": (
            ("2026-10-23", "gpt-5.6-terra", ("gpt-3.5-turbo", "gpt-3.5-turbo-0125", "o4-mini", "o4-mini-2025-04-16")),
            ("2026-10-23", "gpt-5.6-sol", ("gpt-4", "gpt-4-0613", "gpt-4-1106-preview")),
            ("2026-10-23", "gpt-5.6-sol", ("gpt-4-turbo", "gpt-4-turbo-2024-04-09")),
            ("2026-10-23", "gpt-5.6-sol", ("gpt-4o-2024-05-13", "o1", "o1-2024-12-17", "o3-mini", "o3-mini-2025-01-31")),
            ("2026-10-23", "gpt-5.6-luna", ("gpt-4.1-nano", "gpt-4.1-nano-2025-04-14")),
            ("2026-10-23", "", ("o1-pro", "o1-pro-2025-03-19")),
            ("2026-12-11", "gpt-6.1-sol", ("gpt-5", "gpt-5-2025-08-07")),
            ("2026-12-11", "gpt-6.1-terra", ("gpt-5-mini", "gpt-5-mini-2025-08-07")),
            ("2026-12-11", "", ("gpt-5-nano", "gpt-5-nano-2025-08-07", "gpt-5-pro", "gpt-5-pro-2025-10-06")),
            ("2026-12-11", "", ("o3", "o3-2025-04-16", "o3-pro", "o3-pro-2025-06-10")),
            ("2027-01-14", "gpt-6-luna", ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "gpt-4o-mini-2024-07-18")),
            ("2027-01-14", "gpt-6-luna", ("gpt-4.1-2025-04-14", "gpt-4.1-mini-2025-04-14")),
            ("2027-04-01", "", ("gpt-5.1", "gpt-5.4-nano")),
        ),
        "anthropic": (
            ("2025-07-21", "", ("claude-2.0", "claude-2.1", "claude-3-sonnet-20240229")),
            ("2025-10-28", "", ("claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20241022")),
            ("2026-01-05", "", ("claude-3-opus-20240229",)),
            ("2026-02-19", "", ("claude-3-7-sonnet-20250219",)),
            ("2026-02-19", "claude-haiku-4-5-20251001", ("claude-3-5-haiku-20241022",)),
            ("2026-06-15", "claude-sonnet-4-6", ("claude-sonnet-4-20250514",)),
            ("2026-06-15", "claude-opus-4-8", ("claude-opus-4-20250514",)),
            ("2026-08-05", "", ("claude-opus-4-1-20250805",)),
            ("2026-11-30", "claude-sonnet-5-5", ("claude-sonnet-4-5-20250929",)),
        ),
        "gemini": (
            ("2026-06-01", "", ("gemini-2.0-flash", "gemini-2.0-flash-001")),
            ("2026-06-01", "", ("gemini-2.0-flash-lite", "gemini-2.0-flash-lite-001")),
            ("2026-12-01", "gemini-3.8-flash", ("gemini-2.5-pro",)),
            ("2026-12-01", "gemini-3.5-flash-lite", ("gemini-2.5-flash",)),
            ("2027-05-07", "", ("gemini-3.1-flash-lite",)),
        ),
        "mistral": (
            ("2025-06-16", "", ("mistral-medium-2312",)),
            ("2025-11-30", "", ("magistral-small-2506", "magistral-small-2507")),
            ("2025-11-30", "", ("magistral-medium-2506", "magistral-medium-2507")),
            ("2025-11-30", "codestral-2508", ("codestral-2501",)),
            ("2025-11-30", "", ("devstral-small-2505",)),
            ("2025-12-31", "", ("pixtral-12b-2409",)),
            ("2026-05-31", "mistral-medium-3-5", ("mistral-large-2411", "devstral-medium-2507")),
            ("2026-07-31", "mistral-medium-3-5", ("devstral-2512", "magistral-medium-2509")),
            ("2026-07-31", "", ("open-mistral-nemo-2407",)),
            ("2026-08-31", "mistral-medium-3-5", ("mistral-medium-2505", "mistral-medium-2508")),
        ),
        "xai": (
            ("2026-05-15", "grok-4.3", ("grok-3", "grok-4-0709", "grok-code-fast-1")),
            ("2026-05-15", "grok-4.3", ("grok-4-fast-reasoning", "grok-4-1-fast-reasoning")),
            ("2026-05-15", "", ("grok-4-fast-non-reasoning", "grok-4-1-fast-non-reasoning")),
        ),
    }
)  # fmt: skip

KNOWN: Mapping[tuple[str, str], Retirement] = MappingProxyType(
    {
        (vendor, model): Retirement(date=day, successor=successor, source=f"{SOURCES[vendor]}, as published by {CHECKED}")
        for vendor, rows in _TABLE.items()
        for day, successor, models in rows
        for model in models
    }
)


def retirement_of(policy: Policy, provider: str, model: str) -> Retirement | None:
    """When a model stops answering at a provider, as far as it is known: the policy's own entry first.

    An own entry without a date says that the model stays. A fine-tuned model (`ft:BASE:…`) goes with its base.
    """
    for key in (f"{provider}/{model}", model):
        if key in policy.retirements:
            own = policy.retirements[key]
            return own if own.date else None
    settings = policy.providers.get(provider)
    vendor = VENDORS.get(settings.base_url.rstrip("/")) if settings and settings.api in HOSTED else None
    if vendor is None:
        return None
    base = model.split(":")[1] if model.startswith("ft:") and model.count(":") > 1 else model
    known = KNOWN.get((vendor, base))
    return known if known is None or base == model else Retirement(date=known.date, source=known.source)


def days_left(retirement: Retirement, today: date) -> int:
    """Days until the model stops answering; 0 on the day itself, negative afterwards."""
    return (date.fromisoformat(retirement.date) - today).days


def announcement(model: str, retirement: Retirement, today: date) -> str:
    """One sentence about a retirement; "" while it is more than 90 days away."""
    left = days_left(retirement, today)
    if left > WARN_WITHIN.days:
        return ""
    source = f" ({retirement.source})" if retirement.source else ""
    if left < 0:
        return f"`{model}` was retired on {retirement.date}: requests to it will fail, or another model answers them{source}"
    when = {0: "today", 1: "tomorrow"}.get(left, f"in {left} days")
    return f"`{model}` is retired {when}, on {retirement.date}{source}"
