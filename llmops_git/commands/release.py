"""`llmops-git release`: tag the next version of every config that changed and passes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmops_git.commands.project import emit_json, format_option
from llmops_git.commands.signing import sign_option
from llmops_git.commands.state import dry_run_option
from llmops_git.errors import EXIT_OK

if TYPE_CHECKING:
    from llmops_git.commands.releasing import Outcome, Reconciled
    from llmops_git.repo.mainline import Mainline

SCHEMA = "llmops-git/release/1"
_AFTER_A_FAILED_RUN = "change the config, its eval set or its gate: a run that failed is kept and not repeated until it passes"


@click.command("release")
@click.argument("configs", nargs=-1)
@click.option("--evidence", "folders", metavar="RUN_FOLDER", multiple=True,
              type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="A run folder of `eval` to take evidence from; repeatable. Give only runs that you trust.")  # fmt: skip
@click.option("--promote", is_flag=True, help="Then bring environments with `promote: automatic` up to date.")
@sign_option
@dry_run_option
@format_option()
def command(
    configs: tuple[str, ...], folders: tuple[Path, ...], promote: bool, sign: bool | None, dry_run: bool, form: str
) -> int:
    """Tag the next version of every config (or of the CONFIGS named) that differs from its newest release.

    Works on the newest commit of the default branch. Evidence is looked for on the evidence branch and in the run folders
    given; what has none is evaluated against its newest release. Running it twice does nothing the second time.

    Exit code: 0 all released or unchanged, 1 the gate refused one (the others are released), 2 files or usage are wrong,
    3 one could not be measured.
    """
    from llmops_git.commands.mainline import mainline_of, objections, superseded_by
    from llmops_git.commands.reconcile import reconcile
    from llmops_git.commands.state import read_state

    state = read_state(fetch=True, sign=sign)
    mainline = mainline_of(state)
    for objection in objections(state, mainline):
        if not dry_run:
            raise objection
        click.echo(f"note: {objection.message}", err=True)
    if mainline.standing == "behind":
        _show(form, mainline, [], dry_run=dry_run)
        click.echo(f"nothing released: {superseded_by(mainline, mainline.head)}", err=True)
        return EXIT_OK

    def show(reconciled: Reconciled) -> None:
        _show(form, mainline, reconciled.outcomes, dry_run=dry_run)

    done = reconcile(
        state,
        configs,
        folders,
        commit=mainline.head,
        promote=promote,
        dry_run=dry_run,
        on_released=show,
        quiet=form == "json",
    )
    if done.failure is not None:
        raise done.failure
    return done.reconciled.exit_code


def _show(form: str, mainline: Mainline, outcomes: Sequence[Outcome], *, dry_run: bool) -> None:
    if form == "json":
        emit_json(release_document(mainline, outcomes, dry_run=dry_run))
    else:
        for line in release_lines(outcomes):
            click.echo(line)
    for hint in after_refusals(outcomes):
        click.echo(f"\nhint: {hint}", err=True)


def after_refusals(outcomes: Sequence[Outcome]) -> list[str]:
    """What to do about the configs that were refused: those that failed, and those that nothing was measured of."""
    refused = [outcome for outcome in outcomes if outcome.what == "refused"]
    hints = [_AFTER_A_FAILED_RUN] if any(outcome.verdict for outcome in refused) else []
    without = [outcome.config for outcome in refused if not outcome.verdict]
    if without:
        hints.append(
            f"add an `evaluation:` section with a dataset and scorers to {', '.join(without)}; llmops-git check says where"
        )
    return hints


def release_document(mainline: Mainline, outcomes: Sequence[Outcome], *, dry_run: bool) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/release.schema.json."""
    from dataclasses import asdict

    return {
        "schema": SCHEMA,
        "commit": mainline.head,
        "newest_commit": mainline.tip,
        "dry_run": dry_run,
        "configs": [asdict(outcome) for outcome in outcomes],
    }


def release_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """One line for each config that is not simply unchanged, and one that counts those."""
    from llmops_git.reports.clean import clean
    from llmops_git.reports.style import columns

    rows = []
    for outcome in outcomes:
        if outcome.what == "unchanged":
            continue
        version = outcome.tag.rpartition("/")[2]
        about = [f"({outcome.bump})" if outcome.bump else "", outcome.verdict, clean(outcome.reason).replace("\n", "; ")]
        rows.append((outcome.what, outcome.config, version, "  ".join(part for part in about if part)))
    unchanged = sum(outcome.what == "unchanged" for outcome in outcomes)
    lines = columns(rows, ("<", "<", "<", "<")) if rows else []
    plural = "" if unchanged == 1 else "s"
    return [line.rstrip() for line in lines] + ([f"unchanged: {unchanged} config{plural}"] if unchanged else [])
