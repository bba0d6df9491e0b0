"""Which pins should be upgraded now, and to what: those that are retired soon and whose successor is a pin. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from llmops_git.configs.pins import floating_reason
from llmops_git.configs.policy import Policy, Retirement
from llmops_git.configs.retirements import days_left, retirement_of
from llmops_git.configs.upgrade import pins_of

PROPOSE_WITHIN = timedelta(days=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePin:
    """One pin that is retired soon or was. `obstacle` says why its successor cannot be proposed; "" where it can."""

    provider: str
    model: str
    paths: tuple[str, ...]
    retirement: Retirement
    obstacle: str


def due_pins(files: Mapping[str, bytes], policy: Policy, today: date) -> list[DuePin]:
    """The pins of config files that are retired within 60 days, the most urgent first."""
    found = []
    for (provider, model), paths in pins_of(files).items():
        retirement = retirement_of(policy, provider, model)
        if retirement is None or days_left(retirement, today) > PROPOSE_WITHIN.days:
            continue
        obstacle = _obstacle(policy, provider, retirement)
        found.append(DuePin(provider=provider, model=model, paths=tuple(paths), retirement=retirement, obstacle=obstacle))
    return sorted(found, key=lambda pin: (pin.retirement.date, pin.provider, pin.model))


def _obstacle(policy: Policy, provider: str, retirement: Retirement) -> str:
    successor = retirement.successor
    if not successor:
        return "no successor is known"
    if provider not in policy.providers:
        return f"there is no provider `{provider}`"
    if floating_reason(provider, policy.providers[provider].api, successor):
        return f"its successor `{successor}` is an alias, which is no pin"
    then = retirement_of(policy, provider, successor)
    if then is not None and then.date <= retirement.date:
        return f"its successor `{successor}` is retired no later"
    return ""
