"""`ci upgrade`: proposes a model upgrade that was asked for, or one for each pin that is retired soon."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from llmops_git.commands.jobs.session import Session
from llmops_git.errors import EXIT_GATE, EXIT_NOT_MEASURED, EXIT_OK, EXIT_USAGE, LlmopsError

if TYPE_CHECKING:
    from llmops_git.commands.project import Project
    from llmops_git.commands.proposing import Ground, Proposed
    from llmops_git.commands.trial import Evaluated
    from llmops_git.configs.due import DuePin
    from llmops_git.configs.upgrade import Wanted
    from llmops_git.forges.base import Forge
    from llmops_git.reports.release_page import Row
    from llmops_git.reports.values import Report

_KINDS = frozenset({"dispatch", "schedule", "push", "other"})
_WORST_FIRST = (EXIT_USAGE, EXIT_NOT_MEASURED, EXIT_GATE, EXIT_OK)


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What came of all upgrades of one run."""

    rows: list[Row] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)

    def note(self, what: str, name: str, about: str, *, code: int = EXIT_OK, link: str = "") -> None:
        from llmops_git.reports.clean import clean
        from llmops_git.reports.release_page import Row

        self.rows.append(Row(what=what, name=name, link=link, about=about))
        self.codes.append(code)
        click.echo(f"{what}  {clean(name)}  {clean(about)}")


def run(session: Session, *, now: datetime | None = None) -> int:
    """Propose upgrades. `now` is the time of commits, and says which day it is.

    Exit code: 0 all proposed or nothing to do, 1 the gate stops one, 2 files or usage are wrong, 3 one was not measured.
    """
    from llmops_git.commands.jobs.acting import acting_project
    from llmops_git.commands.jobs.roots import policy_root_of
    from llmops_git.commands.proposing import ground_of

    now = now or datetime.now(UTC)
    forge = _checked(session)
    session.output(pull_request_url="", changed="[]")
    project = acting_project(session)
    ground = ground_of(project, session.inputs.base)
    project.root = policy_root_of(project, ground.base, ground.base)
    tally = _Tally()
    for wanted in _wanted(session, project, ground, now.date(), tally):
        _propose(session, forge, project, ground, wanted, now, tally)
    _tell(session, tally)
    return (
        EXIT_OK if session.inputs.fail_on == "never" else next(code for code in _WORST_FIRST if code in (*tally.codes, EXIT_OK))
    )


def _checked(session: Session) -> Forge:
    """The forge. Raises LlmopsError for an event of a stranger, and where nothing can be opened."""
    if session.event.kind not in _KINDS:
        raise LlmopsError(f"a `{session.event.name}` event upgrades nothing", hint="on: {schedule: …, workflow_dispatch: …}")
    if session.forge is None:
        raise LlmopsError("an upgrade opens a pull request, and there is no token", hint="token: ${{ github.token }}")
    if session.inputs.model and not session.inputs.configs:
        raise LlmopsError("which config is to be upgraded?", hint=f"config: NAME, model: {session.inputs.model}")
    return session.forge


def _wanted(session: Session, project: Project, ground: Ground, today: date, tally: _Tally) -> list[Wanted]:
    """What was asked for; else one for each pin that is retired soon. What cannot be proposed is noted."""
    from llmops_git.configs.upgrade import Wanted

    inputs = session.inputs
    if inputs.model:
        return [Wanted(model=inputs.model, configs=inputs.configs)]
    found = []
    for pin in _due(session, project, ground, today):
        name = f"{pin.provider}/{pin.model}"
        if pin.obstacle:
            tally.note("to do", name, f"{_retired(pin)}; {pin.obstacle}; {', '.join(pin.paths)}")
        else:
            found.append(Wanted(model=pin.retirement.successor, old=name, configs=inputs.configs))
    return found


def _due(session: Session, project: Project, ground: Ground, today: date) -> list[DuePin]:
    from llmops_git.configs.due import due_pins
    from llmops_git.configs.paths import config_files

    tree = project.tree(ground.base)
    policy = project.policy(tree)
    files = config_files(tree.walk(), policy)
    if session.inputs.configs:
        asked = {project.find(tree, name) for name in session.inputs.configs}
        files = [path for path in files if path in asked]
    return due_pins(tree.read(files), policy, today)


def _retired(pin: DuePin) -> str:
    return f"retired on {pin.retirement.date}"


