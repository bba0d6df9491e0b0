"""Says what an evaluation found, wherever a job may write: files, outputs, summary, annotations, status, comment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from llmops_git.errors import InvalidInput, Problem
from llmops_git.forges.base import ForgeError

if TYPE_CHECKING:
    from llmops_git.commands.jobs.session import Session
    from llmops_git.commands.jobs.targets import Targets
    from llmops_git.commands.project import Project
    from llmops_git.commands.trial import Evaluated
    from llmops_git.errors import LlmopsError
    from llmops_git.forges.base import StatusState
    from llmops_git.repo.changes import ChangeSet
    from llmops_git.reports.values import Report

CONTEXT = "llmops-git/gate"
_BRANCH = 120  # characters of a branch in the name of a status


def problems_in(error: LlmopsError) -> tuple[Problem, ...]:
    """What an error says, as problems: those of the files, or the error itself."""
    if isinstance(error, InvalidInput) and error.problems:
        return error.problems
    return (Problem(path="", message=error.message, hint=error.hint),)


def context_of(key: str, into: str = "") -> str:
    """The name of the commit status for a key; `into` is the branch that the change goes to, "" for the default branch.

    A status belongs to a commit, and a pull request can change its base: a verdict for one must not count for the other.
    """
    name = CONTEXT if key == "default" else f"{CONTEXT}/{key}"
    return f"{name} into {into[:_BRANCH]}" if into else name


def links_of(session: Session) -> dict[str, str]:
    """Where a reader of the comment finds the rest."""
    return {"this run": session.event.run_url} if session.event.run_url else {}


def tell_started(session: Session, targets: Targets) -> None:
    """A pending status, so that an old one does not speak for a new attempt."""
    set_status(session, targets, "pending", "evaluating")


def tell_failure(session: Session, targets: Targets, error: LlmopsError) -> None:
    """The status and the comment of an evaluation that came to no verdict: an older comment must not speak for this head."""
    set_status(session, targets, "error", error.message.splitlines()[0] if error.message else "failed")
    session.output(verdict="invalid", gate_passes="false")
    _comment(session, targets, failure_report(error, targets), changed=True)


def failure_report(error: LlmopsError, targets: Targets) -> Report:
    """A report that says only what was wrong."""
    from llmops_git.reports.values import Report

    return Report(
        base=targets.base or targets.tip,
        head=targets.head,
        configs_total=0,
        configs=(),
        verdict="invalid",
        gate_passes=False,
        problems=problems_in(error),
    )


def tell(session: Session, targets: Targets, project: Project, evaluated: Evaluated, *, changes: ChangeSet) -> None:
    """Everything there is to say about a report."""
    from llmops_git.commands.project import terminal
    from llmops_git.reports.terminal import render_report

    report = evaluated.report
    write_reports(session, project, evaluated)
    click.echo(render_report(report, **terminal()))
    session.output(
        verdict=report.verdict if report.entries else "no-changes",
        gate_passes=str(report.gate_passes).lower(),
        changed=json.dumps([config.change.config for config in report.configs]),
        cost_usd="" if report.spending.cost_usd is None else f"{report.spending.cost_usd:.6f}",
    )
    _annotate(session, project, targets, report)
    status_of(session, targets, report)
    _comment(session, targets, report, changed=bool(changes.changes or report.guardrails))


def write_reports(session: Session, project: Project, evaluated: Evaluated) -> None:
    """The report folder (an artifact, for people, bots and re-runs) and the page of the run."""
    from llmops_git.commands.report import shown_traces
    from llmops_git.commands.runs import check_output, keep_run
    from llmops_git.evals.folder import REPORT_FILE, write_whole
    from llmops_git.reports.html import render_html
    from llmops_git.reports.job_summary import render_summary
    from llmops_git.reports.junit import render_junit

    folder = session.inputs.report_dir
    if not session.inputs.dry_run:  # what a dry run would have written elsewhere lies there already
        check_output(folder)
    keep_run(project, evaluated, folder)
    write_whole(folder / "junit.xml", [render_junit(evaluated.report, evaluated.runs)])
    traces = shown_traces(evaluated.report, evaluated.runs, folder)
    write_whole(folder / "report.html", [render_html(evaluated.report, evaluated.runs, traces=traces)])
    session.output(report=str(folder / REPORT_FILE), report_dir=str(folder))
    session.log.summary(render_summary(evaluated.report, links=links_of(session)))


def _annotate(session: Session, project: Project, targets: Targets, report: Report) -> None:
    """Remarks at the lines that changed."""
    from llmops_git.reports.annotations import annotations_of
    from llmops_git.reports.places import lines_in

    heads = [config.change.head for config in report.configs if config.change.head is not None]
    paths = {path for head in heads for path in (head.path, *(item.path for item in head.closure)) if path}
    for annotation in annotations_of(report, lines=lines_in(project.tree(targets.head).read(sorted(paths)))):
        session.log.annotate(annotation)


def status_of(session: Session, targets: Targets, report: Report) -> None:
    """The commit status that branch rules can require."""
    from llmops_git.reports.verdicts import headline

    said = headline(report).title if report.entries else "no config changed"
    if report.gate_passes or session.inputs.fail_on == "never":
        set_status(session, targets, "success", said)
    else:
        set_status(session, targets, "error" if report.verdict == "invalid" else "failure", said)


def set_status(session: Session, targets: Targets, state: StatusState, description: str) -> None:
    """Set the status of the change's head; a forge that refuses is a warning in the log and never more."""
    if session.forge is None or not targets.trusted:
        return  # a job without secrets has no token that may write either
    try:
        branch = targets.into or session.event.base_branch
        context = context_of(session.inputs.comment_key, "" if branch == session.event.default_branch else branch)
        session.forge.set_status(targets.head, state, context=context, description=description, url=session.event.run_url)
    except ForgeError as error:
        session.note("warning", f"the commit status could not be set: {error.message}")


def _comment(session: Session, targets: Targets, report: Report, *, changed: bool) -> None:
    from llmops_git.commands.jobs.posting import keep_comment
    from llmops_git.reports.markdown import render_comment

    if targets.number is None or not targets.trusted:
        session.output(comment_written="false", comment_url="")
        return
    event, key = session.event, session.inputs.comment_key
    run = f"{event.run_id or 0}.{event.attempt}"
    keep_comment(
        session,
        targets.number,
        lambda limit: render_comment(report, key=key, run=run, limit=limit, links=links_of(session)),
        run=(int(event.run_id or 0), event.attempt),
        changed=changed,
    )
