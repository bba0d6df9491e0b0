"""Who is told of alerts: one issue for each, and webhooks when one begins or ends.

No state is kept: issues are the memory, and where there are none, the look before this one is taken again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmops_git.commands.monitoring import Checked
    from llmops_git.configs.policy import Policy
    from llmops_git.forges.alerts import Act, Alert
    from llmops_git.forges.base import Forge
    from llmops_git.monitoring.looking import Looking
    from llmops_git.monitoring.rules import Rule

EVENT = "llmops-git/monitor-event/1"
_GROUPS = 20  # of one event


Change = tuple["Rule", str, str]  # the rule, the key of the alert, and whether it `began` or `ended`


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One post: to which webhook, about which alert, whether it `began` or `ended`, and why it failed ("" when it did not)."""

    webhook: str
    key: str
    event: str
    failed: str = ""


def issue_alerts(checked: Checked) -> list[Alert]:
    """What fires and wants an issue."""
    from llmops_git.monitoring.rules import GITHUB_ISSUE
    from llmops_git.reports.monitor_alerts import alert_of

    return [alert_of(alert, checked.traces) for alert in checked.raised if GITHUB_ISSUE in alert.rule.notify]


def keep(forge: Forge, checked: Checked) -> list[Act]:
    """Bring the issues up to date; what was done. Raises ForgeError."""
    from llmops_git.forges.alerts import keep_issues
    from llmops_git.reports.monitor_alerts import FAMILY, unsure_keys

    return keep_issues(forge, issue_alerts(checked), [FAMILY], unsure=unsure_keys(checked.states))


def raised_before(rules: Sequence[Rule], looking: Looking, now: datetime) -> dict[str, frozenset[str]]:
    """For the rules that tell webhooks: the keys of the alerts that they raised at the look before `now`."""
    from llmops_git.monitoring.measuring import check
    from llmops_git.reports.monitor_alerts import raised

    return {
        rule.id: frozenset(alert.key for alert in raised(check(rule, looking, now - rule.every)))
        for rule in rules
        if rule.webhooks
    }


def changes(
    rules: Sequence[Rule], checked: Checked, before: Mapping[str, frozenset[str]], acts: Sequence[Act] | None
) -> list[Change]:
    """What began or ended, for rules with webhooks. `acts` are what was done to the issues, None where none are kept."""
    from llmops_git.monitoring.rules import GITHUB_ISSUE

    found: list[Change] = []
    for rule in rules:
        if not rule.webhooks:
            continue
        if acts is not None and GITHUB_ISSUE in rule.notify:
            found += [(rule, key, event) for key, event in _by_issues(acts) if _of(key, rule)]
            continue
        was, is_now = before.get(rule.id, frozenset()), {alert.key for alert in checked.raised if alert.rule.id == rule.id}
        found += [(rule, key, "began") for key in sorted(is_now - was)]
        found += [(rule, key, "ended") for key in sorted(was - is_now)]
    return found


def _of(key: str, rule: Rule) -> bool:
    return key.split("/")[1:2] == [rule.id]


def _by_issues(acts: Sequence[Act]) -> list[tuple[str, str]]:
    from llmops_git.forges.alerts import key_of

    found = []
    for act in acts:
        if act.alert is not None and (act.issue is None or not act.issue.open):
            found.append((act.alert.key, "began"))
        elif act.what == "close" and act.issue is not None:
            found.append((key_of(act.issue.body), "ended"))
    return found


def event_of(rule: Rule, key: str, event: str, checked: Checked) -> dict[str, Any]:
    """What a webhook is posted; schema: schemas/monitor-event.schema.json. `key` stays the same while an alert lasts."""
    from llmops_git.reports.monitor_json import state_document

    alert = next((alert for alert in checked.raised if alert.key == key), None)
    states = alert.states if alert else ()
    return {
        "schema": EVENT,
        "event": event,
        "key": key,
        "time": checked.now.isoformat(),
        "rule": rule.id,
        "severity": rule.severity,
        "description": rule.description,
        "runbook": rule.runbook,
        "metric": rule.metric.name,
        "groups": len(states),
        "states": [state_document(state, checked.traces) for state in states[:_GROUPS]],
    }


def tell(
    policy: Policy, changed: Sequence[Change], checked: Checked, environ: Mapping[str, str], *, dry_run: bool
) -> list[Told]:
    """Post every change to the webhooks of its rule. A webhook that does not answer is said, and fails nothing."""
    from llmops_git.monitoring.webhooks import post

    told = []
    for rule, key, event in changed:
        for name in rule.webhooks:
            failed = "" if dry_run else post(policy.webhooks[name], event_of(rule, key, event, checked), environ=environ)
            told.append(Told(webhook=name, key=key, event=event, failed=failed))
    return told
