"""`ci release`: releases what the newest commit of the default branch holds, and promotes what promotes itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, get_args

import click

from llmops_git.commands.jobs.session import Session
from llmops_git.errors import EXIT_GATE, EXIT_OK, LlmopsError
from llmops_git.evals.values import Verdict
from llmops_git.forges.joblog import Annotation

if TYPE_CHECKING:
    from llmops_git.commands.reconcile import Done
    from llmops_git.commands.releasing import Outcome, Reconciled
    from llmops_git.commands.state import State

_EVENTS = frozenset({"push", "dispatch", "schedule", "other"})
_NO = frozenset({"refused", "invalid", "not measured"})


def run(session: Session) -> int:
    """Release and promote. Exit code: as `llmops-git release`.

    A reconciler: whatever commit the event was about, the newest one is released, so it does not matter whether the service
    delivered an event twice, ran jobs out of order, or left out one of a burst; a job that died is finished by the next.
    """
    from llmops_git.commands.jobs.acting import Elsewhere, acting_state, on_default_branch
    from llmops_git.commands.mainline import only_here
    from llmops_git.commands.reconcile import reconcile

    _check(session)
    session.output(tags="[]", deployed="[]", changed="[]")
    try:
        state, mainline = on_default_branch(session, acting_state(session))
    except Elsewhere as error:
        if session.event.kind != "push":
            raise
        click.echo(f"nothing released: {error.message}")
        return EXIT_OK
    for objection in only_here(state, mainline):
        raise objection
    commit = mainline.tip
    click.echo(f"releasing what commit {commit[:12]} holds")
    dry_run = session.inputs.dry_run or session.inputs.mode == "plan"
    done = reconcile(state, session.inputs.configs, commit=commit, promote=True, dry_run=dry_run, on_released=_say)
    _tell(session, state, done)
    if done.failure is not None:
        raise done.failure
    code = done.reconciled.exit_code
    if code == EXIT_GATE and session.inputs.fail_on == "never":
        click.echo("the gate says no, and this job only reports: fail-on is never")
        return EXIT_OK
    return code


def _check(session: Session) -> None:
    """Raises LlmopsError for an event that must not release, and for inputs that a release does not have."""
    if session.event.kind not in _EVENTS:
        message = f"a `{session.event.name}` event releases nothing: releases are made from the default branch"
        raise LlmopsError(message, hint="on: {push: {branches: [main]}}")
    if session.inputs.mode == "replay":
        raise LlmopsError(
            "a release is not made from recorded replies", hint="mode: auto, or mode: plan to see what is missing"
        )


def _say(reconciled: Reconciled) -> None:
    from llmops_git.commands.release import after_refusals, release_lines

    for line in release_lines(reconciled.outcomes):
        click.echo(line)
    for hint in after_refusals(reconciled.outcomes):
        click.echo(f"\nhint: {hint}")


def _tell(session: Session, state: State, done: Done) -> None:
    """Outputs, annotations, the page of the run and, where something was measured, the report folder."""
    from llmops_git.commands.jobs.deployed import deployed_output
    from llmops_git.commands.jobs.tell import write_reports

    outcomes = done.reconciled.outcomes
    session.output(
        tags=json.dumps([outcome.tag for outcome in outcomes if outcome.what == "released"]),
        changed=json.dumps([outcome.config for outcome in outcomes if outcome.what != "unchanged"]),
        deployed=deployed_output(done.promoted.deployed),
        verdict=_verdict(outcomes),
        gate_passes=str(all(outcome.what not in _NO for outcome in outcomes)).lower(),
    )
    for annotation in _annotations(done.reconciled):
        session.log.annotate(annotation)
    session.log.summary(_page(session, done))
    evaluated = done.reconciled.evaluated
    if evaluated is not None:
        cost = evaluated.report.spending.cost_usd
        session.output(cost_usd="" if cost is None else f"{cost:.6f}")
        write_reports(session, state.project, evaluated)


def _verdict(outcomes: Sequence[Outcome]) -> str:
    """The worst verdict of what was to be released; `unchanged` where nothing was."""
    from llmops_git.evals.gate import worst

    found = [verdict for outcome in outcomes if outcome.what != "unchanged" and (verdict := _verdict_of(outcome))]
    return worst(found) if found else "unchanged"


def _verdict_of(outcome: Outcome) -> Verdict | None:
    if outcome.what in ("invalid", "not measured"):
        return "invalid"
    return next((verdict for verdict in get_args(Verdict) if verdict == outcome.verdict), None)


def _annotations(reconciled: Reconciled) -> Iterator[Annotation]:
    """One for each config that was not released, at its file; for files that are wrong, one at each line."""
    from llmops_git.reports.annotations import annotations_of_problems
    from llmops_git.reports.clean import clean

    titles = {"refused": "the gate refuses", "invalid": "cannot be loaded:", "not measured": "could not be measured:"}
    for outcome in reconciled.outcomes:
        if outcome.what not in _NO:
            continue
        problems = reconciled.problems.get(outcome.config)
        if problems:
            yield from annotations_of_problems(problems)
            continue
        title, path = f"{titles[outcome.what]} {outcome.config}", reconciled.paths.get(outcome.config, "")
        yield Annotation(level="error", title=title, path=path, message=clean(outcome.reason))


def _page(session: Session, done: Done) -> str:
    """The page of the run: what was released, what was not and why, what runs where by now."""
    from llmops_git.commands.jobs.deployed import deployed_rows
    from llmops_git.reports.release_page import Row, page, tag_link

    server, repository = session.server, session.event.repository
    outcomes = done.reconciled.outcomes
    released = [
        Row(
            what=outcome.what,
            name=outcome.tag,
            link=tag_link(server, repository, outcome.tag) if outcome.what == "released" else "",
            about=", ".join(part for part in (outcome.bump, outcome.verdict, outcome.reason) if part),
        )
        for outcome in outcomes if outcome.what in ("released", "would release", "would evaluate")
    ]  # fmt: skip
    refused = [Row(what=each.what, name=each.config, about=each.reason) for each in outcomes if each.what in _NO]
    held = [Row(what="held", name=reason.partition(":")[0], about=reason) for reason in done.promoted.held]
    tables = {
        "Releases": released,
        "Not released": refused,
        "Environments": [*deployed_rows(session, done.promoted.deployed), *held],
    }
    return page("Releases and environments", tables, nothing=f"nothing to release: {_unchanged(len(outcomes))}")


def _unchanged(count: int) -> str:
    return "1 config is unchanged" if count == 1 else f"{count:,} configs are unchanged"
