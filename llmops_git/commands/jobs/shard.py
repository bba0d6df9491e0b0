"""`ci evaluate` for one shard of a change: it measures its part, leaves it in the report folder, and tells nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from llmops_git.commands.jobs.session import Session
from llmops_git.commands.jobs.targets import Targets, targets_of
from llmops_git.errors import EXIT_NOT_MEASURED, EXIT_OK

if TYPE_CHECKING:
    from llmops_git.commands.jobs.evaluate import Prepared
    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Evaluated, Settings
    from llmops_git.evals.shard_file import Measured, ShardRecord
    from llmops_git.evals.shards import Shard


def run_shard(session: Session) -> int:
    """Measure the shard. Exit code: 0, 2 files are wrong, 3 nothing of it could be measured."""
    from llmops_git.commands.jobs.evaluate import prepared
    from llmops_git.commands.jobs.opened import session_project
    from llmops_git.commands.project import terminal
    from llmops_git.commands.runs import check_output, keep_run
    from llmops_git.commands.sharding import is_measured
    from llmops_git.evals.folder import REPORT_FILE
    from llmops_git.evals.shards import read_shard
    from llmops_git.reports.job_summary import render_summary
    from llmops_git.reports.terminal import render_report

    shard, folder = read_shard(session.inputs.shard), session.inputs.report_dir
    if not session.inputs.dry_run:
        check_output(folder)
    project = session_project(session)
    targets = targets_of(session, project.git.resolve("HEAD"))
    evaluated, record = _evaluate(session, project, targets, prepared(session, project, targets), shard)
    keep_run(project, evaluated, folder, record=record)
    click.echo(render_report(evaluated.report, **terminal()))
    session.output(report=str(folder / REPORT_FILE), report_dir=str(folder))
    session.log.summary(render_summary(evaluated.report))
    measured = is_measured(evaluated) and not record.not_asked
    return EXIT_OK if measured or session.inputs.fail_on == "never" else EXIT_NOT_MEASURED


def _evaluate(
    session: Session, project: Project, targets: Targets, ready: Prepared, shard: Shard
) -> tuple[Evaluated, ShardRecord]:
    """The shard's report and record, measured where it can be; the token is in none of it."""
    from llmops_git.commands.evaluate import plan_candidates
    from llmops_git.commands.jobs.evaluate import gathered, replies_of, settings_of, unmeasured, why_not_measured
    from llmops_git.commands.secrets import without_secrets
    from llmops_git.commands.sharding import evaluate_shard
    from llmops_git.commands.showing import plan_line
    from llmops_git.evals.shard_file import ShardRecord

    candidates, removed, missing, mode = gathered(session, project, ready)
    with replies_of(session, project, ready.tip, mode) as replay:
        settings = settings_of(session, project, ready.policy, replay)
        of = measured_of(session, ready, settings)
        if mode == "plan":
            plan = plan_line(plan_candidates(candidates, policy=ready.policy, settings=settings))
            why_not = f"{why_not_measured(targets, missing)}; {plan}"
            evaluated = unmeasured(candidates, removed, why_not, ready.changes)
            evaluated = replace(evaluated, report=replace(evaluated.report, shard=shard))
            return evaluated, ShardRecord(shard=shard, of=of, not_asked=why_not)
        evaluated, record = evaluate_shard(
            candidates, shard=shard, of=of, policy=ready.policy, settings=settings, total=ready.changes.total_configs
        )
        evaluated = without_secrets(evaluated, [session.token])
        return evaluated, replace(record, problems=tuple(evaluated.report.how["notes"]))


def measured_of(session: Session, ready: Prepared, settings: Settings) -> Measured:
    """What all shards of the event's change have in common."""
    from llmops_git.commands.sharding import measured

    inputs = session.inputs
    return measured(ready.changes, ready.policy, configs=inputs.configs, environment=inputs.environment, settings=settings)
