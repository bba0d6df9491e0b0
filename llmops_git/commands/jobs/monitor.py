"""`ci monitor`: looks at releases, environments, pins and live traffic on a schedule, and keeps one issue for each alert."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from llmops_git.commands.jobs.session import Session
from llmops_git.errors import EXIT_GATE, LlmopsError
from llmops_git.forges.base import ForgeError

if TYPE_CHECKING:
    from llmops_git.commands.state import State
    from llmops_git.forges.alerts import Act, Alert
    from llmops_git.repo.mainline import Mainline

_EVENTS = frozenset({"schedule", "dispatch", "push", "other"})


def run(session: Session, *, now: datetime | None = None) -> int:
    """Watch. Exit code: 1 while an alert of severity `error` fires, 0 otherwise, also where issues may not be written."""
    from llmops_git.commands.jobs.acting import on_default_branch
    from llmops_git.commands.jobs.facts import FAMILIES, worst_first
    from llmops_git.commands.jobs.monitor_live import look_at, tell_webhooks

    if session.event.kind not in _EVENTS:
        message = f"a `{session.event.name}` event watches nothing: its job may hold what a stranger proposed"
        raise LlmopsError(message, hint="on: {schedule: [{cron: '17 * * * *'}]}")
    now = now or datetime.now(UTC)
    state, mainline = on_default_branch(session, _state(session))
    found = find_alerts(state, mainline, now)
    live = look_at(session, state, mainline, now)
    alerts = worst_first([*found, *live.alerts])
    for alert in alerts:
        click.echo(f"{alert.severity}: {alert.title}")
        session.note(alert.severity, alert.title)
    acts = _keep(session, worst_first([*found, *live.issues]), (*FAMILIES, *live.families), live.unsure)
    tell_webhooks(session, state, live, acts)
    session.log.summary(_page(alerts))
    return EXIT_GATE if any(alert.severity == "error" for alert in alerts) else live.code


def find_alerts(state: State, mainline: Mainline, now: datetime) -> Sequence[Alert]:
    """Everything that is to be known now, errors first."""
    from llmops_git.commands.jobs import facts
    from llmops_git.commands.releasing import release_configs
    from llmops_git.commands.verify import chosen, verify_levels

    git = state.project.git
    releases, configs = chosen(state, None)
    committed = datetime.fromtimestamp(int(git.run("show", "-s", "--format=%ct", mainline.tip)), UTC)
    pending = release_configs(state, (), (), commit=mainline.tip, dry_run=True)
    return facts.worst_first(
        [
            *facts.verify_alerts(verify_levels(state, releases, configs, ask_remote=True)),
            *facts.retirement_alerts(state, now.date()),
            *facts.behind_alerts(state, now),
            *facts.pending_alerts(pending, committed=committed, now=now),
        ]
    )


def _state(session: Session) -> State:
    """The state after a fetch; what the remote moved or rewrote is left for verification to say."""
    from llmops_git.commands.jobs.opened import session_project
    from llmops_git.commands.state import read_state
    from llmops_git.commands.verify import fetched

    project = session_project(session)
    return fetched(read_state(fetch=False, project=project), project)


def _keep(session: Session, alerts: Sequence[Alert], families: Sequence[str], unsure: Collection[str]) -> Sequence[Act] | None:
    """Bring the issues up to date; what was done, None where they may not be written. The annotations and the exit code still
    say it then."""
    from llmops_git.forges.alerts import keep_issues

    if session.forge is None:
        return None
    try:
        acts = keep_issues(session.forge, alerts, families, unsure=unsure)
    except ForgeError as error:
        hint = f" ({error.hint})" if error.hint else ""
        session.note("warning", f"issues could not be kept: {error.message}{hint}")
        return None
    for act in acts:
        name = act.alert.title if act.alert else f"#{act.issue.number}" if act.issue else ""
        click.echo(f"issue: {act.what} {name}")
    return acts


def _page(alerts: Sequence[Alert]) -> str:
    from llmops_git.reports.release_page import Row, page

    rows = [Row(what=alert.severity, name=alert.key, about=alert.title) for alert in alerts]
    return page("Watch", {"Alerts": rows}, nothing="nothing to report: releases, environments and pins are as they should be")
