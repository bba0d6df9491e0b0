"""Keeps one issue per alert: opened when it fires, brought up to date, closed when it is over, reopened when it comes back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from llmops_git.forges.base import Forge, Issue
from llmops_git.forges.text import one_line

LABEL = "llmops-git"
TITLE_LIMIT = 200  # characters; GitHub takes 256
BODY_LIMIT = 60_000  # characters; GitHub takes 65,536
_MARKER = re.compile(r"<!-- llmops-git:alert:v1 key=([A-Za-z0-9_.~%-]+) -->")

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that people must know. `key` says what it is about and stays the same while it lasts: a family, `/`, the rest
    (`behind/production/router`). `title` is plain text, `body` Markdown in which every text from elsewhere is escaped."""

    key: str
    title: str
    body: str
    severity: Severity

    @property
    def family(self) -> str:
        """What looked for it: only who looks for a family knows that one of its alerts is over."""
        return self.key.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing to do: `create`, `update` (title, body, open again) or `close` an issue."""

    what: Literal["create", "update", "close"]
    alert: Alert | None = None
    issue: Issue | None = None


def keep_issues(forge: Forge, alerts: Sequence[Alert], families: Iterable[str], *, unsure: Iterable[str] = ()) -> list[Act]:
    """Make the issues say what fires now. `families` are those that were looked for: others are left alone, and so are the keys
    in `unsure`, of which nobody can tell now whether they are over.

    Ours is an issue whose author is us and whose first line is the marker of a key. What was done. Raises ForgeError.
    """
    issues, looked_for = list(forge.issues(LABEL)), frozenset(families)
    acts = plan_issues(issues, alerts, me=forge.me(), families=looked_for, unsure=frozenset(unsure))
    for act in acts:
        if act.issue is None and act.alert is not None:
            forge.create_issue(title=_title(act.alert), body=issue_body(act.alert), labels=[LABEL])
        elif act.issue is not None and act.alert is not None:
            forge.update_issue(act.issue.number, title=_title(act.alert), body=issue_body(act.alert), is_open=True)
        elif act.issue is not None:
            forge.update_issue(act.issue.number, is_open=False)
    return acts


def plan_issues(
    issues: Sequence[Issue],
    alerts: Sequence[Alert],
    *,
    me: str,
    families: frozenset[str],
    unsure: frozenset[str] = frozenset(),
) -> list[Act]:
    """What to do so that there is one open issue for each alert and none for what is over. Of several for one key the oldest
    stays; the others are closed."""
    ours: dict[str, list[Issue]] = {}
    for issue in sorted(issues, key=lambda issue: issue.number):
        key = key_of(issue.body)
        if me and issue.author == me and key:
            ours.setdefault(key, []).append(issue)
    acts = []
    for alert in alerts:
        known = ours.get(alert.key)
        if not known:
            acts.append(Act(what="create", alert=alert))
        elif not _says(known[0], alert):
            acts.append(Act(what="update", alert=alert, issue=known[0]))
    firing = {alert.key for alert in alerts}
    for key, known in ours.items():
        over = known[1:] if key in firing | unsure else known if key.partition("/")[0] in families else []
        acts += [Act(what="close", issue=issue) for issue in over if issue.open]
    return acts


def issue_body(alert: Alert) -> str:
    """The marker, then the text."""
    return f"<!-- llmops-git:alert:v1 key={quote(alert.key, safe='')} -->\n{alert.body[:BODY_LIMIT]}"


def key_of(body: str) -> str:
    """The key in the first line of an issue; "" where that is no marker."""
    found = _MARKER.fullmatch(body.partition("\n")[0].removesuffix("\r"))
    return unquote(found[1], errors="replace") if found else ""


def _says(issue: Issue, alert: Alert) -> bool:
    return issue.open and issue.title == _title(alert) and _text(issue.body) == _text(issue_body(alert))


def _text(body: str) -> str:
    """A body without what forges change in it: line ends, and blanks at its end."""
    return body.replace("\r\n", "\n").rstrip()


def _title(alert: Alert) -> str:
    return one_line(alert.title, TITLE_LIMIT)
