"""`ci comment`: after a fork's evaluation, with the rights that it lacked. Trusts git and the forge, never the fork's job."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from llmops_git.commands.jobs.session import Session
from llmops_git.commands.jobs.targets import Targets
from llmops_git.errors import EXIT_OK, InvalidInput, LlmopsError
from llmops_git.forges.base import ForgeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmops_git.commands.jobs.evaluate import Prepared
    from llmops_git.commands.project import Project
    from llmops_git.configs.values import Change
    from llmops_git.errors import Problem
    from llmops_git.forges.base import Forge, PullRequest, StatusState
    from llmops_git.forges.event import WorkflowRun
    from llmops_git.reports.values import Report

WORKFLOW = "llmops-fork.yml"  # the workflow by which a maintainer approves
_PULL_REQUESTS = frozenset({"pull_request", "pull_request_target"})
_BOT = "dependabot[bot]"


def run(session: Session) -> int:
    """Comment on the pull request of the workflow run that ended, and set its status. Exit code 0: this is no gate."""
    from llmops_git.commands.jobs.evaluate import prepared
    from llmops_git.commands.jobs.opened import session_project

    finished = session.event.workflow_run
    if finished is None:
        raise LlmopsError("`comment` is for `workflow_run` events", hint="on: {workflow_run: {workflows: [llmops-evaluate]}}")
    if session.forge is None:
        raise LlmopsError("a comment needs a token", hint="token: ${{ github.token }}")
    if not _is_for_us(session, finished):
        click.echo("nothing to do: the evaluation had the rights to comment by itself")
        return EXIT_OK
    pull = _pull_request(session, session.forge, finished)
    if pull is None:
        return EXIT_OK
    why = f"pull request {pull.number} of a fork"
    targets = Targets(tip=pull.base_oid, head=pull.head_oid, number=pull.number, into=pull.base_branch, why=why)
    project = session_project(session)
    ready = prepared(session, project, targets)
    _say(session, session.forge, finished, targets, Found(ready.changes.changes, *changed_packs(project, ready)))
    return EXIT_OK


class Found(NamedTuple):
    """What our own code found in the fork's commit: configs that changed, guardrail packs that did (or whose suites did), and
    what is wrong with the packs."""

    changes: Sequence[Change]
    packs: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def changed_packs(project: Project, ready: Prepared) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """The guardrail packs that a change concerns, by name, and the problems of those that cannot be read."""
    from llmops_git.commands.guard_trials import guarded_by

    try:
        trials = guarded_by(project, ready.changes, ready.policy).trials
    except InvalidInput as error:
        return (), error.problems
    return tuple(trial.name for trial in trials if not trial.config), ()


def _is_for_us(session: Session, finished: WorkflowRun) -> bool:
    """Whether the evaluation ran without rights: for a fork, or for the bot whose jobs get none."""
    own = finished.head_repository == session.event.repository
    return finished.event in _PULL_REQUESTS and (not own or session.event.actor == _BOT)


def _pull_request(session: Session, forge: Forge, finished: WorkflowRun) -> PullRequest | None:
    """The one open pull request whose head is exactly what ran: asked of the forge, never of the artifact."""
    found = forge.find_pull_requests(
        head_repository=finished.head_repository, head_branch=finished.head_branch, head_oid=finished.head_oid
    )
    if len(found) == 1:
        return found[0]
    why = "is not the head of an open pull request any more" if not found else f"is the head of {len(found)} pull requests"
    session.note("notice", f"no comment: commit {finished.head_oid[:12]} {why}")
    return None


def _say(session: Session, forge: Forge, finished: WorkflowRun, targets: Targets, found: Found) -> None:
    from llmops_git.commands.jobs.posting import keep_comment
    from llmops_git.commands.jobs.tell import links_of, set_status
    from llmops_git.reports.fork_comment import render_fork_comment

    assert targets.number is not None  # noqa: S101  # made from a pull request just above
    state, said = verdict_on(found)
    unverified = _unverified(session, forge, finished, targets, found.changes)
    command = f"gh workflow run {WORKFLOW} -f pull-request={targets.number} -f commit={targets.head}"
    newest = keep_comment(
        session,
        targets.number,
        lambda limit: render_fork_comment(
            found.changes,
            packs=found.packs,
            broken=found.problems,
            reason=said,
            command_hint=command if state == "pending" else "",
            key=session.inputs.comment_key,
            head=targets.head,
            run=f"{finished.id}.{finished.attempt}",
            unverified=unverified,
            links=links_of(session),
            limit=limit,
        ),
        run=(int(finished.id), finished.attempt),
        changed=any(found),
    )
    if newest:  # an approved evaluation of this commit has the last word
        set_status(session, targets, state, said)


def verdict_on(found: Found) -> tuple[StatusState, str]:
    """What can be said of a change that was not evaluated with rights: a state and a sentence."""
    from llmops_git.commands.candidates import concerns_evaluation

    if any(problem.severity == "error" for change in found.changes for problem in change.problems):
        return "failure", "configs are not valid"
    if found.problems:
        return "failure", "guardrail packs are not valid"
    concerned = any(concerns_evaluation(change) or change.status == "removed" for change in found.changes)
    if not concerned and not found.packs:
        return "success", "no config changed"
    return "pending", "a maintainer has to approve the evaluation of this commit"


def _unverified(
    session: Session, forge: Forge, finished: WorkflowRun, targets: Targets, changes: Sequence[Change]
) -> Report | None:
    """The numbers that the fork's job left, if there are any."""
    from llmops_git.commands.jobs.earlier import artifact_name
    from llmops_git.commands.jobs.unverified import MOST_BYTES, numbers_only
    from llmops_git.evals.folder import REPORT_FILE

    name = artifact_name(session.inputs.comment_key, finished.attempt)
    try:
        files = forge.artifact_files(finished.id, name, [REPORT_FILE], most_bytes=MOST_BYTES)
    except ForgeError as error:
        session.note("notice", f"the numbers of the fork's own job could not be read: {error.message}")
        return None
    return numbers_only(files.get(REPORT_FILE), head=targets.head, changes=changes)
