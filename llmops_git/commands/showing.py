"""What commands that evaluate say: the plan before the first call, progress, the report, the gate's exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from llmops_git.errors import EXIT_GATE, EXIT_NOT_MEASURED, EXIT_OK
from llmops_git.reports.numbers import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmops_git.evals.plan import Plan
    from llmops_git.reports.values import Report


def plan_line(plan: Plan) -> str:
    """One line: requests, tokens, money."""
    parts = [f"plan: {count(plan.requests, 'request')} to send"]
    if plan.cached:
        parts[0] += f" ({plan.cached} more are already paid for)"
    if plan.requests:
        parts.append(f"about {plan.input_tokens:,} tokens in, at most {plan.output_tokens_max:,} out")
        parts.append("cost unknown (no price)" if plan.cost_usd is None else f"at most ${plan.cost_usd:.2f}")
        if plan.from_history:
            likely = "" if plan.likely_usd is None else f" and ${plan.likely_usd:.2f}"
            parts.append(f"by earlier replies about {plan.output_tokens_likely:,} out{likely}")
    if plan.further:
        parts.append(f"and at most {plan.further:,} more where the model calls tools, which these figures do not hold")
    return ", ".join(parts)


def show_plan(plan: Plan) -> None:
    """The plan on standard error."""
    click.echo(plan_line(plan), err=True)


@contextmanager
def progress() -> Iterator[Callable[[int, int], None] | None]:
    """A progress bar on standard error, where that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=1, label="evaluating", file=sys.stderr, show_pos=True) as bar:

        def update(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield update


def show_report(report: Report, form: str) -> None:
    """The report on standard output, as text, json or markdown."""
    if form == "json":
        from llmops_git.commands.project import emit_json
        from llmops_git.reports.json_report import report_document

        emit_json(report_document(report))
    elif form == "markdown":
        from llmops_git.reports.markdown import render_comment

        click.echo(render_comment(report))
    else:
        from llmops_git.commands.project import terminal
        from llmops_git.reports.terminal import render_report

        click.echo(render_report(report, **terminal()))


def gate_exit_code(report: Report) -> int:
    """0 the gate lets the change through, 1 it does not, 3 nothing could be measured."""
    if report.gate_passes:
        return EXIT_OK
    return EXIT_NOT_MEASURED if report.verdict == "invalid" else EXIT_GATE
