"""`llmops-git monitor score`: score a sample of live requests with the scorers of the evaluation, under a money cap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from llmops_git.commands.project import emit_json, format_option
from llmops_git.commands.state import dry_run_option
from llmops_git.commands.stored import since_option, store_option
from llmops_git.errors import EXIT_OK

if TYPE_CHECKING:
    from llmops_git.commands.live_scores import Scored

FORMAT = "llmops-git/monitor-score/1"
DEFAULT_SAMPLE = 50
DEFAULT_USD = 1.0


@click.command("score")
@click.argument("configs", nargs=-1)
@click.option("--sample", "each", type=click.IntRange(1, 10_000), default=DEFAULT_SAMPLE, show_default=True, metavar="N",
              help="Requests of each release, at most.")  # fmt: skip
@since_option("24h")
@click.option("--scorer", "scorers", multiple=True, metavar="NAME",
              help="Only this scorer (repeatable; default: all that need no expected answer).")  # fmt: skip
@click.option("--max-usd", type=click.FloatRange(0), default=DEFAULT_USD, show_default=True, metavar="USD",
              help="Spend at most this much; the policy's budget holds anyway.")  # fmt: skip
@store_option
@dry_run_option
@format_option()
def score(
    configs: tuple[str, ...],
    each: int,
    since: timedelta,
    scorers: tuple[str, ...],
    max_usd: float,
    store: str | None,
    dry_run: bool,
    form: str,
) -> int:
    """Score live requests of the CONFIGS named, or of all that have an evaluation, and add the scores to their traces.

    The same number of requests of every release is drawn, and those that were scored before are not paid for again.
    Exit code: 0, also where nothing could be scored; 2 files or usage are wrong; 3 the store cannot be read.
    """
    from llmops_git.commands.live_scores import score_live
    from llmops_git.commands.project import open_project

    now = datetime.now(UTC)
    found = score_live(
        open_project(), configs, scorers, each=each, since=now - since, until=now, max_usd=max_usd, where=store, dry_run=dry_run
    )
    if form == "json":
        emit_json({"format": FORMAT, "dry_run": dry_run, "configs": [_document(one) for one in found]})
        return EXIT_OK
    from llmops_git.reports.escape import inert

    for one in found:
        for line in _lines(one, dry_run=dry_run):
            click.echo(inert(line))
    return EXIT_OK


def _document(one: Scored) -> dict[str, object]:
    return {
        "config": one.config,
        "drawn": one.drawn,
        "scored": one.scored,
        "left_out": dict(one.left_out),
        "cost_usd": one.spending.cost_usd,
        "requests": one.spending.sent,
        "means": [
            {"release": release, "scorer": scorer, "n": n, "mean": mean} for (release, scorer), (n, mean) in one.means.items()
        ],
    }


def _lines(one: Scored, *, dry_run: bool) -> list[str]:
    if dry_run:
        return [f"{one.config}: {one.drawn} requests would be looked at"]
    cost = "at unknown cost" if one.spending.cost_usd is None else f"for ${one.spending.cost_usd:.4f}"
    lines = [f"{one.config}: {one.scored} of {one.drawn} drawn requests scored, {one.spending.sent} requests sent {cost}"]
    lines += [f"  {release}  {scorer}  {mean:.3f}  of {n}" for (release, scorer), (n, mean) in one.means.items()]
    return lines + [f"  {count} left out: {why}" for why, count in one.left_out.items()]
