"""`llmops-git review`: show people the cases that teach most, and write down what they say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmops_git.commands.state import dry_run_option
from llmops_git.errors import EXIT_OK, LlmopsError

if TYPE_CHECKING:
    from llmops_git.evals.people.items import ReviewSample

DEFAULT_COUNT = 20


@click.command("review")
@click.argument("run", required=False, metavar="[RUN_FOLDER]", type=click.Path(path_type=Path))
@click.option(
    "--config", "configs", multiple=True, metavar="NAME", help="Only this config (repeatable; default: all of the run)."
)
@click.option("--scorer", "scorers", multiple=True, metavar="NAME",
              help="Only this scorer's question (repeatable; default: every judge).")  # fmt: skip
@click.option("-n", "count", type=click.IntRange(1, 1000), default=DEFAULT_COUNT, show_default=True, metavar="N",
              help="Cases to draw for each question.")  # fmt: skip
@click.option("--who", metavar="WHO", help="Whose labels these are (default: git's own identity).")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write a page to label in, instead of asking here.")  # fmt: skip
@dry_run_option
def command(
    run: Path | None,
    configs: tuple[str, ...],
    scorers: tuple[str, ...],
    count: int,
    who: str | None,
    html: Path | None,
    dry_run: bool,
) -> int:
    """Label outputs of a run (default: the newest under .llmops/runs), without seeing which side they are from.

    Labels are added to labels/<judge>/<sample>-<who>.jsonl one by one; started again, it goes on where it stopped.
    """
    from llmops_git.commands.project import open_project
    from llmops_git.commands.reviewing import Reviewer, drawn_samples, sample_line
    from llmops_git.commands.runs import newest_run
    from llmops_git.commands.state import identity_of

    project = open_project()
    samples = drawn_samples(project, run or newest_run(project), configs=configs, scorers=scorers, count=count)
    for sample in samples:
        click.echo(sample_line(sample), err=True)
    if dry_run:
        return EXIT_OK
    if html is not None:
        _write_page(html, samples)
        return EXIT_OK
    Reviewer(project, who or identity_of(project)).run(samples)
    return EXIT_OK


def _write_page(path: Path, samples: list[ReviewSample]) -> None:
    from llmops_git.evals.folder import write_whole
    from llmops_git.reports.review_page import render_review

    try:
        write_whole(path, [render_review(samples)])
    except OSError as error:
        raise LlmopsError(f"{path} cannot be written: {error.strerror}") from None
    click.echo(f"wrote {path}: open it in a browser, label, and download the labels", err=True)
