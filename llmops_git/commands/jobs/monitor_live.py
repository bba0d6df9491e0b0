"""What `ci monitor` finds in live traffic, where the policy names a store of traces: by the rules of the default branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import click

from llmops_git.errors import EXIT_GATE, EXIT_OK, LlmopsError
from llmops_git.reports.clean import clean

if TYPE_CHECKING:
    from llmops_git.commands.jobs.session import Session
    from llmops_git.commands.monitoring import Checked
    from llmops_git.commands.state import State
    from llmops_git.forges.alerts import Act, Alert
    from llmops_git.monitoring.rules import Rule
    from llmops_git.repo.mainline import Mainline


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What was seen. `families` are what was looked for: where there are none, the issues of earlier runs stay as they are.
    `code`: 1 while a rule of severity `error` fires; others where the rules or the traces could not be read."""

    alerts: Sequence[Alert] = ()  # all that fires
    issues: Sequence[Alert] = ()  # those that want an issue
    families: tuple[str, ...] = ()
    unsure: frozenset[str] = frozenset()
    code: int = EXIT_OK
    rules: Sequence[Rule] = ()
    checked: Checked | None = None
    before: Mapping[str, frozenset[str]] = field(default_factory=dict)


def look_at(session: Session, state: State, mainline: Mainline, now: datetime) -> Live:
    """Look at live traffic. What keeps from that is said, and leaves the rest of the job as it is."""
    from llmops_git.monitoring.rule_files import load_rules

    try:
        rules = load_rules(state.project.tree(mainline.tip), state.policy)
        if not rules:
            return Live()
        if not state.policy.trace_store:
            click.echo("live traffic is not watched: llmops.yaml names no store of traces, as traces: {store: s3://…}")
            return Live()
        return _seen(state, rules, now)
    except LlmopsError as error:
        hint = f" ({error.hint})" if error.hint else ""
        session.note("error", f"live traffic is not watched: {error.message}{hint}")
        return Live(code=error.exit_code)


def _seen(state: State, rules: Sequence[Rule], now: datetime) -> Live:
    from llmops_git.commands.monitoring import asking, check_rules, looking_with, released_of
    from llmops_git.commands.monitoring_told import issue_alerts, raised_before
    from llmops_git.reports.monitor_alerts import FAMILY, alert_of, unsure_keys

    with asking(state.project, state.policy, None) as ask:
        looking = looking_with(ask, released_of(state.registry))
        checked = check_rules(rules, looking, now)
        before = raised_before(rules, looking, now)
    fails = any(alert.rule.severity == "error" for alert in checked.raised)
    return Live(
        alerts=[alert_of(alert, checked.traces) for alert in checked.raised],
        issues=issue_alerts(checked),
        families=(FAMILY,),
        unsure=unsure_keys(checked.states),
        code=EXIT_GATE if fails else EXIT_OK,
        rules=rules,
        checked=checked,
        before=before,
    )


def tell_webhooks(session: Session, state: State, live: Live, acts: Sequence[Act] | None) -> None:
    """Tell what began and what ended; `acts` are what was done to the issues, None where they could not be kept."""
    from llmops_git.commands.monitoring_told import changes, tell

    if live.checked is None:
        return
    changed = changes(live.rules, live.checked, live.before, acts)
    for told in tell(state.policy, changed, live.checked, session.environ, dry_run=session.inputs.dry_run):
        if told.failed:
            session.note("warning", f"webhook {told.webhook} was not told that {told.key} {told.event}: {told.failed}")
        else:
            click.echo(clean(f"webhook {told.webhook}: {told.key} {told.event}"))
