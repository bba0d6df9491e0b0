"""What commands say about a plan before the first call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from llmops_git.evals.plan import Plan


def plan_line(plan: Plan) -> str:
    """One line: requests, tokens, money."""
    parts = [f"plan: {plan.requests} requests to send"]
    if plan.cached:
        parts[0] += f" ({plan.cached} more are already paid for)"
    if plan.requests:
        parts.append(f"about {plan.input_tokens:,} tokens in, at most {plan.output_tokens_max:,} out")
        parts.append("cost unknown (no price)" if plan.cost_usd is None else f"at most ${plan.cost_usd:.2f}")
    return ", ".join(parts)


def show_plan(plan: Plan) -> None:
    """The plan on standard error."""
    click.echo(plan_line(plan), err=True)
