"""What fires, as alerts that become issues: one for each rule and group, Markdown in which every text is escaped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from llmops_git.forges.alerts import TITLE_LIMIT, Alert
from llmops_git.monitoring.rules import Group, Rule, State
from llmops_git.reports.escape import code, one_line, prose
from llmops_git.reports.monitor_values import group_text, reading_text, shown, wanted_text

FAMILY = "monitor"
MOST_GROUPS = 20  # of one rule, each with an alert of its own; more are one alert
_KEY_LIMIT = 200  # characters of a group in a key
_SHOWN = 20  # groups in the one alert

Traces = Mapping[tuple[str, Group], Sequence[str]]  # (rule, group) -> ids of the newest offending traces


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """One alert: the groups of a rule that fire together, worst first."""

    key: str
    rule: Rule
    states: tuple[State, ...]


def key_of_group(rule: str, group: Group) -> str:
    """What an alert is recognised by: `monitor/<rule>/<group>`."""
    words = ",".join(f"{name}={quote(value, safe='')}" for name, value in group)
    if len(words) > _KEY_LIMIT:
        words = f"sha256-{hashlib.sha256(words.encode()).hexdigest()}"
    return f"{FAMILY}/{rule}/{words}" if words else f"{FAMILY}/{rule}"


def raised(states: Sequence[State]) -> list[Raised]:
    """The alerts of what fires, in the order of rules."""
    by_rule: dict[str, list[State]] = {}
    for state in states:
        if state.name == "firing":
            by_rule.setdefault(state.rule.id, []).append(state)
    found = []
    for firing in by_rule.values():
        rule = firing[0].rule
        if len(firing) > MOST_GROUPS:
            found.append(Raised(key=f"{FAMILY}/{rule.id}", rule=rule, states=tuple(firing)))
        else:
            found += [Raised(key=key_of_group(rule.id, each.reading.group), rule=rule, states=(each,)) for each in firing]
    return found


def unsure_keys(states: Sequence[State]) -> frozenset[str]:
    """The keys of groups of which nobody can tell now: too little traffic, or not for long enough."""
    unsure = {"too few", "pending"}
    return frozenset(key_of_group(state.rule.id, state.reading.group) for state in states if state.name in unsure)


def alert_of(alert: Raised, traces: Traces) -> Alert:
    """The issue of an alert."""
    rule = alert.rule
    if len(alert.states) == 1:
        title = f"{rule.id}: {group_text(alert.states[0].reading.group)}"
    else:
        title = f"{rule.id}: {len(alert.states):,} groups"
    parts = [prose(rule.description)] if rule.description else []
    parts.append(f"Fires where {code(rule.metric.name)} ({prose(rule.metric.about)}) is {prose(wanted_text(rule))}.")
    parts += [_table(alert), _trace_list(alert, traces)]
    if rule.runbook:
        parts.append(f"What to do: {code(rule.runbook, 500)}")
    parts.append(
        f"Rule: {code(f'{rule.path}:{rule.line}', 300)}. To see more: {code(f'llmops-git monitor explain {rule.id}', 200)}"
    )
    return Alert(
        key=alert.key,
        title=one_line(title, TITLE_LIMIT),
        body="\n\n".join(part for part in parts if part),
        severity=rule.severity,
    )


def _table(alert: Raised) -> str:
    unit = alert.rule.metric.unit
    lines = ["| group | now | of | before | of | |", "|---|---|---|---|---|---|"]
    for state in alert.states[:_SHOWN]:
        seen = state.reading
        now = prose(shown(seen.value, unit))
        if seen.low is not None and seen.high is not None:
            now += f" ({prose(shown(seen.low, unit))} to {prose(shown(seen.high, unit))})"
        before = f"{shown(seen.baseline_value, unit)}" if seen.baseline_value is not None else ""
        sides = [code(group_text(seen.group), 200), now, f"{seen.n:,}", prose(f"{before} {seen.baseline}".strip()),
                 f"{seen.baseline_n:,}" if seen.baseline else "", prose(seen.said)]  # fmt: skip
        lines.append(f"| {' | '.join(sides)} |")
    if len(alert.states) > _SHOWN:
        lines.append(f"| and {len(alert.states) - _SHOWN:,} more | | | | | |")
    return "\n".join(lines)


def _trace_list(alert: Raised, traces: Traces) -> str:
    ids = [name for state in alert.states for name in traces.get((alert.rule.id, state.reading.group), ())][:_SHOWN]
    if not ids:
        return ""
    return "\n".join(
        ["The newest traces that show it:", "", *(f"- {code(f'llmops-git traces show {name}', 120)}" for name in ids)]
    )


def summary_line(state: State) -> str:
    """One group in one line, for the terminal and for annotations."""
    said = f" ({state.reading.said})" if state.reading.said else ""
    return f"{state.rule.id}: {group_text(state.reading.group)}: {reading_text(state.rule, state.reading)}{said}"
