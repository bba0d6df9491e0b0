"""What `upgrade` did, or would do: as text, as JSON, and as an exit code."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import click

from llmops_git.commands.trial import Evaluated
from llmops_git.commands.upgrading import Upgrade
from llmops_git.errors import EXIT_OK

SCHEMA = "llmops-git/upgrade/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One upgrade. `branch` and `commit` are "" where the work tree was edited; `pull_request` is an address."""

    upgrade: Upgrade
    base: str
    evaluated: Evaluated | None
    dry_run: bool
    anyway: bool = False
    branch: str = ""
    commit: str = ""
    pushed: bool = False
    pull_request: str = ""

    @property
    def gate_passes(self) -> bool:
        return self.evaluated is None or self.evaluated.report.gate_passes


def exit_code_of(done: Done) -> int:
    """The gate's; 0 where nothing was evaluated, or where its no was overruled."""
    from llmops_git.commands.showing import gate_exit_code

    if done.evaluated is None or (done.pushed and done.anyway):
        return EXIT_OK
    return gate_exit_code(done.evaluated.report)


def show_upgrade(done: Done, form: str) -> None:
    """The edits and the report on standard output; what happened to them on standard error."""
    from llmops_git.commands.showing import show_report
    from llmops_git.reports.clean import clean

    if form == "json":
        from llmops_git.commands.project import emit_json

        emit_json(upgrade_document(done))
    else:
        for line in edit_lines(done):
            click.echo(clean(line))
        if done.evaluated is not None:
            show_report(done.evaluated.report, "text")
    for line in _outcome(done):
        click.echo(clean(line), err=True)


def edit_lines(done: Done) -> list[str]:
    """One line for each edit."""
    verb = "would pin" if done.dry_run else "pinned"
    return [
        f"{verb} {edit.path}:{edit.line} {edit.provider_before}/{edit.model_before} -> {edit.provider}/{edit.model}"
        for edit in done.upgrade.edits
    ]


def _outcome(done: Done) -> list[str]:
    if done.pull_request:
        return [f"pull request: {done.pull_request}"]
    if done.pushed:
        return [f"pushed {done.branch}"]
    if done.branch and done.dry_run:
        return [f"would push {done.branch}"]
    if done.gate_passes:
        return []
    if done.branch:
        return ["nothing was pushed: the gate does not let it through", "", "hint: --anyway pushes it all the same"]
    paths = " ".join(edit.path for edit in done.upgrade.edits)
    return ["the edit stays in the work tree", "", f"hint: git restore {paths}"]


def upgrade_document(done: Done) -> dict[str, Any]:
    """What `--format json` prints; schema: schemas/upgrade.schema.json."""
    from llmops_git.reports.json_report import report_document

    edits = [{key: value for key, value in asdict(edit).items() if key != "data"} for edit in done.upgrade.edits]
    return {
        "schema": SCHEMA,
        "dry_run": done.dry_run,
        "base": done.base,
        "edits": edits,
        "branch": done.branch,
        "commit": done.commit,
        "pushed": done.pushed,
        "pull_request": done.pull_request,
        "gate_passes": done.evaluated.report.gate_passes if done.evaluated else None,
        "report": report_document(done.evaluated.report) if done.evaluated else None,
    }