def _propose(
    session: Session, forge: Forge, project: Project, ground: Ground, wanted: Wanted, now: datetime, tally: _Tally
) -> None:
    from llmops_git.commands.proposing import propose_upgrade
    from llmops_git.repo.proposal import NotOurs

    name = f"{wanted.old or ' '.join(wanted.configs)} -> {wanted.model}"
    try:
        proposed = propose_upgrade(project, ground, wanted, now=now)
        if proposed.proposal.tip and not session.inputs.model:
            tally.note(*_earlier(forge, proposed, name))
            return
        evaluated = _evaluate(session, project, ground, proposed, several=not session.inputs.model)
        tally.reports.append(evaluated.report)
        if evaluated.report.gate_passes:
            url = _open(session, forge, project, ground, proposed, evaluated, now.date())
            tally.urls.append(url)
            tally.note("proposed", name, f"{evaluated.report.verdict}: {url}", link=url)
        else:
            invalid = evaluated.report.verdict == "invalid"
            tally.note(
                "not proposed", name, "not measured" if invalid else evaluated.report.verdict,
                code=EXIT_NOT_MEASURED if invalid else EXIT_GATE,
            )  # fmt: skip
    except NotOurs as error:
        tally.note("left alone", name, error.message)
    except LlmopsError as error:
        tally.note("failed", name, f"{error.message}{f' ({error.hint})' if error.hint else ''}", code=error.exit_code)


def _earlier(forge: Forge, proposed: Proposed, name: str) -> tuple[str, str, str]:
    """What to say of a branch that is there: an upgrade is proposed once, and a closed pull request is a decision."""
    branch, tip = proposed.proposal.branch, proposed.proposal.tip
    known = forge.find_pull_requests(head_repository=forge.repository, head_branch=branch, head_oid=tip)
    if known:
        return "proposed earlier", name, known[0].url
    return "declined", name, f"the branch {branch} is there without an open pull request; delete it to have it proposed again"


def _evaluate(session: Session, project: Project, ground: Ground, proposed: Proposed, *, several: bool) -> Evaluated:
    """Measure it under the default branch's policy, against the default branch and what runs; leave the report files."""
    from llmops_git.commands.candidates import with_limits
    from llmops_git.commands.jobs.tell import write_reports
    from llmops_git.commands.secrets import without_secrets
    from llmops_git.commands.upgrading import evaluate_upgrade, settings_of
    from llmops_git.configs.upgrade import slug
    from llmops_git.repo.fetch import fetch_state

    if ground.remote is not None:
        fetch_state(project.git, ground.remote)
    inputs = session.inputs
    policy = with_limits(project.policy(project.tree(ground.base)), max_usd=inputs.max_usd, max_requests=None)
    evaluated = evaluate_upgrade(
        project,
        proposed.upgrade,
        base=ground.base,
        head=proposed.proposal.commit,
        policy=policy,
        settings=settings_of(project, policy),
    )
    evaluated = without_secrets(evaluated, [session.token])
    folder = inputs.report_dir / slug(proposed.upgrade.wanted.old) if several else inputs.report_dir
    write_reports(replace(session, inputs=replace(inputs, report_dir=folder)), project, evaluated)
    return evaluated


def _open(
    session: Session, forge: Forge, project: Project, ground: Ground, proposed: Proposed, evaluated: Evaluated, today: date
) -> str:
    """Push, open the pull request, and set the status that GitHub would start no workflow for; the address."""
    from llmops_git.commands.jobs.tell import context_of
    from llmops_git.commands.proposing import open_pull_request, publish, reasons_of
    from llmops_git.forges.base import ForgeError

    if not session.inputs.dry_run:
        publish(project, ground, proposed)
    reasons = reasons_of(project.policy(project.tree(ground.base)), proposed.upgrade.edits, today)
    run = f"{session.event.run_id}.{session.event.attempt}"
    opened = open_pull_request(forge, ground, proposed, evaluated, reasons=reasons, run=run)
    try:
        forge.set_status(
            proposed.proposal.commit,
            "success",
            context=context_of(session.inputs.comment_key),
            description=f"measured when it was proposed: {evaluated.report.verdict}",
            url=session.event.run_url,
        )
    except ForgeError as error:
        session.note("warning", f"the commit status could not be set: {error.message}")
    return opened.url


def _tell(session: Session, tally: _Tally) -> None:
    """Outputs and the page of the run."""
    from llmops_git.evals.gate import worst
    from llmops_git.reports.release_page import page

    costs = [report.spending.cost_usd for report in tally.reports]
    names = dict.fromkeys(config.change.config for report in tally.reports for config in report.configs)
    session.output(
        pull_request_url=" ".join(tally.urls),
        verdict=worst(report.verdict for report in tally.reports) if tally.reports else "no-changes",
        gate_passes=str(all(report.gate_passes for report in tally.reports)).lower(),
        changed=json.dumps(list(names)),
        cost_usd="" if None in costs else f"{sum(cost for cost in costs if cost is not None):.6f}",
    )
    if not tally.rows:
        click.echo(NOTHING)
    session.log.summary(page("Model upgrades", {"Upgrades": _rows(tally.rows)}, nothing=NOTHING))


NOTHING = "no pin is retired within 60 days, as far as is known"


def _rows(rows: Sequence[Row]) -> list[Row]:
    """What needs a person first."""
    order = {"failed": 0, "not proposed": 1, "to do": 2}
    return sorted(rows, key=lambda row: order.get(row.what, len(order)))
